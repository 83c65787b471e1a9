'use strict';
// A capture that took effect and was answered with a 500: the key tells the same for ever.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, held, refused, unique } = require('../shop');

test('a 500 is replayed under its key, although the money was taken', async () => {
  const stripe = client(`sk_test_${unique('fault')}`);
  const options = { idempotencyKey: unique('order') };
  const { id } = await stripe.paymentIntents.create(held());
  const tries = [];
  for (const maxNetworkRetries of [0, 0, 2]) {
    const captured = stripe.paymentIntents.capture(id, {}, { ...options, maxNetworkRetries });
    tries.push(await refused(captured, 'StripeAPIError', 500));
  }
  const replayed = tries.map((each) => each.headers['idempotent-replayed']);
  assert.deepEqual(replayed, [undefined, 'true', 'true']);
  assert.equal(new Set(tries.map((each) => each.message)).size, 1);
  assert.equal((await stripe.paymentIntents.retrieve(id)).amount_received, 2400);
});

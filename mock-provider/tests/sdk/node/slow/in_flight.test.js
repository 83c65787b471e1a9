'use strict';
// Two requests at once under one key: one is executed, the other is told to come back.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, counting, held, unique, ids } = require('../shop');

test('a key in flight is refused with 409', async () => {
  const stripe = client(`sk_test_${unique('flight')}`);
  const options = { idempotencyKey: unique('order') };
  const calls = [0, 1].map(() => stripe.paymentIntents.create(held(), options));
  const results = await Promise.allSettled(calls);
  const [{ reason: error }] = results.filter((each) => each.status === 'rejected');
  const [{ value: intent }] = results.filter((each) => each.status === 'fulfilled');
  assert.deepEqual([error.type, error.statusCode], ['StripeAPIError', 409]);
  assert.deepEqual([error.code, error.rawType], ['idempotency_key_in_use', 'idempotency_error']);
  const again = await stripe.paymentIntents.create(held(), options);
  assert.equal(again.id, intent.id);
  assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
});

test('a key in flight buys once when the SDK tries again', async (t) => {
  const counted = counting(t, `sk_test_${unique('flight')}`, { maxNetworkRetries: 5 });
  const { stripe } = counted;
  const options = { idempotencyKey: unique('order') };
  const calls = [0, 1].map(() => stripe.paymentIntents.create(held(), options));
  const [first, second] = await Promise.all(calls);
  assert.equal(first.id, second.id);
  assert.ok(counted.sent >= 3, `${counted.sent} requests`);
  assert.deepEqual(ids(await stripe.paymentIntents.list()), [first.id]);
});

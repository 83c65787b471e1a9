'use strict';
// Two requests at once for one payment: the second waits a little, then hears `lock_timeout`.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, counting, held, taken, unique } = require('../shop');

test('a lock that is not let go in time is 429 and worth another try', async () => {
  const stripe = client(`sk_test_${unique('lock')}`);
  const { id } = await stripe.paymentIntents.create(held());
  const calls = [0, 1].map(() => stripe.paymentIntents.capture(id));
  const results = await Promise.allSettled(calls);
  const errors = results.filter((each) => each.status === 'rejected').map((each) => each.reason);
  assert.equal(errors.length, 1);
  const [error] = errors;
  assert.deepEqual([error.type, error.statusCode, error.code],
    ['StripeRateLimitError', 429, 'lock_timeout']);
  assert.equal(error.headers['stripe-should-retry'], 'true');
  assert.ok(!('stripe-rate-limited-reason' in error.headers));
  assert.equal((await stripe.paymentIntents.retrieve(id)).amount_received, 2400);
});

test('a lock is waited out by the SDK', async (t) => {
  const counted = counting(t, `sk_test_${unique('lock')}`, { maxNetworkRetries: 5 });
  const { stripe } = counted;
  const intent = await stripe.paymentIntents.create(taken());
  const before = counted.sent;
  const part = { payment_intent: intent.id, amount: 1200 };
  const refunds = await Promise.all([0, 1].map(() => stripe.refunds.create(part)));
  assert.deepEqual(refunds.map((each) => each.status), ['succeeded', 'succeeded']);
  assert.notEqual(refunds[0].id, refunds[1].id);
  assert.ok(counted.sent - before >= 3, `${counted.sent - before} requests`);
  assert.equal(counted.keys.size, 3, 'a try again has the same key');
});

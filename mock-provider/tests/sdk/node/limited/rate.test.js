'use strict';
// More calls than the account may make: 429, which the SDK leaves to the shop.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE, counting, payment, unique } = require('../shop');

/** Calls until it is refused; the error. */
async function refusal(call) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    try {
      await call();
    } catch (error) {
      assert.equal(error.type, 'StripeRateLimitError', error.message);
      return error;
    }
  }
  throw new Error('no limit was reached');
}

/** Calls until it is admitted; the answer. */
async function admitted(call) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    try {
      return await call();
    } catch (error) {
      assert.equal(error.type, 'StripeRateLimitError', error.message);
    }
  }
  throw new Error('no call was admitted again');
}

test('a rate limit is told with its reason and without a time to come back', async (t) => {
  const { stripe } = counting(t, `sk_test_${unique('rate')}`);
  const error = await refusal(() => stripe.paymentIntents.create(payment()));
  assert.deepEqual([error.statusCode, error.code], [429, 'rate_limit']);
  assert.equal(error.headers['stripe-rate-limited-reason'], 'global-rate');
  assert.ok(!('retry-after' in error.headers));
});

test('a rate limit is not tried again by the SDK', async (t) => {
  const counted = counting(t, `sk_test_${unique('rate')}`, { maxNetworkRetries: 2 });
  let calls = 0;
  await refusal(() => {
    calls += 1;
    return counted.stripe.paymentIntents.create(payment());
  });
  assert.equal(counted.sent, calls);
});

test('a rate limit leaves the key free', async (t) => {
  const { stripe } = counting(t, `sk_test_${unique('rate')}`);
  let options;
  await refusal(() => {
    options = { idempotencyKey: unique('order') };
    return stripe.paymentIntents.create(payment(), options);
  });
  const intent = await admitted(() => stripe.paymentIntents.create(payment(), options));
  assert.equal(intent.lastResponse.headers['idempotent-replayed'], undefined);
});

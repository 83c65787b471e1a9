'use strict';
// Shops with an old major of the SDK: the same payment, with its errors and its keys.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const Stripe = require('stripe-12');
const { ADDRESS, held, ids, payment, refused, unique } = require('../shop');

const stripe = new Stripe(`sk_test_${unique('older')}`, { ...ADDRESS, maxNetworkRetries: 0 });

test('an older SDK creates, confirms, captures and refunds', async () => {
  const { id } = await stripe.paymentIntents.create(payment({ metadata: { 注文: '七' } }));
  const confirmed = await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
  assert.equal(confirmed.status, 'succeeded');
  assert.deepEqual(confirmed.metadata, { 注文: '七' });
  const refund = await stripe.refunds.create({ payment_intent: id, amount: 1000 });
  assert.equal(refund.amount, 1000);
});

test('an older SDK hears of a decline', async () => {
  const words = held({ payment_method: 'pm_card_visa_chargeDeclinedStolenCard' });
  const paid = stripe.paymentIntents.create(words);
  const error = await refused(paid, 'StripeCardError', 402, 'card_declined');
  assert.equal(error.decline_code, 'stolen_card');
  const missing = stripe.paymentIntents.retrieve('pi_none');
  await refused(missing, 'StripeInvalidRequestError', 404, 'resource_missing');
});

test('an older SDK uses keys', async () => {
  const options = { idempotencyKey: unique('order') };
  const first = await stripe.paymentIntents.create(held(), options);
  const again = await stripe.paymentIntents.create(held(), options);
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
  const other = stripe.paymentIntents.create(held({ amount: 90 }), options);
  await refused(other, 'StripeIdempotencyError', 400);
});

test('an older SDK walks through lists and expands', async () => {
  const customer = (await stripe.customers.create({ name: '鈴木' })).id;
  const made = [];
  for (let n = 0; n < 3; n += 1) {
    made.unshift((await stripe.paymentIntents.create(held({ customer }))).id);
  }
  const words = { customer, limit: 2, expand: ['data.latest_charge'] };
  const walked = await stripe.paymentIntents.list(words).autoPagingToArray({ limit: 10 });
  assert.deepEqual(ids({ data: walked }), made);
  assert.ok(walked.every((each) => each.latest_charge.object === 'charge'));
});

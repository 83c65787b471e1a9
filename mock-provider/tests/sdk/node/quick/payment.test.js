'use strict';
// The life of a payment: created, confirmed, captured, cancelled, refunded.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, held, payment, taken, refused, unique } = require('../shop');

const stripe = client();
const INVALID = 'StripeInvalidRequestError';
const STATE = 'payment_intent_unexpected_state';

test('a payment is created, confirmed, captured and refunded', async () => {
  const created = await stripe.paymentIntents.create(payment({ capture_method: 'manual' }));
  assert.equal(created.object, 'payment_intent');
  assert.match(created.id, /^pi_/);
  assert.ok(created.client_secret.startsWith(`${created.id}_secret_`));
  assert.equal(created.status, 'requires_payment_method');
  assert.equal(created.latest_charge, null);
  assert.equal(created.livemode, false);

  const card = { payment_method: 'pm_card_visa' };
  const confirmed = await stripe.paymentIntents.confirm(created.id, card);
  assert.equal(confirmed.status, 'requires_capture');
  assert.deepEqual([confirmed.amount_capturable, confirmed.amount_received], [2400, 0]);

  const captured = await stripe.paymentIntents.capture(created.id);
  assert.equal(captured.status, 'succeeded');
  assert.deepEqual([captured.amount_capturable, captured.amount_received], [0, 2400]);

  const refund = await stripe.refunds.create({ payment_intent: created.id });
  assert.deepEqual([refund.object, refund.status, refund.amount], ['refund', 'succeeded', 2400]);
  assert.equal(refund.charge, captured.latest_charge);
  const charge = await stripe.charges.retrieve(captured.latest_charge);
  assert.deepEqual([charge.refunded, charge.amount_refunded], [true, 2400]);
});

test('a payment captures itself unless told otherwise', async () => {
  const intent = await stripe.paymentIntents.create(taken());
  assert.deepEqual([intent.status, intent.amount_received], ['succeeded', 2400]);
});

test('a payment with a card waits for its confirmation', async () => {
  const intent = await stripe.paymentIntents.create(payment({ payment_method: 'pm_card_visa' }));
  assert.equal(intent.status, 'requires_confirmation');
  assert.equal((await stripe.paymentIntents.confirm(intent.id)).status, 'succeeded');
});

test('a payment is captured in part, once, and the rest is released', async () => {
  const intent = await stripe.paymentIntents.create(held());
  const part = { amount_to_capture: 1500 };
  const captured = await stripe.paymentIntents.capture(intent.id, part);
  assert.deepEqual([captured.amount_received, captured.amount_capturable], [1500, 0]);
  const again = stripe.paymentIntents.capture(intent.id);
  const error = await refused(again, INVALID, 400, STATE);
  assert.equal(error.payment_intent.id, intent.id);
});

test('a payment is not captured beyond its amount', async () => {
  const intent = await stripe.paymentIntents.create(held());
  const more = stripe.paymentIntents.capture(intent.id, { amount_to_capture: 2401 });
  const error = await refused(more, INVALID, 400, 'amount_too_large');
  assert.equal(error.param, 'amount_to_capture');
});

test('a payment is cancelled and not captured any more', async () => {
  const intent = await stripe.paymentIntents.create(held());
  const why = { cancellation_reason: 'requested_by_customer' };
  const cancelled = await stripe.paymentIntents.cancel(intent.id, why);
  assert.equal(cancelled.status, 'canceled');
  assert.equal(cancelled.cancellation_reason, 'requested_by_customer');
  assert.equal(cancelled.amount_capturable, 0);
  await refused(stripe.paymentIntents.capture(intent.id), INVALID, 400, STATE);
});

test('a payment that was captured is not cancelled', async () => {
  const intent = await stripe.paymentIntents.create(taken());
  await refused(stripe.paymentIntents.cancel(intent.id), INVALID, 400, STATE);
});

test('a payment is refunded in parts and never beyond', async () => {
  const { id, latest_charge: charge } = await stripe.paymentIntents.create(taken());
  const first = await stripe.refunds.create({ payment_intent: id, amount: 1000 });
  await refused(stripe.refunds.create({ payment_intent: id, amount: 1401 }), INVALID, 400);
  const second = await stripe.refunds.create({ charge, metadata: { 返品: '残り' } });
  assert.deepEqual([second.amount, second.metadata], [1400, { 返品: '残り' }]);
  const more = stripe.refunds.create({ payment_intent: id });
  await refused(more, INVALID, 400, 'charge_already_refunded');
  const listed = await stripe.refunds.list({ payment_intent: id });
  assert.deepEqual(listed.data.map((each) => each.id), [second.id, first.id]);
});

test('a payment carries metadata in any language', async () => {
  const metadata = { '注文 番号': '二階席 A-12', emoji: '🎤🎉', signs: 'a&b=c+d %25 [x]' };
  const { id } = await stripe.paymentIntents.create(payment({ metadata }));
  assert.deepEqual((await stripe.paymentIntents.retrieve(id)).metadata, metadata);
  const changes = { metadata: { emoji: '', 新: 'しい' } };
  const updated = await stripe.paymentIntents.update(id, changes);
  const { emoji, ...rest } = metadata;
  assert.deepEqual(updated.metadata, { ...rest, 新: 'しい' });
  assert.deepEqual((await stripe.paymentIntents.update(id, { metadata: '' })).metadata, {});
});

test('a payment is updated before it is confirmed', async () => {
  const { id } = await stripe.paymentIntents.create(payment({ description: '席' }));
  const updated = await stripe.paymentIntents.update(id, { amount: 3600, description: '' });
  assert.deepEqual([updated.amount, updated.description], [3600, null]);
});

test('a payment is read with its client secret by the page of the shop', async () => {
  const intent = await stripe.paymentIntents.create(payment());
  const browser = client('pk_test_spike');
  const { client_secret: secret } = intent;
  const seen = await browser.paymentIntents.retrieve(intent.id, { client_secret: secret });
  assert.equal(seen.id, intent.id);
  await assert.rejects(browser.paymentIntents.retrieve(intent.id, { client_secret: 'wrong' }));
});

test('a wrong parameter is named', async () => {
  const missing = stripe.paymentIntents.create({ currency: 'jpy' });
  assert.equal((await refused(missing, INVALID, 400, 'parameter_missing')).param, 'amount');
  const unknown = stripe.paymentIntents.create(payment({ colour: 'blue' }));
  assert.equal((await refused(unknown, INVALID, 400, 'parameter_unknown')).param, 'colour');
  const negative = stripe.paymentIntents.create(payment({ amount: -5 }));
  const error = await refused(negative, INVALID, 400, 'parameter_invalid_integer');
  assert.deepEqual([error.param, error.rawType], ['amount', 'invalid_request_error']);
});

test('a payment that does not exist is missing', async () => {
  const error = await refused(
    stripe.paymentIntents.retrieve('pi_none'), INVALID, 404, 'resource_missing',
  );
  assert.equal(error.param, 'intent');
  const { id } = await stripe.paymentIntents.create(payment());
  const other = client(`sk_test_${unique('x')}`);
  await refused(other.paymentIntents.retrieve(id), INVALID, 404, 'resource_missing');
});

test('a wrong key is 401', async () => {
  const wrong = client('not-a-key').paymentIntents.create(payment());
  const error = await refused(wrong, 'StripeAuthenticationError', 401);
  assert.match(error.requestId, /^req_/);
});

test('every answer has a request id, and the version that was asked for', async () => {
  const first = await stripe.paymentIntents.create(payment());
  const options = { apiVersion: '2024-06-20' };
  const second = await stripe.paymentIntents.retrieve(first.id, {}, options);
  assert.match(first.lastResponse.requestId, /^req_/);
  assert.notEqual(first.lastResponse.requestId, second.lastResponse.requestId);
  assert.equal(second.lastResponse.apiVersion, '2024-06-20');
  const error = await refused(stripe.paymentIntents.retrieve('pi_none'), INVALID, 404);
  assert.match(error.requestId, /^req_/);
});

test('an unknown path is an error the SDK understands', async () => {
  await refused(stripe.rawRequest('GET', '/v1/nothing'), INVALID, 404);
});

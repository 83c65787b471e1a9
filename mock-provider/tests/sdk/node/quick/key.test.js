'use strict';
// Idempotency keys: the same request under the same key takes effect once.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, held, payment, refused, unique, ids } = require('../shop');

const stripe = client(`sk_test_${unique('key')}`);
const key = () => ({ idempotencyKey: unique('order') });
const replayed = (answer) => answer.lastResponse.headers['idempotent-replayed'];

test('a key answers the same again', async () => {
  const options = key();
  const first = await stripe.paymentIntents.create(held(), options);
  assert.equal(replayed(first), undefined);
  assert.equal(first.lastResponse.idempotencyKey, options.idempotencyKey);
  await stripe.paymentIntents.cancel(first.id);
  const again = await stripe.paymentIntents.create(held(), options);
  assert.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(first)));
  assert.equal(replayed(again), 'true');
});

test('a key is refused with other parameters', async () => {
  const options = key();
  const first = await stripe.paymentIntents.create(payment(), options);
  const other = stripe.paymentIntents.create(payment({ amount: 90 }), options);
  const error = await refused(other, 'StripeIdempotencyError', 400);
  assert.equal(error.rawType, 'idempotency_error');
  assert.equal((await stripe.paymentIntents.create(payment(), options)).id, first.id);
});

test('a key captures once', async () => {
  const options = key();
  const { id } = await stripe.paymentIntents.create(held());
  const captured = await stripe.paymentIntents.capture(id, {}, options);
  const again = await stripe.paymentIntents.capture(id, {}, options);
  assert.deepEqual([again.status, again.id], [captured.status, id]);
  assert.equal(replayed(again), 'true');
});

test('a key answers a decline again', async () => {
  const options = key();
  const words = held({ payment_method: 'pm_card_visa_chargeDeclined' });
  const tries = [];
  for (let n = 0; n < 2; n += 1) {
    const paid = stripe.paymentIntents.create(words, options);
    tries.push(await refused(paid, 'StripeCardError', 402, 'card_declined'));
  }
  assert.equal(tries[0].payment_intent.id, tries[1].payment_intent.id);
  assert.equal(tries[1].headers['idempotent-replayed'], 'true');
});

test('a key is free again after a request that was malformed', async () => {
  const options = key();
  const wrong = stripe.paymentIntents.create(payment({ amount: 'much' }), options);
  await refused(wrong, 'StripeInvalidRequestError', 400);
  assert.equal(replayed(await stripe.paymentIntents.create(payment(), options)), undefined);
});

test('a key belongs to its account', async () => {
  const options = key();
  const first = await stripe.paymentIntents.create(payment(), options);
  const other = client(`sk_test_${unique('other')}`);
  const second = await other.paymentIntents.create(payment({ amount: 90 }), options);
  assert.notEqual(first.id, second.id);
  assert.deepEqual(ids(await other.paymentIntents.list()), [second.id]);
});

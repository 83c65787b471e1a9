'use strict';
// Payment methods, test cards, customers, and what is told of a card that is declined.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, held, payment, refused, unique, ids } = require('../shop');

const stripe = client();
const CARD_ERROR = 'StripeCardError';

// Test card, its number, the error's code, the decline code; none: the documents name none.
const DECLINES = [
  ['visa_chargeDeclined', '4000000000000002', 'card_declined', 'generic_decline'],
  ['visa_chargeDeclinedInsufficientFunds', '4000000000009995', 'card_declined',
    'insufficient_funds'],
  ['visa_chargeDeclinedLostCard', '4000000000009987', 'card_declined', 'lost_card'],
  ['visa_chargeDeclinedStolenCard', '4000000000009979', 'card_declined', 'stolen_card'],
  ['visa_chargeDeclinedVelocityLimitExceeded', '4000000000006975', 'card_declined',
    'card_velocity_exceeded'],
  ['chargeDeclinedExpiredCard', '4000000000000069', 'expired_card'],
  ['chargeDeclinedIncorrectCvc', '4000000000000127', 'incorrect_cvc'],
  ['chargeDeclinedProcessingError', '4000000000000119', 'processing_error'],
];

function card(number, changes) {
  return { type: 'card', card: { number, exp_month: 12, exp_year: 2034, cvc: '314', ...changes } };
}

async function check(error, code, declineCode) {
  assert.equal(error.rawType, 'card_error');
  const allowed = declineCode ? [declineCode] : ['', code];
  assert.ok(allowed.includes(error.decline_code ?? ''), error.decline_code);
  assert.match(error.charge, /^ch_/);
  assert.equal(error.payment_intent.status, 'requires_payment_method');
  const intent = await stripe.paymentIntents.retrieve(error.payment_intent.id);
  assert.equal(intent.status, 'requires_payment_method');
  assert.equal(intent.last_payment_error.code, code);
  assert.equal(intent.last_payment_error.payment_method.object, 'payment_method');
}

for (const [name, number, code, declineCode] of DECLINES) {
  test(`pm_card_${name} is declined`, async () => {
    const paid = stripe.paymentIntents.create(held({ payment_method: `pm_card_${name}` }));
    await check(await refused(paid, CARD_ERROR, 402, code), code, declineCode);
  });

  test(`the card ${number} is declined`, async () => {
    const method = await stripe.paymentMethods.create(card(number));
    const intent = await stripe.paymentIntents.create(payment({ payment_method: method.id }));
    const paid = stripe.paymentIntents.confirm(intent.id);
    const error = await refused(paid, CARD_ERROR, 402, code);
    assert.equal(error.payment_intent.id, intent.id);
    await check(error, code, declineCode);
  });
}

test('a payment that was declined takes another card', async () => {
  const expired = held({ payment_method: 'pm_card_chargeDeclinedExpiredCard' });
  const error = await refused(stripe.paymentIntents.create(expired), CARD_ERROR, 402);
  const another = { payment_method: 'pm_card_visa' };
  const intent = await stripe.paymentIntents.confirm(error.payment_intent.id, another);
  assert.equal(intent.status, 'requires_capture');
  assert.equal(intent.last_payment_error, null);
});

test('a card is made of its number and never shows it again', async () => {
  const made = await stripe.paymentMethods.create(card('5555555555554444'));
  assert.deepEqual([made.card.brand, made.card.last4], ['mastercard', '4444']);
  assert.ok(!JSON.stringify(made).includes('5555555555554444'));
  assert.ok(!('cvc' in made.card) && !('number' in made.card));
});

test('a card with a wrong number or date is refused at once', async () => {
  const wrongs = [
    [card('4242424242424241'), 'incorrect_number'],
    [card('4242424242424242', { exp_month: 13 }), 'invalid_expiry_month'],
    [card('4242424242424242', { exp_year: 2020 }), 'invalid_expiry_year'],
    [card('4242424242424242', { cvc: '99' }), 'invalid_cvc'],
  ];
  for (const [wrong, code] of wrongs) {
    await refused(stripe.paymentMethods.create(wrong), CARD_ERROR, 402, code);
  }
});

test('a card has the brand of its name or token', async () => {
  for (const brand of ['visa', 'mastercard', 'amex', 'jcb']) {
    const token = { type: 'card', card: { token: `tok_${brand}` } };
    assert.equal((await stripe.paymentMethods.create(token)).card.brand, brand);
    const named = await stripe.paymentMethods.retrieve(`pm_card_${brand}`);
    assert.equal(named.card.brand, brand);
  }
});

test('a customer is created, updated, listed and deleted', async () => {
  const email = `${unique('fan')}@example.jp`;
  const made = await stripe.customers.create({ name: '山田 花子', email });
  const updated = await stripe.customers.update(made.id, { metadata: { 会員: '一' } });
  assert.deepEqual([updated.name, updated.metadata], ['山田 花子', { 会員: '一' }]);
  assert.deepEqual(ids(await stripe.customers.list({ email })), [made.id]);
  assert.equal((await stripe.customers.del(made.id)).deleted, true);
  assert.equal((await stripe.customers.retrieve(made.id)).deleted, true);
  assert.deepEqual(ids(await stripe.customers.list({ email })), []);
});

test('a customer keeps cards and lets them go', async () => {
  const customer = (await stripe.customers.create({ name: '佐藤' })).id;
  const visa = await stripe.paymentMethods.attach('pm_card_visa', { customer });
  assert.equal(visa.customer, customer);
  const made = await stripe.paymentMethods.create(card('3566002020360505'));
  const jcb = await stripe.paymentMethods.attach(made.id, { customer });
  assert.equal(jcb.id, made.id);
  const listed = await stripe.customers.listPaymentMethods(customer);
  assert.deepEqual(ids(listed), [jcb.id, visa.id]);
  assert.equal((await stripe.paymentMethods.detach(jcb.id)).customer, null);
  const left = await stripe.paymentMethods.list({ customer, type: 'card' });
  assert.deepEqual(ids(left), [visa.id]);
});

test('a card is set up for later', async () => {
  const customer = (await stripe.customers.create({ name: '高橋' })).id;
  const words = { customer, payment_method_types: ['card'], payment_method: 'pm_card_visa' };
  const setup = await stripe.setupIntents.create(words);
  assert.equal(setup.status, 'requires_confirmation');
  const done = await stripe.setupIntents.confirm(setup.id);
  assert.equal(done.status, 'succeeded');
  const paid = await stripe.paymentIntents.create(
    held({ customer, payment_method: done.payment_method, off_session: true }),
  );
  assert.deepEqual([paid.status, paid.customer], ['requires_capture', customer]);
});

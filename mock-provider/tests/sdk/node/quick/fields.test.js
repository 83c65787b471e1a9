'use strict';
// Every object has the fields that the SDK's declarations promise, of the kinds they promise.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { fieldsOf, wrong } = require('../declared');
const { client, held, payment, refused, taken } = require('../shop');

const stripe = client();

/** The object is as it is declared, and the declaration was found. */
function isDeclared(type, object) {
  assert.ok(fieldsOf(type)?.size > 5, `no declaration of ${type}`);
  assert.deepEqual(wrong(object, type, type), []);
}

test('the declarations are read', () => {
  assert.deepEqual(fieldsOf('PaymentIntent').get('livemode'), { always: true, type: 'boolean' });
  assert.equal(fieldsOf('PaymentIntent').get('amount_details').always, false);
  assert.ok(fieldsOf('PaymentIntent.LastPaymentError').has('decline_code'));
  assert.deepEqual(wrong({ id: 7 }, 'Refund', 'it').slice(0, 2), [
    'it.object: missing', 'it.amount: missing',
  ]);
});

test('a payment has every field in every state', async () => {
  const expand = ['latest_charge', 'payment_method', 'customer'];
  const customer = (await stripe.customers.create({ name: '鈴木' })).id;
  const bare = await stripe.paymentIntents.create(payment());
  isDeclared('PaymentIntent', bare);
  const asked = { payment_method: 'pm_card_authenticationRequired', return_url: 'http://127.0.0.1/' };
  isDeclared('PaymentIntent', await stripe.paymentIntents.create(held(asked)));
  const kept = await stripe.paymentIntents.create(held({
    customer, expand, metadata: { order: '7' }, setup_future_usage: 'off_session',
    shipping: { name: 'A', address: { line1: 'B' } }, receipt_email: 'a@example.com',
  }));
  isDeclared('PaymentIntent', kept);
  isDeclared('PaymentIntent', await stripe.paymentIntents.capture(kept.id, {
    amount_to_capture: 900, expand,
  }));
  isDeclared('PaymentIntent', await stripe.paymentIntents.cancel(bare.id, {
    cancellation_reason: 'abandoned',
  }));
});

test('a declined payment has every field', async () => {
  const declined = stripe.paymentIntents.create(held({ payment_method: 'pm_card_chargeDeclined' }));
  const error = await refused(declined, 'StripeCardError', 402, 'card_declined');
  isDeclared('PaymentIntent', error.payment_intent);
  isDeclared('PaymentMethod', error.payment_method);
  isDeclared('Charge', await stripe.charges.retrieve(error.charge));
});

test('a charge and a refund have every field', async () => {
  const intent = await stripe.paymentIntents.create(taken({ description: 'two tickets' }));
  const expand = ['payment_intent', 'customer'];
  isDeclared('Charge', await stripe.charges.retrieve(intent.latest_charge, { expand }));
  const some = { payment_intent: intent.id, amount: 100, reason: 'duplicate' };
  isDeclared('Refund', await stripe.refunds.create({ ...some, metadata: { a: 'b' } }));
  isDeclared('Charge', await stripe.charges.retrieve(intent.latest_charge));
});

test('cards, customers and setups have every field', async () => {
  const customer = await stripe.customers.create({
    name: 'A', email: 'a@example.com', address: { city: '東京' }, metadata: { fan: '1' },
  });
  isDeclared('Customer', customer);
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  isDeclared('PaymentMethod', card);
  const setup = await stripe.setupIntents.create({
    customer: customer.id, payment_method: card.id, confirm: true, usage: 'off_session',
    payment_method_types: ['card'],
  });
  isDeclared('SetupIntent', setup);
  isDeclared('SetupIntent', await stripe.setupIntents.create({ payment_method_types: ['card'] }));
  isDeclared('Token', await stripe.tokens.create({
    card: { number: '4242424242424242', exp_month: 12, exp_year: 2040, cvc: '123' },
  }));
});

test('events and webhook endpoints have every field', async () => {
  await stripe.paymentIntents.create(payment());
  const { data } = await stripe.events.list({ limit: 3 });
  assert.ok(data.length > 0);
  for (const event of data) {
    const fields = ['id', 'object', 'api_version', 'created', 'data', 'livemode',
      'pending_webhooks', 'request', 'type'];
    assert.deepEqual(fields.filter((field) => !Object.hasOwn(event, field)), []);
  }
  const endpoint = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:9/hook', enabled_events: ['*'], metadata: { a: 'b' },
  });
  isDeclared('WebhookEndpoint', endpoint);
  await stripe.webhookEndpoints.del(endpoint.id);
});

'use strict';
// Webhooks: signed, verified by the SDK, and sent again when they were not taken.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { receive } = require('../receiver');
const { client, held, unique } = require('../shop');

const KIND = 'payment_intent.amount_capturable_updated';

/** An account whose events go to a shop that answers with these statuses first. */
async function begin(t, statuses) {
  const stripe = client(`sk_test_${unique('webhook')}`);
  const shop = await receive(statuses);
  const words = { url: `${shop.url}/hook`, enabled_events: [KIND] };
  const endpoint = await stripe.webhookEndpoints.create(words);
  t.after(async () => {
    await stripe.webhookEndpoints.del(endpoint.id);
    await shop.close();
  });
  const verified = ({ body, headers }, secret = endpoint.secret) => (
    stripe.webhooks.constructEvent(body, headers['stripe-signature'], secret)
  );
  return { stripe, shop, verified };
}

test('a webhook is verified by the SDK', async (t) => {
  const { stripe, shop, verified } = await begin(t);
  const intent = await stripe.paymentIntents.create(held({ metadata: { 客: '山田 🎤' } }));
  const arrival = await shop.next();
  const event = verified(arrival);
  assert.deepEqual([event.object, event.type], ['event', KIND]);
  assert.equal(event.data.object.id, intent.id);
  assert.equal(event.data.object.metadata.客, '山田 🎤');
  assert.equal((await stripe.events.retrieve(event.id)).type, KIND);
});

test('a webhook is refused with another secret or another body', async (t) => {
  const { stripe, shop, verified } = await begin(t);
  await stripe.paymentIntents.create(held());
  const arrival = await shop.next();
  const wrong = { type: 'StripeSignatureVerificationError' };
  assert.throws(() => verified(arrival, `whsec_${'0'.repeat(32)}`), wrong);
  const body = Buffer.from(arrival.body.toString().replace('2400', '2401'));
  assert.throws(() => verified({ ...arrival, body }), wrong);
});

test('a webhook comes again after a 500, with a signature of its own', async (t) => {
  const { stripe, shop, verified } = await begin(t, [500]);
  await stripe.paymentIntents.create(held());
  const [first, second] = [await shop.next(), await shop.next()];
  assert.equal(verified(second).id, verified(first).id);
  assert.notEqual(second.headers['stripe-signature'], first.headers['stripe-signature']);
});

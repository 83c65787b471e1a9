'use strict';
// Events, and the endpoints they are sent to.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, held, refused, unique, ids } = require('../shop');

test('events tell each step of a payment, as it was then', async () => {
  const stripe = client(`sk_test_${unique('event')}`);
  const intent = await stripe.paymentIntents.create(held({ metadata: { 席: 'A-12' } }));
  await stripe.paymentIntents.capture(intent.id);
  await stripe.refunds.create({ payment_intent: intent.id });
  const events = await stripe.events.list({ limit: 2 }).autoPagingToArray({ limit: 100 });
  const types = events.map((each) => each.type);
  for (const type of [
    'payment_intent.created', 'payment_intent.amount_capturable_updated', 'charge.succeeded',
    'charge.captured', 'payment_intent.succeeded', 'charge.refunded',
  ]) assert.ok(types.includes(type), `${type} in ${types}`);
  const kind = 'payment_intent.amount_capturable_updated';
  const event = await stripe.events.retrieve(events.find(({ type }) => type === kind).id);
  assert.equal(event.data.object.status, 'requires_capture');
  assert.deepEqual(event.data.object.metadata, { 席: 'A-12' });
  assert.equal(event.request.id, intent.lastResponse.requestId);
  const [only] = (await stripe.events.list({ type: 'charge.refunded' })).data;
  assert.equal(only.data.object.amount_refunded, 2400);
});

test('a webhook endpoint tells its secret once', async () => {
  const stripe = client(`sk_test_${unique('endpoint')}`);
  // Nothing happens on this account, so nothing is sent to the address.
  const words = { url: 'http://127.0.0.1:9/hook', enabled_events: ['charge.refunded'] };
  const made = await stripe.webhookEndpoints.create(words);
  assert.match(made.secret, /^whsec_/);
  const seen = await stripe.webhookEndpoints.retrieve(made.id);
  assert.deepEqual([seen.url, seen.enabled_events, seen.status],
    [words.url, words.enabled_events, 'enabled']);
  assert.ok(!('secret' in seen));
  assert.deepEqual(ids(await stripe.webhookEndpoints.list()), [made.id]);
  assert.equal((await stripe.webhookEndpoints.del(made.id)).deleted, true);
  assert.deepEqual(ids(await stripe.webhookEndpoints.list()), []);
  const gone = stripe.webhookEndpoints.retrieve(made.id);
  await refused(gone, 'StripeInvalidRequestError', 404, 'resource_missing');
});

'use strict';
// 3-D Secure: the payment waits for the cardholder, who passes or fails on a page.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { COMPLETE, FAIL, openPage, press } = require('../browser');
const { receive } = require('../receiver');
const { client, held, refused, taken } = require('../shop');

const stripe = client();
const CARD = 'pm_card_threeDSecure2Required';
let shop;

before(async () => { shop = await receive(); });
after(() => shop.close());

async function begin(changes) {
  const words = { payment_method: CARD, return_url: `${shop.url}/return?order=7` };
  const intent = await stripe.paymentIntents.create(held({ ...words, ...changes }));
  assert.equal(intent.status, 'requires_action');
  assert.equal(intent.next_action.type, 'redirect_to_url');
  return { intent, url: intent.next_action.redirect_to_url.url };
}

async function checkReturn(intent, status) {
  const back = await shop.next();
  assert.equal(back.path, '/return');
  assert.deepEqual(back.query, {
    order: '7',
    payment_intent: intent.id,
    payment_intent_client_secret: intent.client_secret,
    redirect_status: status,
  });
}

test('a challenge that is passed holds the money', async () => {
  const { intent, url } = await begin();
  await press(await openPage(url), COMPLETE);
  await checkReturn(intent, 'succeeded');
  const passed = await stripe.paymentIntents.retrieve(intent.id);
  assert.deepEqual([passed.status, passed.next_action], ['requires_capture', null]);
  assert.equal((await stripe.paymentIntents.capture(intent.id)).status, 'succeeded');
});

test('a challenge that is passed takes the money when nothing holds it', async () => {
  const { intent, url } = await begin({ capture_method: 'automatic' });
  await press(await openPage(url), COMPLETE);
  await checkReturn(intent, 'succeeded');
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, 'succeeded');
});

test('a challenge that is failed asks for another card', async () => {
  const { intent, url } = await begin();
  await press(await openPage(url), FAIL);
  await checkReturn(intent, 'failed');
  const failed = await stripe.paymentIntents.retrieve(intent.id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.equal(failed.last_payment_error.code, 'payment_intent_authentication_failure');
});

test('a challenge is decided once, and not by looking at its page', async () => {
  const { intent, url } = await begin();
  const page = await openPage(url);
  await openPage(url);
  const status = async () => (await stripe.paymentIntents.retrieve(intent.id)).status;
  assert.equal(await status(), 'requires_action');
  await press(page, COMPLETE);
  await checkReturn(intent, 'succeeded');
  await press(page, FAIL);
  assert.equal(await status(), 'requires_capture');
});

test('a challenge without a way back is left to the page of the shop', async () => {
  const intent = await stripe.paymentIntents.create(taken({ payment_method: CARD }));
  assert.equal(intent.status, 'requires_action');
  assert.equal(intent.next_action.type, 'use_stripe_sdk');
});

test('a challenge cannot be met when the cardholder is away', async () => {
  const paid = stripe.paymentIntents.create(held({ payment_method: CARD, off_session: true }));
  await refused(paid, 'StripeCardError', 402, 'authentication_required');
});

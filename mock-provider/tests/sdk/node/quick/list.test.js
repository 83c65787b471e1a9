'use strict';
// Lists: pages, cursors, filters; and fields that are expanded to whole objects.

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const { client, payment, taken, refused, unique, ids } = require('../shop');

const stripe = client(`sk_test_${unique('list')}`);

describe('a list of seven payments of one customer', () => {
  let customer;
  const made = [];
  const of = (changes) => ({ customer, ...changes });
  const places = (page) => page.data.map((each) => made.findIndex(({ id }) => id === each.id));

  before(async () => {
    customer = (await stripe.customers.create({ name: '一覧' })).id;
    for (let n = 0; n < 7; n += 1) {
      made.push(await stripe.paymentIntents.create(payment(of({ amount: 100 + n }))));
    }
    await stripe.paymentIntents.create(payment());
  });

  test('is newest first and says where it is', async () => {
    const page = await stripe.paymentIntents.list(of());
    assert.deepEqual([page.object, page.url], ['list', '/v1/payment_intents']);
    assert.equal(page.has_more, false);
    assert.deepEqual(places(page), [6, 5, 4, 3, 2, 1, 0]);
  });

  test('goes on after and before a payment', async () => {
    const after = of({ limit: 2, starting_after: made[4].id });
    const older = await stripe.paymentIntents.list(after);
    assert.deepEqual([places(older), older.has_more], [[3, 2], true]);
    const newer = await stripe.paymentIntents.list(of({ limit: 2, ending_before: made[2].id }));
    assert.deepEqual([places(newer), newer.has_more], [[4, 3], true]);
    const newest = await stripe.paymentIntents.list(of({ limit: 3, ending_before: made[3].id }));
    assert.deepEqual([places(newest), newest.has_more], [[6, 5, 4], false]);
  });

  test('is walked through by the SDK', async () => {
    const seen = [];
    await stripe.paymentIntents.list(of({ limit: 3 })).autoPagingEach(({ amount }) => {
      seen.push(amount - 100);
    });
    assert.deepEqual(seen, [6, 5, 4, 3, 2, 1, 0]);
    const back = [];
    const from = of({ limit: 2, ending_before: made[0].id });
    for await (const { amount } of stripe.paymentIntents.list(from)) back.push(amount - 100);
    assert.deepEqual(back, [1, 2, 3, 4, 5, 6]);
    const pages = stripe.paymentIntents.list(of({ limit: 2 }));
    assert.equal((await pages.autoPagingToArray({ limit: 5 })).length, 5);
  });

  test('is filtered by the time of creation', async () => {
    const [first, last] = [made[0].created, made[6].created];
    for (const [created, count] of [
      [{ gte: first, lte: last }, 7], [{ gte: first }, 7], [{ lt: first }, 0], [{ gt: last }, 0],
    ]) {
      assert.equal((await stripe.paymentIntents.list(of({ created }))).data.length, count);
    }
  });

  test('refuses limits and cursors that make no sense', async () => {
    for (const wrong of [{ limit: 0 }, { limit: 101 }, { starting_after: 'pi_none' }]) {
      const listed = stripe.paymentIntents.list(of(wrong));
      const error = await refused(listed, 'StripeInvalidRequestError', 400);
      assert.equal(error.param, Object.keys(wrong)[0]);
    }
  });
});

test('a field is an id until it is expanded', async () => {
  const customer = (await stripe.customers.create({ name: '展開' })).id;
  const intent = await stripe.paymentIntents.create(taken({ customer }));
  assert.equal(typeof intent.latest_charge, 'string');
  const expand = ['latest_charge.customer', 'customer', 'payment_method'];
  const whole = await stripe.paymentIntents.retrieve(intent.id, { expand });
  assert.equal(whole.latest_charge.id, intent.latest_charge);
  assert.equal(whole.latest_charge.customer.name, '展開');
  assert.equal(whole.customer.name, '展開');
  assert.equal(whole.payment_method.card.brand, 'visa');
  const page = await stripe.paymentIntents.list({ customer, expand: ['data.latest_charge'] });
  assert.deepEqual(page.data.map((each) => each.latest_charge.object), ['charge']);
  assert.deepEqual(ids(page), [intent.id]);
  const wrong = stripe.paymentIntents.retrieve(intent.id, { expand: ['colour'] });
  await refused(wrong, 'StripeInvalidRequestError', 400);
});

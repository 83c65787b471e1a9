'use strict';
// A small shop that takes the money at once, asks the cardholder where the bank wants it, and
// learns by messages how that went. It talks to Stripe by its SDK.
//
// Nothing here knows of a rehearsal: the base URL is an option like any other.

const http = require('node:http');
const { parseArgs } = require('node:util');
const Stripe = require('stripe');

const { values: options } = parseArgs({
  options: {
    stripe: { type: 'string', default: 'https://api.stripe.com' },
    stock: { type: 'string' },
    // Of Stripe, and of the cardholder [ms].
    timeout: { type: 'string', default: '80000' },
    patience: { type: 'string', default: '600000' },
    // no-idempotency-key or no-cancel
    bug: { type: 'string' },
  },
});

const { protocol, hostname: host, port } = new URL(options.stripe);
const stripe = new Stripe('sk_test_shop', {
  protocol: protocol.slice(0, -1), host, port, maxNetworkRetries: 0,
  timeout: Number(options.timeout),
});

const OVER = { paid: 200, declined: 402, canceled: 410 };
// By id: intent, state (reserved, paying, doubtful, asked, letting-go, or over), tries and payment.
const orders = new Map();
let left = Number(options.stock);

function reserve(id, intent) {
  if (orders.has(id)) return true;
  if (left === 0) return false;
  left -= 1;
  orders.set(id, { id, intent, state: 'reserved', tries: 1, pi: null });
  return true;
}

/** The order is over; one that is not paid gives its piece back. */
function end(order, state) {
  if (order.state in OVER) return;
  order.state = state;
  if (state !== 'paid') left += 1;
}

/** What a payment's state means for its order. */
function settle(order, { id, status }) {
  order.pi = id;
  if (status === 'succeeded') end(order, 'paid');
  else if (status === 'canceled') end(order, 'canceled');
  else if (status === 'requires_payment_method') end(order, 'declined');
  else if (['reserved', 'paying', 'doubtful'].includes(order.state)) {
    Object.assign(order, { state: 'asked', since: performance.now() });
  }
}

/** Takes the money, unless somebody is at it; the status for the customer. */
async function pay(order) {
  if (order.state === 'asked') return 202;
  if (order.state !== 'reserved') return OVER[order.state] ?? 503;
  order.state = 'paying';
  const careless = options.bug === 'no-idempotency-key';
  const key = careless ? {} : { idempotencyKey: `${order.id}-pay-${order.tries}` };
  try {
    settle(order, await stripe.paymentIntents.create({
      amount: 2400,
      currency: 'jpy',
      payment_method: 'pm_card_visa',
      payment_method_types: ['card'],
      confirm: true,
      return_url: 'http://127.0.0.1/thanks',
      metadata: { order_id: order.id, intent: order.intent },
    }, key));
  } catch (error) {
    if (error.type === 'StripeCardError') {
      end(order, 'declined');
    } else if (order.state === 'paying') {
      // Too many calls, or no answer: the same key tells the next time. What was answered by a
      // 5xx will always be answered so under its key, whatever has happened: it is looked for.
      order.state = error.type === 'StripeAPIError' && !careless ? 'doubtful' : 'reserved';
    }
  }
  return order.state === 'asked' ? 202 : OVER[order.state] ?? 503;
}

/** The cardholder took too long, so nothing shall be taken any more. */
async function letGo(order) {
  order.state = 'letting-go';
  if (options.bug === 'no-cancel') return end(order, 'canceled');
  try {
    settle(order, await stripe.paymentIntents.cancel(order.pi));
  } catch (error) {
    if (error.type !== 'StripeInvalidRequestError') return undefined;
    // It was taken after all, or let go already, and the answer was lost.
    await stripe.paymentIntents.retrieve(order.pi).then((pi) => settle(order, pi), () => {});
  }
  return undefined;
}

/** Whether Stripe knows of a payment for the doubtful; a new key for those it knows nothing of. */
async function lookForDoubtful() {
  const doubtful = new Set([...orders.values()].filter(({ state }) => state === 'doubtful'));
  if (doubtful.size === 0) return;
  try {
    for await (const pi of stripe.paymentIntents.list({ limit: 100 })) {
      const order = orders.get(pi.metadata.order_id);
      if (doubtful.delete(order)) settle(order, pi);
    }
    for (const order of doubtful) {
      if (order.state !== 'doubtful') continue;
      Object.assign(order, { state: 'reserved', tries: order.tries + 1 });
    }
  } catch {
    // Another time.
  }
}

/** Once more with what is not over; how many orders are not. */
async function sweep() {
  const late = performance.now() - Number(options.patience);
  await lookForDoubtful();
  for (const order of orders.values()) {
    if (order.state === 'reserved') await pay(order);
    else if (order.state === 'letting-go' || (order.state === 'asked' && order.since < late)) {
      await letGo(order);
    }
  }
  return [...orders.values()].filter(({ state }) => !(state in OVER)).length;
}

async function answer(path, body, signature) {
  if (path === '/orders') return [200, { left, orders: [...orders.values()] }];
  if (path === '/sweep') return [200, await sweep()];
  if (path === '/webhook') {
    let event;
    try {
      event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
    } catch (error) {
      return [400, error.message];
    }
    // What the message says may be old; an order that is over stays so.
    const order = orders.get(event.data.object.metadata.order_id);
    if (order) settle(order, event.data.object);
    return [200, null];
  }
  const { order, intent } = JSON.parse(body);
  return reserve(order, intent) ? [await pay(orders.get(order)), null] : [409, null];
}

let endpoint;
const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    const body = Buffer.concat(parts);
    const [status, said] = await answer(request.url, body, request.headers['stripe-signature']);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  });
});
server.listen(0, '127.0.0.1', 1024, async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const kinds = ['succeeded', 'payment_failed', 'requires_action', 'canceled'];
  endpoint = await stripe.webhookEndpoints.create({
    url: `${url}/webhook`, enabled_events: kinds.map((kind) => `payment_intent.${kind}`),
  }, { idempotencyKey: 'webhook' });
  console.log(`listening on ${url}`);
});

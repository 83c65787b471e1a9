'use strict';
// What every test needs: the SDK's client aimed at the provider, and payments to begin with.

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const http = require('node:http');
const Stripe = require('stripe');

const BASE = new URL(process.env.STRIPE_API_BASE);

// The longest that anything here may take [ms]: a deadline, never a pause.
const PATIENCE = 20_000;

const ADDRESS = { host: BASE.hostname, port: BASE.port, protocol: 'http' };

/** A client of the account `key` that retries nothing unless told to. */
function client(key = 'sk_test_spike', options = {}) {
  return new Stripe(key, { ...ADDRESS, timeout: PATIENCE, maxNetworkRetries: 0, ...options });
}

/**
 * A client that counts what it sends, in `sent`. The SDK leaves the answers it retries unread, and
 * their connections open: they are closed when the test `t` is over.
 */
function counting(t, key, options) {
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const httpClient = Stripe.createNodeHttpClient(agent);
  const counted = { sent: 0, keys: new Set() };
  const makeRequest = httpClient.makeRequest.bind(httpClient);
  httpClient.makeRequest = (host, port, path, method, headers, ...rest) => {
    counted.sent += 1;
    counted.keys.add(headers['Idempotency-Key']);
    return makeRequest(host, port, path, method, headers, ...rest);
  };
  return Object.assign(counted, { stripe: client(key, { ...options, httpClient }) });
}

const unique = (word) => `${word}-${randomUUID()}`;

/** The parameters of a payment of 2,400 yen by card. */
function payment(changes) {
  return { amount: 2400, currency: 'jpy', payment_method_types: ['card'], ...changes };
}

/** The same, confirmed at once with a good card; the money is held, not taken. */
function held(changes) {
  const hold = { payment_method: 'pm_card_visa', confirm: true, capture_method: 'manual' };
  return payment({ ...hold, ...changes });
}

/** The same, and the money is taken at once. */
function taken(changes) {
  return held({ capture_method: 'automatic', ...changes });
}

/** The error that the promise was refused with: its type, status and code are these. */
async function refused(promise, type, statusCode, code) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    assert.deepEqual([error.type, error.statusCode], [type, statusCode], error.message);
    if (code !== undefined) assert.equal(error.code, code);
    return error;
  }
  assert.fail(`not refused: ${JSON.stringify(answer)}`);
}

const ids = (page) => page.data.map((each) => each.id);

module.exports = {
  ADDRESS, PATIENCE, client, counting, unique, payment, held, taken, refused, ids,
};

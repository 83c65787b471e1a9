'use strict';
// An HTTP server of the shop's own: webhooks come here, and browsers that were sent back.

const http = require('node:http');
const { PATIENCE } = require('./shop');

/** Listens until closed; answers with `statuses` in turn, after them with 200. */
async function receive(statuses = []) {
  const arrivals = [];
  const waiting = [];
  const left = [...statuses];
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const url = new URL(request.url, 'http://shop');
      const query = Object.fromEntries(url.searchParams);
      const { headers } = request;
      const arrival = { path: url.pathname, query, headers, body: Buffer.concat(parts) };
      if (waiting.length > 0) waiting.shift()(arrival);
      else arrivals.push(arrival);
      response.writeHead(left.shift() ?? 200, { 'content-length': 0, connection: 'close' }).end();
    });
  });
  await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });

  /** The next request, waited for. */
  function next() {
    if (arrivals.length > 0) return Promise.resolve(arrivals.shift());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing came')), PATIENCE);
      waiting.push((arrival) => { clearTimeout(late); resolve(arrival); });
    });
  }

  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, next, close: () => new Promise((closed) => { server.close(closed); }) };
}

module.exports = { receive };

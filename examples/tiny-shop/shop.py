#!/usr/bin/env python3
"""A shop in a hundred lines of Python's standard library over SQLite: sessions, a CSRF token, a checkout
that answers 202 and is polled. It pays by the Stripe API. With --bug it has one of the usual faults."""
import argparse, base64, http.cookies, http.server, json, queue, secrets, sqlite3, threading, time
import urllib.error, urllib.parse, urllib.request

BUGS = {
    "oversell": "reads how many are left, and writes back what it worked out from that",
    "strand": "keeps the pieces of an order whose payment was declined",
    "double-charge": "takes every click on the button for another order",
    "free": "confirms an order whatever became of its payment",
}
SCHEMA = """
create table if not exists capacity (sku text primary key, price integer, initial integer, free integer);
create table if not exists purchase (id integer primary key, customer text, sku text, qty integer,
  amount integer, state text, pi text, reference text);
create index if not exists by_reference on purchase (reference);
insert or ignore into capacity values ('tour-tee', 4500, 40, 40), ('towel', 3000, 25, 25), ('canary-item', 100, 1000, 1000);
"""
PAGE = """<!doctype html><title>Tiny shop</title><form method=post action=/buy>
<input type=hidden name="csrf_token" value="%s"><input name=customer placeholder="Your name"><input name=qty value=1>
<select name=sku><option>tour-tee<option>towel</select><input name=reference><button>Buy</button></form>"""

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--listen", default="127.0.0.1:8000")
arguments.add_argument("--provider", default="http://127.0.0.1:12111")
arguments.add_argument("--database", default="tiny-shop.db")
arguments.add_argument("--bug", choices=BUGS, help="; ".join(f"{bug}: {what}" for bug, what in BUGS.items()))
arguments.add_argument("--opens", type=float, default=0, help="when its doors open, in seconds of UTC; the canary may buy before")
arguments = arguments.parse_args()
sessions, orders, local = {}, queue.Queue(), threading.local()


def sql(statement, *values):
    if not hasattr(local, "database"):
        local.database = sqlite3.connect(arguments.database, timeout=30, isolation_level=None)
    return local.database.execute(statement, values)


def reserve(sku, qty):
    """Takes pieces from the stock; whether there were enough."""
    if arguments.bug == "oversell":
        free = sql("select free from capacity where sku = ?", sku).fetchone()[0]
        time.sleep(0.005)
        return free >= qty and sql("update capacity set free = ? where sku = ?", free - qty, sku).rowcount == 1
    return sql("update capacity set free = free - ? where sku = ? and free >= ?", qty, sku, qty).rowcount == 1


def pay(order, reference, amount):
    """The provider's name of the payment, or none if the card was declined or nothing could be had."""
    form = {"amount": amount, "currency": "jpy", "confirm": "true", "payment_method": "pm_card_visa",
            "payment_method_types[]": "card", "metadata[order_id]": order, "metadata[intent]": reference}
    headers = {"Authorization": "Basic " + base64.b64encode(b"sk_test_tiny:").decode(), "Idempotency-Key": f"order-{order}-{reference}"}
    request = urllib.request.Request(arguments.provider + "/v1/payment_intents", urllib.parse.urlencode(form).encode(), headers)
    for attempt in range(8):
        try:
            return json.load(urllib.request.urlopen(request, timeout=20))["id"]
        except urllib.error.HTTPError as refusal:
            if refusal.code not in (409, 429) and refusal.code < 500:
                return None
            time.sleep(secrets.randbelow(100 << attempt) / 1000)


def work():
    """Orders are paid one after the other: first the pieces, then the money."""
    while True:
        order, reference, sku, qty, amount = orders.get()
        if not reserve(sku, qty):
            sql("update purchase set state = 'sold_out' where id = ?", order)
            continue
        payment = pay(order, reference, amount)
        state = "confirmed" if payment or arguments.bug == "free" else "declined"
        if state == "declined" and arguments.bug != "strand":
            sql("update capacity set free = free + ? where sku = ?", qty, sku)
        sql("update purchase set state = ?, pi = ? where id = ?", state, payment, order)


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log_message = lambda *_: None

    def answer(self, status, body, **headers):
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/orders/"):
            row = sql("select state from purchase where id = ?", self.path.rpartition("/")[2]).fetchone()
            return self.answer(200, {"state": row[0]}) if row else self.answer(404, {"code": "no_such_order"})
        if self.path.partition("?")[0] != "/":
            return self.answer(404, {"code": "no_such_page"})
        session, token = secrets.token_hex(8), secrets.token_hex(8)
        sessions[session] = token
        self.answer(425 if time.time() < arguments.opens else 200, PAGE % token, Content_Type="text/html", Set_Cookie=f"session={session}; Path=/; HttpOnly")

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))
        session = http.cookies.SimpleCookie(self.headers.get("Cookie", "")).get("session")
        if not session or sessions.get(session.value) != form.get("csrf_token"):
            return self.answer(403, {"code": "csrf"})
        if time.time() < arguments.opens and form["sku"] != "canary-item":
            return self.answer(425, {"code": "not_open"})
        known = sql("select id from purchase where reference = ? and state in ('pending', 'confirmed')", form["reference"]).fetchone()
        if known and arguments.bug != "double-charge":
            return self.answer(202, {"order": known[0]})
        price, free = sql("select price, free from capacity where sku = ?", form["sku"]).fetchone()
        if free < int(form["qty"]):
            return self.answer(409, {"code": "sold_out"})
        amount = price * int(form["qty"])
        order = sql("insert into purchase (customer, sku, qty, amount, state, reference) values (?, ?, ?, ?, 'pending', ?)",
                    form["customer"], form["sku"], form["qty"], amount, form["reference"]).lastrowid
        orders.put((order, form["reference"], form["sku"], int(form["qty"]), amount))
        self.answer(202, {"order": order})


sqlite3.connect(arguments.database).executescript("pragma journal_mode = wal;" + SCHEMA)
for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
host, port = arguments.listen.rsplit(":", 1)
http.server.ThreadingHTTPServer.request_queue_size = 1024
server = http.server.ThreadingHTTPServer((host, int(port)), Shop)
print(f"listening on http://{server.server_address[0]}:{server.server_address[1]}", flush=True)
server.serve_forever()

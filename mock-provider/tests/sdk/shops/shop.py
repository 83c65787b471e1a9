"""A small shop that holds the money first and takes it then. It talks to Stripe by its SDK.

Nothing here knows of a rehearsal: the base URL is an option like any other.
"""

import argparse
import http.server
import json
import sqlite3

import stripe

TABLES = """
create table stock (left integer not null check (left >= 0));
create table orders (id text primary key, intent text not null, state text not null, pi text);
"""
PRICE = 2400
OVER = {"paid": 200, "declined": 402, "canceled": 410}

parser = argparse.ArgumentParser()
parser.add_argument("--stripe", default="https://api.stripe.com")
parser.add_argument("--database", required=True)
parser.add_argument("--stock", type=int, required=True)
parser.add_argument("--timeout", type=float, default=80, help="of Stripe [s]")
parser.add_argument("--bug", choices=["no-idempotency-key", "no-cancel"])
options = parser.parse_args()

payments = stripe.StripeClient(
    "sk_test_shop", base_addresses={"api": options.stripe}, max_network_retries=0,
    http_client=stripe.RequestsClient(timeout=options.timeout)).v1


def database():
    return sqlite3.connect(options.database, isolation_level=None, timeout=30)


def change(statement, *values):
    """Runs one statement, which is a transaction of its own; how many rows it changed."""
    connection = database()
    try:
        return connection.execute(statement, values).rowcount
    finally:
        connection.close()


def order_of(order):
    connection = database()
    try:
        statement = "select intent, state, pi from orders where id = ?"
        return connection.execute(statement, [order]).fetchone() or (None, None, None)
    finally:
        connection.close()


def reserve(order, intent):
    """One piece for the order, once; whether it has one."""
    connection = database()
    try:
        connection.execute("begin immediate")
        words = [order, intent]
        statement = "insert or ignore into orders values (?, ?, 'reserved', null)"
        if connection.execute(statement, words).rowcount == 1:
            statement = "update stock set left = left - 1 where left > 0"
            if connection.execute(statement).rowcount == 0:
                connection.execute("rollback")
                return False
        connection.execute("commit")
        return True
    finally:
        connection.close()


def give_up(order, state):
    """The order is over, and its piece is for sale again."""
    connection = database()
    connection.execute("begin immediate")
    statement = "update orders set state = ? where id = ? and state in ('paying', 'letting-go')"
    if connection.execute(statement, [state, order]).rowcount == 1:
        connection.execute("update stock set left = left + 1")
    connection.execute("commit")
    connection.close()


def key(order, what):
    if options.bug == "no-idempotency-key":
        return {}
    return {"idempotency_key": f"{order}-{what}"}


def hold(order, intent):
    words = {
        "amount": PRICE, "currency": "jpy", "payment_method": "pm_card_visa", "confirm": True,
        "payment_method_types": ["card"], "capture_method": "manual",
        "metadata": {"order_id": order, "intent": intent},
    }
    return payments.payment_intents.create(words, key(order, "hold")).id


def take(order, pi):
    payments.payment_intents.capture(pi, options=key(order, "take"))


def pay(order):
    """Holds and takes the money, unless somebody is at it; the status for the customer."""
    claim = "update orders set state = 'paying' where id = ? and state = 'reserved'"
    if change(claim, order) == 0:
        return OVER.get(order_of(order)[1], 503)
    intent, _, pi = order_of(order)
    try:
        if pi is None:
            pi = hold(order, intent)
            change("update orders set pi = ? where id = ?", pi, order)
    except stripe.CardError:
        give_up(order, "declined")
        return 402
    except stripe.StripeError:
        # Too many calls, or nobody knows: the same key tells the next time, or a message does.
        change("update orders set state = 'reserved' where id = ?", order)
        return 503
    try:
        take(order, pi)
    except stripe.StripeError:
        change("update orders set state = 'letting-go' where id = ?", order)
        return let_go(order, pi)
    change("update orders set state = 'paid' where id = ?", order)
    return 200


def let_go(order, pi):
    """The money could not be taken, so it is held no longer."""
    try:
        if options.bug != "no-cancel":
            payments.payment_intents.cancel(pi)
    except stripe.InvalidRequestError:
        # It was taken after all, or let go already, and the answer was lost.
        try:
            if payments.payment_intents.retrieve(pi).status == "succeeded":
                change("update orders set state = 'paid' where id = ?", order)
                return 200
        except stripe.StripeError:
            return 503
    except stripe.StripeError:
        return 503
    give_up(order, "canceled")
    return 410


def sweep():
    """Once more with what is not over; how many orders are not."""
    connection = database()
    statement = "select id, state, pi from orders where state in ('reserved', 'letting-go')"
    for order, state, pi in connection.execute(statement).fetchall():
        pay(order) if state == "reserved" else let_go(order, pi)
    over = "select count(*) from orders where state not in ('paid', 'declined', 'canceled')"
    return connection.execute(over).fetchone()[0]


def heard(event):
    """Stripe holds money for an order, which the shop may not know yet; the status for Stripe."""
    pi, order = event.data.object.id, event.data.object.metadata["order_id"]
    change("update orders set pi = ? where id = ? and pi is null", pi, order)
    _, state, known = order_of(order)
    try:
        if known == pi:
            if state == "reserved":
                pay(order)
        elif state == "paid":
            payments.payment_intents.capture(pi)
        elif state == "canceled":
            payments.payment_intents.cancel(pi)
        else:
            return 503
    except stripe.InvalidRequestError:
        pass  # It was heard before.
    except stripe.StripeError:
        return 503
    return 200


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        if self.path == "/webhook":
            signature = self.headers["stripe-signature"]
            try:
                event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
            except (ValueError, stripe.SignatureVerificationError):
                return self.answer(400)
            return self.answer(heard(event))
        if self.path == "/sweep":
            return self.answer(200, sweep())
        wanted = json.loads(body)
        has = reserve(wanted["order"], wanted["intent"])
        return self.answer(pay(wanted["order"]) if has else 409)

    def answer(self, status, body=None):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


connection = database()
connection.executescript(TABLES)
connection.execute("pragma journal_mode = wal")
connection.execute("insert into stock values (?)", [options.stock])
connection.close()
server = Server(("127.0.0.1", 0), Handler)
url = "http://127.0.0.1:%d" % server.server_port
endpoint = payments.webhook_endpoints.create({
    "url": url + "/webhook", "enabled_events": ["payment_intent.amount_capturable_updated"],
}, {"idempotency_key": "webhook"})
print("listening on " + url, flush=True)
server.serve_forever()

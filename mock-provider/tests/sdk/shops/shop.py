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
create table orders (
    id text primary key, intent text not null, state text not null, tries integer not null,
    pi text);
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
    connection = sqlite3.connect(options.database, isolation_level=None, timeout=30)
    connection.execute("pragma synchronous = normal")
    return connection


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
        statement = "select intent, state, tries, pi from orders where id = ?"
        return connection.execute(statement, [order]).fetchone() or (None, None, None, None)
    finally:
        connection.close()


def reserve(order, intent):
    """One piece for the order, once; whether it has one."""
    connection = database()
    try:
        connection.execute("begin immediate")
        words = [order, intent]
        statement = "insert or ignore into orders values (?, ?, 'reserved', 1, null)"
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
    statement = """update orders set state = ?
        where id = ? and state in ('paying', 'doubtful', 'letting-go')"""
    if connection.execute(statement, [state, order]).rowcount == 1:
        connection.execute("update stock set left = left + 1")
    connection.execute("commit")
    connection.close()


def key(order, what):
    if options.bug == "no-idempotency-key":
        return {}
    return {"idempotency_key": f"{order}-{what}"}


def hold(order, intent, tries):
    words = {
        "amount": PRICE, "currency": "jpy", "payment_method": "pm_card_visa", "confirm": True,
        "payment_method_types": ["card"], "capture_method": "manual",
        "metadata": {"order_id": order, "intent": intent},
    }
    return payments.payment_intents.create(words, key(order, f"hold-{tries}")).id


def take(order, pi):
    payments.payment_intents.capture(pi, options=key(order, "take"))


def pay(order):
    """Holds and takes the money, unless somebody is at it; the status for the customer."""
    claim = "update orders set state = 'paying' where id = ? and state = 'reserved'"
    if change(claim, order) == 0:
        return OVER.get(order_of(order)[1], 503)
    intent, _, tries, pi = order_of(order)
    try:
        if pi is None:
            pi = hold(order, intent, tries)
            change("update orders set pi = ? where id = ?", pi, order)
    except stripe.CardError:
        give_up(order, "declined")
        return 402
    except stripe.StripeError as error:
        # Too many calls, or no answer: the same key tells the next time. What was answered by a
        # 5xx will always be answered so under its key, whatever has happened: it is looked for.
        lost = isinstance(error, stripe.APIError) and options.bug != "no-idempotency-key"
        state = "doubtful" if lost else "reserved"
        change("update orders set state = ? where id = ?", state, order)
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
        try:
            if options.bug == "no-cancel":
                payment = payments.payment_intents.retrieve(pi)
            else:
                payment = payments.payment_intents.cancel(pi)
        except stripe.InvalidRequestError:
            # It was taken after all, or let go already, and the answer was lost.
            payment = payments.payment_intents.retrieve(pi)
    except stripe.StripeError:
        return 503
    if payment.status == "succeeded":
        change("update orders set state = 'paid' where id = ?", order)
        return 200
    give_up(order, "canceled")
    return 410


def look_for(orders):
    """Whether Stripe knows of a payment for these; a new key for those it knows nothing of."""
    try:
        found = payments.payment_intents.list({"limit": 100}).auto_paging_iter()
        found = {payment.metadata["order_id"]: payment for payment in found}
    except stripe.StripeError:
        return
    for order in orders:
        again = "update orders set state = 'reserved', pi = ?, tries = tries + 1 where id = ?"
        if order not in found:
            change(again, None, order)
        elif found[order].status == "requires_payment_method":
            give_up(order, "declined")
        else:
            change(again, found[order].id, order)


def sweep():
    """Once more with what is not over; how many orders are not."""
    open_orders = """select id, state, pi from orders
        where state not in ('paid', 'declined', 'canceled')"""
    connection = database()
    found = connection.execute(open_orders).fetchall()
    doubtful = [order for order, state, _ in found if state == "doubtful"]
    if doubtful:
        look_for(doubtful)
    for order, state, pi in found:
        if state == "reserved":
            pay(order)
        elif state == "letting-go":
            let_go(order, pi)
    return len(connection.execute(open_orders).fetchall())


def heard(event):
    """Stripe holds money for an order, which the shop may not know yet; the status for Stripe."""
    pi, order = event.data.object.id, event.data.object.metadata["order_id"]
    news = """update orders set pi = ?, state = 'reserved'
        where id = ? and pi is null and state in ('reserved', 'doubtful')"""
    change(news, pi, order)
    _, state, _, known = order_of(order)
    try:
        if known == pi:
            if state == "reserved":
                pay(order)
        elif state == "paid":
            payments.payment_intents.capture(pi)
        elif state in OVER:
            payments.payment_intents.cancel(pi)
        else:
            return 503  # Somebody is at it.
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

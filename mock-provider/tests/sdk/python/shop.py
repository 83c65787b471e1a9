"""What every test needs: the SDK's client aimed at the provider, and payments to begin with."""

import os
import threading
import uuid

import stripe

BASE = os.environ["STRIPE_API_BASE"]

# The longest that anything here may take [s]: a deadline, never a pause.
PATIENCE = 20


def client(key="sk_test_spike", **options):
    """A client of the account `key` that retries nothing unless told to."""
    options = {"http_client": stripe.RequestsClient(timeout=PATIENCE)} | options
    options = {"max_network_retries": 0} | options
    return stripe.StripeClient(key, base_addresses={"api": BASE}, **options)


class Counting(stripe.RequestsClient):
    """The SDK's own HTTP client, which also counts what it sends."""

    def __init__(self):
        super().__init__(timeout=PATIENCE)
        self.sent = 0
        self.keys = set()

    def request(self, method, url, headers, post_data=None):
        self.sent += 1
        self.keys.add(headers.get("Idempotency-Key"))
        return super().request(method, url, headers, post_data)


def unique(word):
    return f"{word}-{uuid.uuid4().hex}"


def payment(**changes):
    """The parameters of a payment of 2,400 yen by card."""
    return {"amount": 2400, "currency": "jpy", "payment_method_types": ["card"]} | changes


def held(**changes):
    """The same, confirmed at once with a good card; the money is held, not taken."""
    hold = {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"}
    return payment(**(hold | changes))


def taken(**changes):
    """The same, and the money is taken at once."""
    return held(**({"capture_method": "automatic"} | changes))


def together(*calls):
    """Makes all calls at the same time; what each returned or raised, in their order."""
    start = threading.Barrier(len(calls))
    results = [None] * len(calls)

    def make(place, call):
        start.wait(PATIENCE)
        try:
            results[place] = call()
        except stripe.StripeError as error:
            results[place] = error

    threads = [threading.Thread(target=make, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * PATIENCE)
    return results

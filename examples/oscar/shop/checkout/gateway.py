"""The provider, by Stripe's own library."""

import itertools
import logging
import random
import time
import uuid

import stripe
from django.conf import settings
from oscar.apps.payment.exceptions import PaymentError, UnableToTakePayment

PATIENCE = 60  # seconds in which a payment that nobody knows of is asked for
BUG = settings.BUG

# The library would try again by itself after a broken connection, twice, and tell only what the last try said. If that
# is a 429, it looks as if nothing had happened, and the first try may have taken the money.
client = stripe.StripeClient(
    "sk_test_shop",
    base_addresses={"api": settings.PROVIDER},
    http_client=stripe.RequestsClient(timeout=20),
    max_network_retries=2 if BUG == "lost-answer" else 0,
)


def charge(order_number, total, attempt, purchase, payment_method):
    """Takes the money of one order at once; the same attempt twice is one payment.

    Raises `UnableToTakePayment` where the card is declined, `PaymentError` where the provider is busy: both only if no
    money was taken.
    """
    key = f"order-{order_number}-{attempt}"
    details = {
        "amount": int(total.incl_tax),
        "currency": total.currency.lower(),
        "payment_method": payment_method,
        "payment_method_types": ["card"],
        "confirm": True,
        "metadata": {"order_id": str(order_number), "intent": purchase},
    }
    began, unknown = time.monotonic(), False
    for tries in itertools.count():
        if BUG == "double-charge":
            key = str(uuid.uuid4())
        try:
            payment = client.v1.payment_intents.create(details, {"idempotency_key": key})
            unknown = True  # until it is known whether it still counts
            if not was_given_back(payment):
                return payment
            key, unknown = key + "-again", False
            continue
        except stripe.CardError as error:
            raise UnableToTakePayment(error.user_message or "The card was declined.") from error
        except stripe.StripeError as error:
            # A 429 says that this call did nothing; of one before that was not answered it says nothing.
            unknown = unknown or not isinstance(error, (stripe.RateLimitError, stripe.InvalidRequestError))
            if not unknown or BUG == "lost-answer":
                raise PaymentError(f"{type(error).__name__}: {error}") from error
            if time.monotonic() - began > PATIENCE:
                logging.critical("nobody knows whether %s was paid: look for %s", purchase, key)
                raise PaymentError("The provider does not say.") from error
        wait(tries)


def was_given_back(payment):
    """Whether this is the answer of long ago about money that was refunded since, for there was no order in the end."""
    if payment.last_response.headers.get("idempotent-replayed") != "true":
        return False
    now = client.v1.payment_intents.retrieve(payment.id, {"expand": ["latest_charge"]})
    return now.latest_charge.refunded


def refund(payment):
    """Gives the money of a payment back, and does not give up because the provider is busy."""
    for tries in range(10):
        try:
            return client.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": f"refund-{payment}"})
        except (stripe.RateLimitError, stripe.APIConnectionError, stripe.APIError):
            if tries == 9:
                raise
        wait(tries)


def wait(tries):
    """Longer each time, and never as long as the others."""
    time.sleep(random.uniform(0.5, 1) * min(0.3 * 2**tries, 5))

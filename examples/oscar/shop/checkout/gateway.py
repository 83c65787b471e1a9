"""The provider, by Stripe's own library."""

import random
import time
import uuid

import stripe
from django.conf import settings
from oscar.apps.payment.exceptions import PaymentError, UnableToTakePayment

client = stripe.StripeClient(
    "sk_test_shop",
    base_addresses={"api": settings.PROVIDER},
    http_client=stripe.RequestsClient(timeout=20),
    max_network_retries=0 if settings.BUG == "double-charge" else 2,
)


def charge(order_number, total, attempt, purchase, payment_method):
    """Takes the money of one order at once; the same attempt twice is one payment.

    Raises `UnableToTakePayment` where the card is declined, `PaymentError` where the provider cannot now.
    """
    key = f"order-{order_number}-{attempt}"
    if settings.BUG == "double-charge":
        key = str(uuid.uuid4())
    try:
        return client.v1.payment_intents.create(
            {
                "amount": int(total.incl_tax),
                "currency": total.currency.lower(),
                "payment_method": payment_method,
                "payment_method_types": ["card"],
                "confirm": True,
                "metadata": {"order_id": str(order_number), "intent": purchase},
            },
            {"idempotency_key": key},
        )
    except stripe.CardError as error:
        raise UnableToTakePayment(error.user_message or "The card was declined.") from error
    except stripe.StripeError as error:
        raise PaymentError(f"{type(error).__name__}: {error}") from error


def refund(payment):
    """Gives the money of a payment back, and does not give up because the provider is busy."""
    for attempt in range(10):
        try:
            return client.v1.refunds.create(
                {"payment_intent": payment}, {"idempotency_key": f"refund-{payment}"}
            )
        except stripe.StripeError as error:
            if attempt == 9 or not isinstance(error, (stripe.RateLimitError, stripe.APIConnectionError)):
                raise
            time.sleep(random.uniform(0.1, 0.2) * 1.7**attempt)

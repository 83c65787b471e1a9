"""Shops in the SDK's older style: one global key, and calls on classes."""

import os
import unittest
import uuid

import stripe

# Version 5 keeps the errors in a module of their own.
errors = stripe if hasattr(stripe, "CardError") else stripe.error


class AnOlderShop(unittest.TestCase):
    def setUp(self):
        stripe.api_base = os.environ["STRIPE_API_BASE"]
        stripe.api_key = "sk_test_" + uuid.uuid4().hex
        stripe.max_network_retries = 0

    def pay(self, **changes):
        words = {
            "amount": 1800, "currency": "jpy", "payment_method_types": ["card"],
            "payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual",
        }
        return stripe.PaymentIntent.create(**(words | changes))

    def test_creates_confirms_captures_and_refunds(self):
        intent = self.pay(confirm=False, metadata={"注文": "七"})
        self.assertEqual(intent.status, "requires_confirmation")
        intent = stripe.PaymentIntent.confirm(intent.id)
        self.assertEqual(intent.status, "requires_capture")
        intent = stripe.PaymentIntent.retrieve(intent.id).capture(amount_to_capture=1000)
        self.assertEqual((intent.status, intent.amount_received), ("succeeded", 1000))
        self.assertEqual(intent["metadata"]["注文"], "七")
        refund = stripe.Refund.create(payment_intent=intent.id)
        self.assertEqual((refund.amount, refund.status), (1000, "succeeded"))

    def test_changes_and_cancels(self):
        intent = self.pay(confirm=False)
        changed = stripe.PaymentIntent.modify(intent.id, description="席")
        self.assertEqual(changed.description, "席")
        self.assertEqual(stripe.PaymentIntent.cancel(intent.id).status, "canceled")

    def test_hears_of_a_decline(self):
        with self.assertRaises(errors.CardError) as caught:
            self.pay(payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
        error = caught.exception
        self.assertEqual((error.http_status, error.code), (402, "card_declined"))
        self.assertEqual(error.error.decline_code, "insufficient_funds")
        self.assertEqual(error.error.payment_intent.status, "requires_payment_method")

    def test_uses_keys(self):
        key = uuid.uuid4().hex
        first, again = self.pay(idempotency_key=key), self.pay(idempotency_key=key)
        self.assertEqual(first.id, again.id)
        self.assertEqual(again.last_response.headers["idempotent-replayed"], "true")
        with self.assertRaises(errors.IdempotencyError):
            self.pay(amount=90, idempotency_key=key)

    def test_walks_through_lists_and_expands(self):
        customer = stripe.Customer.create(name="鈴木")
        ids = [self.pay(customer=customer.id).id for _ in range(3)]
        pages = stripe.PaymentIntent.list(
            customer=customer.id, limit=2, expand=["data.latest_charge"]
        )
        walked = list(pages.auto_paging_iter())
        self.assertEqual([each.id for each in walked], ids[::-1])
        self.assertEqual({each.latest_charge.object for each in walked}, {"charge"})

    def test_is_told_what_is_wrong(self):
        with self.assertRaises(errors.InvalidRequestError) as caught:
            stripe.PaymentIntent.retrieve("pi_none")
        self.assertEqual(caught.exception.code, "resource_missing")
        stripe.api_key = "not-a-key"
        with self.assertRaises(errors.AuthenticationError):
            self.pay()

    def test_keeps_cards_and_deletes_customers(self):
        customer = stripe.Customer.create(email="fan@example.jp")
        kept = stripe.PaymentMethod.attach("pm_card_visa", customer=customer.id)
        listed = stripe.PaymentMethod.list(customer=customer.id, type="card")
        self.assertEqual([each.id for each in listed], [kept.id])
        self.assertIs(stripe.Customer.delete(customer.id).deleted, True)


if __name__ == "__main__":
    unittest.main()

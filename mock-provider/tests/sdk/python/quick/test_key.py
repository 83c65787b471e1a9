"""Idempotency keys: the same request under the same key takes effect once."""

import unittest

import stripe
from shop import client, held, payment, unique


def replayed(response):
    return response.headers.get("idempotent-replayed")


class AKey(unittest.TestCase):
    def setUp(self):
        self.stripe = client("sk_test_" + unique("key")).v1
        self.intents = self.stripe.payment_intents
        self.options = {"idempotency_key": unique("order")}

    def test_answers_the_same_again(self):
        first = self.intents.create(held(), self.options)
        self.assertIsNone(replayed(first.last_response))
        self.assertEqual(first.last_response.idempotency_key, self.options["idempotency_key"])
        self.intents.cancel(first.id)
        again = self.intents.create(held(), self.options)
        self.assertEqual(again.last_response.body, first.last_response.body)
        self.assertEqual(replayed(again.last_response), "true")
        self.assertNotEqual(again.last_response.request_id, first.last_response.request_id)
        self.assertEqual([each.id for each in self.intents.list()], [first.id])

    def test_captures_and_refunds_once(self):
        intent = self.intents.create(held())
        part = {"amount_to_capture": 2000}
        captured = self.intents.capture(intent.id, part, self.options)
        again = self.intents.capture(intent.id, part, self.options)
        self.assertEqual(again.last_response.body, captured.last_response.body)
        self.assertEqual(replayed(again.last_response), "true")
        refund = {"payment_intent": intent.id, "amount": 1500}
        options = {"idempotency_key": unique("refund")}
        first = self.stripe.refunds.create(refund, options)
        self.assertEqual(self.stripe.refunds.create(refund, options).id, first.id)
        listed = self.stripe.refunds.list({"payment_intent": intent.id})
        self.assertEqual([each.id for each in listed], [first.id])

    def test_is_refused_with_other_parameters(self):
        first = self.intents.create(payment(), self.options)
        with self.assertRaises(stripe.IdempotencyError) as caught:
            self.intents.create(payment(amount=90), self.options)
        error = caught.exception
        self.assertEqual(error.http_status, 400)
        self.assertEqual(error.error.type, "idempotency_error")
        self.assertIn(self.options["idempotency_key"], error.user_message)
        self.assertEqual(self.intents.create(payment(), self.options).id, first.id)

    def test_is_refused_on_another_path(self):
        intent = self.intents.create(held(), self.options)
        with self.assertRaises(stripe.IdempotencyError):
            self.intents.capture(intent.id, {}, self.options)
        self.assertEqual(self.intents.retrieve(intent.id).status, "requires_capture")

    def test_answers_a_decline_again(self):
        words = held(payment_method="pm_card_visa_chargeDeclinedLostCard")
        bodies = []
        for _ in range(2):
            with self.assertRaises(stripe.CardError) as caught:
                self.intents.create(words, self.options)
            bodies.append(caught.exception.http_body)
        self.assertEqual(bodies[0], bodies[1])
        self.assertEqual(replayed(caught.exception), "true")
        self.assertEqual(len(self.intents.list().data), 1)

    def test_is_free_again_after_a_request_that_was_malformed(self):
        with self.assertRaises(stripe.InvalidRequestError):
            self.intents.create(payment(amount="much"), self.options)
        intent = self.intents.create(payment(), self.options)
        self.assertIsNone(replayed(intent.last_response))

    def test_belongs_to_its_account(self):
        first = self.intents.create(payment(), self.options)
        other = client("sk_test_" + unique("other")).v1.payment_intents
        second = other.create(payment(amount=90), self.options)
        self.assertNotEqual(first.id, second.id)

    def test_has_at_most_255_characters(self):
        widest = {"idempotency_key": unique("k").ljust(255, "k")}
        first = self.intents.create(payment(), widest)
        self.assertEqual(self.intents.create(payment(), widest).id, first.id)
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.intents.create(payment(), {"idempotency_key": "k" * 256})
        self.assertEqual(caught.exception.http_status, 400)

    def test_is_made_by_the_sdk_for_each_post(self):
        first = self.intents.create(payment())
        self.assertTrue(first.last_response.idempotency_key)
        self.assertNotEqual(self.intents.create(payment()).id, first.id)


if __name__ == "__main__":
    unittest.main()

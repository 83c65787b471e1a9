"""A capture that took effect and was answered with a 500: the key tells the same for ever."""

import unittest

import stripe
from shop import Counting, client, held, unique


class AFault(unittest.TestCase):
    def setUp(self):
        self.counting = Counting()
        self.account = "sk_test_" + unique("fault")
        self.intents = client(self.account, http_client=self.counting).v1.payment_intents
        self.intent = self.intents.create(held())
        self.options = {"idempotency_key": unique("order")}

    def capture(self, intents):
        with self.assertRaises(stripe.APIError) as caught:
            intents.capture(self.intent.id, {}, self.options)
        self.assertEqual(caught.exception.http_status, 500)
        self.assertEqual(caught.exception.error.type, "api_error")
        return caught.exception

    def test_is_replayed_under_its_key(self):
        first, again = self.capture(self.intents), self.capture(self.intents)
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        self.assertEqual(again.http_body, first.http_body)
        self.assertEqual(self.intents.retrieve(self.intent.id).status, "succeeded")

    def test_is_not_cured_by_the_sdk_trying_again(self):
        patient = client(self.account, http_client=self.counting, max_network_retries=2)
        self.capture(patient.v1.payment_intents)
        self.assertEqual(self.intents.retrieve(self.intent.id).amount_received, 2400)


if __name__ == "__main__":
    unittest.main()

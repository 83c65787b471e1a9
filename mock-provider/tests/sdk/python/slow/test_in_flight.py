"""Two requests at once under one key: one is executed, the other is told to come back."""

import unittest

import stripe
from shop import Counting, client, held, together, unique


class AKeyInFlight(unittest.TestCase):
    def setUp(self):
        self.account = "sk_test_" + unique("flight")
        self.options = {"idempotency_key": unique("order")}

    def test_is_refused_with_409(self):
        clients = [client(self.account).v1.payment_intents for _ in range(2)]
        calls = [lambda each=each: each.create(held(), self.options) for each in clients]
        results = together(*calls)
        [error] = [each for each in results if isinstance(each, stripe.StripeError)]
        [intent] = [each for each in results if each is not error]
        self.assertIsInstance(error, stripe.APIError)
        self.assertEqual((error.http_status, error.error.code), (409, "idempotency_key_in_use"))
        self.assertEqual(error.error.type, "idempotency_error")
        self.assertEqual(intent.status, "requires_capture")
        again = clients[0].create(held(), self.options)
        self.assertEqual(again.id, intent.id)
        self.assertEqual(again.last_response.headers.get("idempotent-replayed"), "true")

    def test_buys_once_when_the_sdk_tries_again(self):
        counts = [Counting() for _ in range(2)]
        clients = [
            client(self.account, http_client=each, max_network_retries=5).v1.payment_intents
            for each in counts
        ]
        calls = [lambda each=each: each.create(held(), self.options) for each in clients]
        first, second = together(*calls)
        self.assertEqual(first.id, second.id)
        self.assertGreaterEqual(sum(each.sent for each in counts), 3)
        listed = client(self.account).v1.payment_intents.list()
        self.assertEqual([each.id for each in listed.data], [first.id])


if __name__ == "__main__":
    unittest.main()

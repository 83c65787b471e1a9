"""Two requests at once for one payment: the second waits a little, then hears `lock_timeout`."""

import unittest

import stripe
from shop import Counting, client, held, taken, together, unique


class ALock(unittest.TestCase):
    def setUp(self):
        self.account = "sk_test_" + unique("lock")
        self.stripe = client(self.account).v1

    def test_that_is_not_let_go_in_time_is_429_and_worth_another_try(self):
        intent = self.stripe.payment_intents.create(held())
        captures = [client(self.account).v1.payment_intents.capture for _ in range(2)]
        results = together(*[lambda each=each: each(intent.id) for each in captures])
        [error] = [each for each in results if isinstance(each, stripe.StripeError)]
        self.assertIsInstance(error, stripe.RateLimitError)
        self.assertEqual((error.http_status, error.error.code), (429, "lock_timeout"))
        headers = {name.lower(): word for name, word in error.headers.items()}
        self.assertEqual(headers["stripe-should-retry"], "true")
        self.assertNotIn("stripe-rate-limited-reason", headers)
        after = self.stripe.payment_intents.retrieve(intent.id)
        self.assertEqual((after.status, after.amount_received), ("succeeded", 2400))

    def test_is_waited_out_by_the_sdk(self):
        intent = self.stripe.payment_intents.create(taken())
        counts = [Counting() for _ in range(2)]
        refunds = [
            client(self.account, http_client=each, max_network_retries=5).v1.refunds
            for each in counts
        ]
        part = {"payment_intent": intent.id, "amount": 1200}
        first, second = together(*[lambda each=each: each.create(part) for each in refunds])
        self.assertEqual((first.status, second.status), ("succeeded", "succeeded"))
        self.assertNotEqual(first.id, second.id)
        self.assertGreaterEqual(sum(each.sent for each in counts), 3)
        for each in counts:
            self.assertEqual(len(each.keys), 1, "a try again has the same key")

    def test_is_of_one_payment(self):
        intents = [self.stripe.payment_intents.create(held()) for _ in range(2)]
        captures = [client(self.account).v1.payment_intents.capture for _ in range(2)]
        results = together(
            lambda: captures[0](intents[0].id), lambda: captures[1](intents[1].id)
        )
        self.assertEqual([each.status for each in results], ["succeeded", "succeeded"])


if __name__ == "__main__":
    unittest.main()

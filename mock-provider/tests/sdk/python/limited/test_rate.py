"""More calls than the account may make: 429, which the SDK leaves to the shop."""

import time
import unittest

import stripe
from shop import PATIENCE, Counting, client, payment, unique


class ARateLimit(unittest.TestCase):
    def setUp(self):
        self.counting = Counting()
        account = "sk_test_" + unique("rate")
        self.intents = client(account, http_client=self.counting).v1.payment_intents
        self.patient = client(account, http_client=self.counting, max_network_retries=2)

    def refusal(self, call):
        """Calls until it is refused."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                call()
            except stripe.RateLimitError as error:
                return error
        raise TimeoutError("no limit was reached")

    def admitted(self, call):
        """Calls until it is admitted; what it returned."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                return call()
            except stripe.RateLimitError:
                continue
        raise TimeoutError("no call was admitted again")

    def test_is_told_with_its_reason_and_without_a_time_to_come_back(self):
        error = self.refusal(lambda: self.intents.create(payment()))
        self.assertEqual((error.http_status, error.error.code), (429, "rate_limit"))
        self.assertIn(error.error.type, ("rate_limit_error", "invalid_request_error"))
        headers = {name.lower(): word for name, word in error.headers.items()}
        self.assertEqual(headers["stripe-rate-limited-reason"], "global-rate")
        self.assertNotIn("retry-after", headers)
        self.assertTrue(error.request_id.startswith("req_"))

    def test_is_not_tried_again_by_the_sdk(self):
        counts = []

        def call():
            counts.append(-self.counting.sent)
            try:
                self.patient.v1.payment_intents.create(payment())
            finally:
                counts[-1] += self.counting.sent

        self.refusal(call)
        self.assertEqual(set(counts), {1})

    def test_leaves_the_key_free(self):
        attempts = []

        def call():
            attempts.append({"idempotency_key": unique("order")})
            self.intents.create(payment(), attempts[-1])

        self.refusal(call)
        intent = self.admitted(lambda: self.intents.create(payment(), attempts[-1]))
        self.assertIsNone(intent.last_response.headers.get("idempotent-replayed"))

    def test_changes_nothing(self):
        intent = self.intents.create(payment(metadata={"n": "0"}))
        done = ["0"]

        def call():
            n = str(len(done))
            self.intents.update(intent.id, {"metadata": {"n": n}})
            done.append(n)

        self.refusal(call)
        seen = self.admitted(lambda: self.intents.retrieve(intent.id))
        self.assertEqual(seen.metadata["n"], done[-1])


if __name__ == "__main__":
    unittest.main()

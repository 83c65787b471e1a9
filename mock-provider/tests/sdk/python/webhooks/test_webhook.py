"""Webhooks: signed, verified by the SDK, and sent again when they were not taken."""

import json
import time
import unittest

import stripe
from receiver import Receiver
from shop import client, held, unique


class AWebhook(unittest.TestCase):
    def begin(self, statuses=(), events=("*",)):
        """An account whose events go to a shop that answers with these statuses first."""
        self.stripe = client("sk_test_" + unique("webhook")).v1
        self.shop = Receiver(statuses)
        self.addCleanup(self.shop.close)
        words = {"url": self.shop.url + "/hook", "enabled_events": list(events)}
        endpoint = self.stripe.webhook_endpoints.create(words)
        self.addCleanup(self.stripe.webhook_endpoints.delete, endpoint.id)
        return endpoint.secret

    def verified(self, arrival, secret):
        signature = arrival.headers["stripe-signature"]
        return stripe.Webhook.construct_event(arrival.body, signature, secret)

    def test_is_verified_by_the_sdk(self):
        secret = self.begin(events=["payment_intent.amount_capturable_updated"])
        intent = self.stripe.payment_intents.create(held(metadata={"客": "山田 🎤"}))
        arrival = self.shop.next()
        self.assertEqual(arrival.path, "/hook")
        self.assertIn("application/json", arrival.headers["content-type"])
        event = self.verified(arrival, secret)
        self.assertEqual(event.type, "payment_intent.amount_capturable_updated")
        self.assertEqual(event.data.object.id, intent.id)
        self.assertEqual(event.data.object.metadata["客"], "山田 🎤")
        kept = self.stripe.events.retrieve(event.id)
        self.assertEqual(kept.data.object.to_dict(), event.data.object.to_dict())

    def test_is_refused_with_another_secret_or_another_body(self):
        secret = self.begin(events=["payment_intent.created"])
        self.stripe.payment_intents.create(held())
        arrival = self.shop.next()
        with self.assertRaises(stripe.SignatureVerificationError):
            self.verified(arrival, "whsec_" + "0" * 32)
        arrival.body = arrival.body.replace(b"2400", b"2401")
        with self.assertRaises(stripe.SignatureVerificationError):
            self.verified(arrival, secret)

    def test_is_signed_at_the_time_it_is_sent(self):
        secret = self.begin(events=["payment_intent.created"])
        self.stripe.payment_intents.create(held())
        arrival = self.shop.next()
        signature = arrival.headers["stripe-signature"]
        sent = int(dict(part.split("=", 1) for part in signature.split(","))["t"])
        self.assertLess(abs(time.time() - sent), 60)
        self.verified(arrival, secret)

    def test_comes_again_after_a_500_with_a_signature_of_its_own(self):
        secret = self.begin(statuses=[500, 503], events=["payment_intent.created"])
        self.stripe.payment_intents.create(held())
        tries = [self.shop.next() for _ in range(3)]
        events = [self.verified(each, secret) for each in tries]
        self.assertEqual({each.id for each in events}, {events[0].id})
        signatures = [each.headers["stripe-signature"] for each in tries]
        self.assertEqual(len(set(signatures)), len(signatures), "each try is signed anew")

    def test_is_of_the_kinds_that_were_asked_for(self):
        self.begin(events=["charge.captured", "payment_intent.canceled"])
        first = self.stripe.payment_intents.create(held())
        self.stripe.payment_intents.capture(first.id)
        second = self.stripe.payment_intents.create(held())
        self.stripe.payment_intents.cancel(second.id)
        kinds = {json.loads(self.shop.next().body)["type"] for _ in range(2)}
        self.assertEqual(kinds, {"charge.captured", "payment_intent.canceled"})

    def test_tells_the_whole_story_of_a_payment(self):
        secret = self.begin()
        intent = self.stripe.payment_intents.create(held())
        self.stripe.payment_intents.capture(intent.id)
        wanted = {
            "payment_intent.created", "payment_intent.amount_capturable_updated",
            "charge.succeeded", "charge.captured", "payment_intent.succeeded",
        }
        seen = set()

        def told(arrival):
            seen.add(self.verified(arrival, secret).type)
            return wanted <= seen

        self.shop.until(told)


if __name__ == "__main__":
    unittest.main()

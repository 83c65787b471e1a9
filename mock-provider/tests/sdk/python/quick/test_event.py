"""Events, and the endpoints they are sent to."""

import unittest

import stripe
from shop import client, held, unique


class AnEvent(unittest.TestCase):
    def setUp(self):
        self.stripe = client("sk_test_" + unique("event")).v1

    def types(self, **filters):
        listed = self.stripe.events.list({"limit": 100} | filters)
        return [each.type for each in listed.auto_paging_iter()]

    def test_tells_each_step_of_a_payment(self):
        intent = self.stripe.payment_intents.create(held())
        self.stripe.payment_intents.capture(intent.id)
        self.stripe.refunds.create({"payment_intent": intent.id})
        expected = {
            "payment_intent.created", "payment_intent.amount_capturable_updated",
            "charge.succeeded", "charge.captured", "payment_intent.succeeded", "charge.refunded",
            "refund.created",
        }
        self.assertLessEqual(expected, set(self.types()))

    def test_tells_of_a_decline_and_of_a_cancellation(self):
        with self.assertRaises(stripe.CardError) as caught:
            self.stripe.payment_intents.create(held(payment_method="pm_card_visa_chargeDeclined"))
        self.stripe.payment_intents.cancel(caught.exception.error.payment_intent.id)
        expected = {"payment_intent.payment_failed", "charge.failed", "payment_intent.canceled"}
        self.assertLessEqual(expected, set(self.types()))

    def test_shows_its_object_as_it_was_then(self):
        options = {"idempotency_key": unique("order")}
        intent = self.stripe.payment_intents.create(held(metadata={"席": "A-12"}), options)
        self.stripe.payment_intents.cancel(intent.id)
        kind = "payment_intent.amount_capturable_updated"
        [listed] = self.stripe.events.list({"type": kind}).data
        event = self.stripe.events.retrieve(listed.id)
        self.assertEqual((event.object, event.type), ("event", kind))
        self.assertTrue(event.id.startswith("evt_"))
        self.assertEqual(event.data.object.id, intent.id)
        self.assertEqual(event.data.object.status, "requires_capture")
        self.assertEqual(event.data.object.metadata["席"], "A-12")
        self.assertEqual(event.request.id, intent.last_response.request_id)
        self.assertEqual(event.request.idempotency_key, options["idempotency_key"])
        self.assertIs(event.livemode, False)

    def test_is_found_by_its_types(self):
        intent = self.stripe.payment_intents.create(held())
        self.stripe.payment_intents.capture(intent.id)
        wanted = ["payment_intent.succeeded", "payment_intent.created"]
        self.assertEqual(self.types(types=wanted), wanted)


class AWebhookEndpoint(unittest.TestCase):
    def setUp(self):
        self.endpoints = client("sk_test_" + unique("endpoint")).v1.webhook_endpoints

    def test_tells_its_secret_once(self):
        # Nothing happens on this account, so nothing is sent to the address.
        words = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.refunded"]}
        made = self.endpoints.create(words | {"description": "店"})
        self.assertEqual((made.object, made.status), ("webhook_endpoint", "enabled"))
        self.assertTrue(made.secret.startswith("whsec_"))
        self.assertEqual((made.url, made.enabled_events), (words["url"], ["charge.refunded"]))
        seen = self.endpoints.retrieve(made.id)
        self.assertNotIn("secret", seen.to_dict())
        listed = self.endpoints.list()
        self.assertEqual([each.id for each in listed.data], [made.id])
        self.assertNotIn("secret", listed.data[0].to_dict())

    def test_is_changed_and_deleted(self):
        words = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
        made = self.endpoints.create(words)
        changed = self.endpoints.update(made.id, {"enabled_events": ["charge.failed"]})
        self.assertEqual(changed.enabled_events, ["charge.failed"])
        self.assertEqual(self.endpoints.update(made.id, {"disabled": True}).status, "disabled")
        self.assertIs(self.endpoints.delete(made.id).deleted, True)
        self.assertEqual(self.endpoints.list().data, [])
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.endpoints.retrieve(made.id)
        self.assertEqual(caught.exception.code, "resource_missing")

    def test_needs_an_address_and_events(self):
        for words in ({"url": "http://127.0.0.1:9/hook"}, {"enabled_events": ["*"]}):
            with self.assertRaises(stripe.InvalidRequestError) as caught:
                self.endpoints.create(words)
            self.assertEqual(caught.exception.code, "parameter_missing")


if __name__ == "__main__":
    unittest.main()

"""The life of a payment: created, confirmed, captured, cancelled, refunded."""

import unittest

import stripe
from shop import client, held, payment, taken, unique


class APayment(unittest.TestCase):
    def setUp(self):
        self.intents = client().v1.payment_intents
        self.refunds = client().v1.refunds
        self.charges = client().v1.charges

    def refused(self, code, call, *args):
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            call(*args)
        error = caught.exception
        self.assertEqual((error.http_status, error.code), (400, code), error)
        return error

    def test_is_created_confirmed_captured_and_refunded(self):
        created = self.intents.create(payment(capture_method="manual"))
        self.assertEqual(created.object, "payment_intent")
        self.assertTrue(created.id.startswith("pi_"))
        self.assertTrue(created.client_secret.startswith(created.id + "_secret_"))
        self.assertEqual(created.status, "requires_payment_method")
        self.assertEqual((created.amount, created.currency), (2400, "jpy"))
        self.assertIs(created.livemode, False)
        self.assertIsNone(created.latest_charge)

        confirmed = self.intents.confirm(created.id, {"payment_method": "pm_card_visa"})
        self.assertEqual(confirmed.id, created.id)
        self.assertEqual(confirmed.status, "requires_capture")
        self.assertEqual((confirmed.amount_capturable, confirmed.amount_received), (2400, 0))
        self.assertTrue(confirmed.latest_charge.startswith("ch_"))
        charge = self.charges.retrieve(confirmed.latest_charge)
        self.assertEqual((charge.captured, charge.paid), (False, True))
        self.assertEqual(charge.payment_intent, created.id)

        captured = self.intents.capture(created.id)
        self.assertEqual(captured.status, "succeeded")
        self.assertEqual((captured.amount_capturable, captured.amount_received), (0, 2400))

        refund = self.refunds.create({"payment_intent": created.id})
        self.assertEqual((refund.object, refund.status), ("refund", "succeeded"))
        self.assertEqual((refund.amount, refund.currency), (2400, "jpy"))
        self.assertEqual(refund.payment_intent, created.id)
        self.assertEqual(refund.charge, captured.latest_charge)
        charge = self.charges.retrieve(captured.latest_charge)
        self.assertEqual((charge.refunded, charge.amount_refunded), (True, 2400))
        self.assertEqual(self.intents.retrieve(created.id).status, "succeeded")

    def test_waits_for_its_confirmation_when_it_has_a_card(self):
        intent = self.intents.create(payment(payment_method="pm_card_visa"))
        self.assertEqual(intent.status, "requires_confirmation")
        self.assertTrue(intent.payment_method.startswith("pm_"))
        self.assertNotEqual(intent.payment_method, "pm_card_visa")
        self.assertEqual(self.intents.confirm(intent.id).status, "succeeded")

    def test_captures_itself_unless_told_otherwise(self):
        intent = self.intents.create(taken())
        self.assertEqual((intent.status, intent.amount_received), ("succeeded", 2400))
        charge = self.charges.retrieve(intent.latest_charge)
        self.assertEqual((charge.captured, charge.amount_captured), (True, 2400))

    def test_is_captured_in_part_and_the_rest_is_released(self):
        intent = self.intents.create(held())
        captured = self.intents.capture(intent.id, {"amount_to_capture": 1500})
        self.assertEqual(captured.status, "succeeded")
        self.assertEqual((captured.amount, captured.amount_received), (2400, 1500))
        self.assertEqual(captured.amount_capturable, 0)
        self.assertEqual(self.charges.retrieve(captured.latest_charge).amount_captured, 1500)
        error = self.refused("payment_intent_unexpected_state", self.intents.capture, intent.id)
        self.assertEqual(error.error.payment_intent.id, intent.id)

    def test_is_not_captured_beyond_its_amount(self):
        intent = self.intents.create(held())
        more = {"amount_to_capture": 2401}
        error = self.refused("amount_too_large", self.intents.capture, intent.id, more)
        self.assertEqual(error.param, "amount_to_capture")
        self.assertEqual(self.intents.retrieve(intent.id).amount_capturable, 2400)

    def test_is_cancelled_and_the_money_released(self):
        intent = self.intents.create(held())
        cancelled = self.intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
        self.assertEqual(cancelled.status, "canceled")
        self.assertEqual(cancelled.cancellation_reason, "abandoned")
        self.assertEqual(cancelled.amount_capturable, 0)
        self.assertGreaterEqual(cancelled.canceled_at, cancelled.created)
        self.refused("payment_intent_unexpected_state", self.intents.capture, intent.id)
        self.refused("payment_intent_unexpected_state", self.intents.confirm, intent.id)

    def test_is_not_cancelled_once_captured(self):
        intent = self.intents.create(taken())
        self.refused("payment_intent_unexpected_state", self.intents.cancel, intent.id)
        self.assertEqual(self.intents.retrieve(intent.id).status, "succeeded")

    def test_is_confirmed_once(self):
        intent = self.intents.create(taken())
        self.refused("payment_intent_unexpected_state", self.intents.confirm, intent.id)

    def test_is_not_captured_before_it_is_confirmed(self):
        intent = self.intents.create(payment(capture_method="manual"))
        self.refused("payment_intent_unexpected_state", self.intents.capture, intent.id)

    def test_is_refunded_in_parts_and_never_beyond(self):
        intent = self.intents.create(taken())
        first = self.refunds.create({"payment_intent": intent.id, "amount": 1000})
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.refunds.create({"payment_intent": intent.id, "amount": 1401})
        self.assertEqual(caught.exception.http_status, 400)
        reason = {"reason": "requested_by_customer", "metadata": {"返品": "半分"}}
        second = self.refunds.create({"charge": intent.latest_charge, "amount": 1400} | reason)
        self.assertEqual(second.reason, "requested_by_customer")
        self.assertEqual(second.metadata["返品"], "半分")
        more = {"payment_intent": intent.id, "amount": 1}
        self.refused("charge_already_refunded", self.refunds.create, more)
        listed = self.refunds.list({"payment_intent": intent.id})
        self.assertEqual([each.id for each in listed.data], [second.id, first.id])
        self.assertEqual(self.refunds.retrieve(first.id).amount, 1000)

    def test_without_money_is_not_refunded(self):
        intent = self.intents.create(held())
        with self.assertRaises(stripe.InvalidRequestError):
            self.refunds.create({"payment_intent": intent.id})
        self.assertEqual(self.intents.retrieve(intent.id).status, "requires_capture")

    def test_is_updated_before_it_is_confirmed(self):
        intent = self.intents.create(payment(description="席"))
        changes = {"amount": 3600, "description": "席二つ", "receipt_email": "fan@example.jp"}
        updated = self.intents.update(intent.id, changes)
        self.assertEqual((updated.amount, updated.description), (3600, "席二つ"))
        self.assertEqual(self.intents.retrieve(intent.id).receipt_email, "fan@example.jp")
        cleared = self.intents.update(intent.id, {"description": ""})
        self.assertIsNone(cleared.description)

    def test_keeps_its_amount_once_the_money_is_taken(self):
        intent = self.intents.create(taken())
        change = {"amount": 1}
        self.refused("payment_intent_unexpected_state", self.intents.update, intent.id, change)
        self.assertEqual(self.intents.retrieve(intent.id).amount, 2400)

    def test_carries_metadata_in_any_language(self):
        words = {"注文 番号": "二階席 A-12", "emoji": "🎤🎉", "signs": "a&b=c+d %25 [x]", "空": "　"}
        intent = self.intents.create(payment(metadata=words))
        kept = self.intents.retrieve(intent.id).metadata
        self.assertEqual({key: kept[key] for key in words}, words)
        update = {"metadata": {"emoji": "", "new": "新しい"}}
        after = self.intents.update(intent.id, update).metadata
        expected = {key: word for key, word in words.items() if key != "emoji"}
        self.assertEqual(after.to_dict(), expected | {"new": "新しい"})
        cleared = self.intents.update(intent.id, {"metadata": ""})
        self.assertEqual(cleared.metadata.to_dict(), {})

    def test_limits_its_metadata(self):
        for metadata in ({"k" * 41: "v"}, {"k": "字" * 501}, {f"k{n}": "v" for n in range(51)}):
            with self.assertRaises(stripe.InvalidRequestError) as caught:
                self.intents.create(payment(metadata=metadata))
            self.assertEqual(caught.exception.http_status, 400)
        widest = {"k" * 40: "字" * 500}
        kept = self.intents.create(payment(metadata=widest)).metadata
        self.assertEqual(kept.to_dict(), widest)

    def test_is_read_with_its_client_secret_by_the_page_of_the_shop(self):
        intent = self.intents.create(payment())
        browser = client("pk_test_spike").v1.payment_intents
        secret = {"client_secret": intent.client_secret}
        self.assertEqual(browser.retrieve(intent.id, secret).id, intent.id)
        with self.assertRaises(stripe.StripeError):
            browser.retrieve(intent.id, {"client_secret": intent.id + "_secret_wrong"})
        with self.assertRaises(stripe.StripeError):
            browser.retrieve(intent.id)

    def test_says_what_is_wrong_with_its_parameters(self):
        wrongs = [
            ({"currency": "jpy"}, "amount", "parameter_missing"),
            (payment(colour="blue"), "colour", "parameter_unknown"),
            (payment(amount=-5), "amount", "parameter_invalid_integer"),
            (payment(amount="abc"), "amount", "parameter_invalid_integer"),
        ]
        for wrong, param, code in wrongs:
            with self.subTest(param=param, code=code):
                error = self.refused(code, self.intents.create, wrong)
                self.assertEqual(error.param, param)
                self.assertEqual(error.error.type, "invalid_request_error")

    def test_that_does_not_exist_is_missing(self):
        for call in (self.intents.retrieve, self.intents.capture, self.intents.cancel):
            with self.assertRaises(stripe.InvalidRequestError) as caught:
                call("pi_none")
            error = caught.exception
            self.assertEqual((error.http_status, error.code), (404, "resource_missing"))
            self.assertEqual(error.param, "intent")
            self.assertIn("pi_none", error.user_message)

    def test_of_another_account_does_not_exist(self):
        intent = self.intents.create(payment())
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            client("sk_test_" + unique("x")).v1.payment_intents.retrieve(intent.id)
        self.assertEqual(caught.exception.code, "resource_missing")


class EveryAnswer(unittest.TestCase):
    def test_to_a_wrong_key_is_401(self):
        for key in ("not-a-key", "sk"):
            with self.assertRaises(stripe.AuthenticationError) as caught:
                client(key).v1.payment_intents.create(payment())
            self.assertEqual(caught.exception.http_status, 401)
            self.assertTrue(caught.exception.request_id.startswith("req_"))

    def test_has_a_request_id_of_its_own(self):
        intents = client().v1.payment_intents
        ids = [intents.create(payment()).last_response.request_id for _ in range(3)]
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            intents.retrieve("pi_none")
        ids.append(caught.exception.request_id)
        self.assertTrue(all(each.startswith("req_") for each in ids), ids)
        self.assertEqual(len(set(ids)), 4)

    def test_names_the_version_of_the_interface_that_was_asked_for(self):
        options = {"stripe_version": "2024-06-20"}
        intent = client().v1.payment_intents.create(payment(), options)
        self.assertEqual(intent.last_response.headers["stripe-version"], "2024-06-20")

    def test_to_an_unknown_path_is_an_error_the_sdk_understands(self):
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            client().raw_request("get", "/v1/nothing")
        self.assertEqual(caught.exception.http_status, 404)


if __name__ == "__main__":
    unittest.main()

"""3-D Secure: the payment waits for the cardholder, who passes or fails on a page."""

import unittest
import urllib.parse

import stripe
from browser import COMPLETE, FAIL, open_page, press
from receiver import Receiver
from shop import client, held, payment, taken

CARD = "pm_card_threeDSecure2Required"


class AChallenge(unittest.TestCase):
    def setUp(self):
        self.intents = client().v1.payment_intents
        self.shop = Receiver()
        self.addCleanup(self.shop.close)

    def begin(self, **changes):
        words = {"payment_method": CARD, "return_url": self.shop.url + "/return?order=7"}
        intent = self.intents.create(held(**(words | changes)))
        self.assertEqual(intent.status, "requires_action")
        self.assertEqual(intent.next_action.type, "redirect_to_url")
        self.assertIsNone(intent.latest_charge)
        return intent, intent.next_action.redirect_to_url

    def check_return(self, intent, status):
        back = self.shop.next()
        self.assertEqual(back.path, "/return")
        self.assertEqual(back.query, {
            "order": "7",
            "payment_intent": intent.id,
            "payment_intent_client_secret": intent.client_secret,
            "redirect_status": status,
        })

    def test_that_is_passed_holds_the_money(self):
        intent, to = self.begin()
        self.assertEqual(to.return_url, self.shop.url + "/return?order=7")
        press(open_page(to.url), COMPLETE)
        self.check_return(intent, "succeeded")
        after = self.intents.retrieve(intent.id)
        self.assertEqual((after.status, after.amount_capturable), ("requires_capture", 2400))
        self.assertIsNone(after.next_action)
        self.assertEqual(self.intents.capture(intent.id).status, "succeeded")

    def test_that_is_passed_takes_the_money_when_nothing_holds_it(self):
        intent, to = self.begin(capture_method="automatic")
        press(open_page(to.url), COMPLETE)
        after = self.intents.retrieve(intent.id)
        self.assertEqual((after.status, after.amount_received), ("succeeded", 2400))

    def test_that_is_failed_asks_for_another_card(self):
        intent, to = self.begin()
        press(open_page(to.url), FAIL)
        self.check_return(intent, "failed")
        after = self.intents.retrieve(intent.id)
        self.assertEqual(after.status, "requires_payment_method")
        code = after.last_payment_error.code
        self.assertEqual(code, "payment_intent_authentication_failure")
        self.assertEqual(after.amount_capturable, 0)
        again = self.intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        self.assertEqual(again.status, "requires_capture")

    def test_is_decided_once(self):
        intent, to = self.begin()
        page = open_page(to.url)
        press(page, COMPLETE)
        press(page, FAIL)
        self.assertEqual(self.intents.retrieve(intent.id).status, "requires_capture")

    def test_is_not_decided_by_looking_at_its_page(self):
        intent, to = self.begin()
        for _ in range(2):
            self.assertGreaterEqual(len(open_page(to.url).buttons), 2)
        self.assertEqual(self.intents.retrieve(intent.id).status, "requires_action")

    def test_is_over_when_the_payment_is_cancelled(self):
        intent, to = self.begin()
        page = open_page(to.url)
        self.assertEqual(self.intents.cancel(intent.id).status, "canceled")
        press(page, COMPLETE)
        self.assertEqual(self.intents.retrieve(intent.id).status, "canceled")

    def test_without_a_way_back_is_left_to_the_page_of_the_shop(self):
        intent = self.intents.create(taken(payment_method=CARD))
        self.assertEqual(intent.status, "requires_action")
        self.assertEqual(intent.next_action.type, "use_stripe_sdk")

    def test_begins_when_the_payment_is_confirmed_later(self):
        intent = self.intents.create(payment())
        words = {"payment_method": CARD, "return_url": self.shop.url + "/return?order=7"}
        confirmed = self.intents.confirm(intent.id, words)
        self.assertEqual(confirmed.status, "requires_action")
        url = urllib.parse.urlsplit(confirmed.next_action.redirect_to_url.url)
        self.assertIn(url.scheme, ("http", "https"))
        press(open_page(url.geturl()), COMPLETE)
        self.check_return(intent, "succeeded")

    def test_that_is_passed_may_still_be_declined(self):
        declined = "pm_card_threeDSecureRequiredChargeDeclined"
        intent, to = self.begin(payment_method=declined)
        press(open_page(to.url), COMPLETE)
        after = self.intents.retrieve(intent.id)
        self.assertEqual(after.status, "requires_payment_method")
        self.assertEqual(after.last_payment_error.code, "card_declined")

    def test_cannot_be_met_when_the_cardholder_is_away(self):
        away = held(payment_method=CARD, off_session=True)
        with self.assertRaises(stripe.CardError) as caught:
            self.intents.create(away)
        self.assertEqual(caught.exception.code, "authentication_required")


if __name__ == "__main__":
    unittest.main()

"""Payment methods, test cards and what is told of a card that is declined."""

import unittest

import stripe
from shop import client, held, payment, unique

# Test card, its number, the error's code, the decline code; None: the documents name none.
DECLINES = [
    ("pm_card_visa_chargeDeclined", "4000000000000002", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "4000000000009995", "card_declined",
     "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "4000000000009979", "card_declined", "stolen_card"),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "4000000000006975", "card_declined",
     "card_velocity_exceeded"),
    ("pm_card_chargeDeclinedExpiredCard", "4000000000000069", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "4000000000000119", "processing_error", None),
]


def card(number, **changes):
    parts = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "314"} | changes
    return {"type": "card", "card": parts}


class ACard(unittest.TestCase):
    def setUp(self):
        self.stripe = client().v1

    def declined(self, call, *args):
        with self.assertRaises(stripe.CardError) as caught:
            call(*args)
        self.assertEqual(caught.exception.http_status, 402)
        self.assertEqual(caught.exception.error.type, "card_error")
        return caught.exception

    def check(self, error, code, decline_code):
        self.assertEqual(error.code, code)
        allowed = {None, code} if decline_code is None else {decline_code}
        self.assertIn(error.error.decline_code, allowed)
        self.assertTrue(error.user_message)
        self.assertTrue(error.error.charge.startswith("ch_"))
        told = error.error.payment_intent
        self.assertEqual((told.object, told.status), ("payment_intent", "requires_payment_method"))
        intent = self.stripe.payment_intents.retrieve(told.id)
        self.assertEqual(intent.status, "requires_payment_method")
        self.assertEqual(intent.last_payment_error.code, code)
        self.assertEqual(intent.last_payment_error.type, "card_error")
        self.assertEqual(intent.last_payment_error.payment_method.object, "payment_method")
        self.assertEqual((intent.amount_capturable, intent.amount_received), (0, 0))
        charge = self.stripe.charges.retrieve(error.error.charge)
        self.assertEqual((charge.status, charge.paid), ("failed", False))
        return intent

    def test_that_is_declined_raises_a_card_error_by_its_name(self):
        for name, _, code, decline_code in DECLINES:
            with self.subTest(name):
                create = self.stripe.payment_intents.create
                self.check(self.declined(create, held(payment_method=name)), code, decline_code)

    def test_that_is_declined_raises_a_card_error_by_its_number(self):
        for _, number, code, decline_code in DECLINES:
            with self.subTest(number):
                intent = self.stripe.payment_intents.create(payment(capture_method="manual"))
                data = {"payment_method_data": card(number)}
                error = self.declined(self.stripe.payment_intents.confirm, intent.id, data)
                told = self.check(error, code, decline_code)
                self.assertEqual(told.id, intent.id)

    def test_that_is_declined_leaves_the_payment_for_another(self):
        create = self.stripe.payment_intents.create
        error = self.declined(create, held(payment_method="pm_card_visa_chargeDeclined"))
        another = {"payment_method": "pm_card_mastercard"}
        intent = self.stripe.payment_intents.confirm(error.error.payment_intent.id, another)
        self.assertEqual((intent.status, intent.amount_capturable), ("requires_capture", 2400))
        self.assertIsNone(intent.last_payment_error)

    def test_is_made_of_its_number_and_never_shows_it_again(self):
        made = self.stripe.payment_methods.create(card("4242424242424242"))
        self.assertEqual((made.object, made.type), ("payment_method", "card"))
        self.assertEqual((made.card.brand, made.card.last4), ("visa", "4242"))
        self.assertEqual((made.card.exp_month, made.card.exp_year), (12, 2034))
        self.assertNotIn("4242424242424242", made.last_response.body)
        self.assertLessEqual(made.card.to_dict().keys() & {"number", "cvc"}, set())
        intent = self.stripe.payment_intents.create(held(payment_method=made.id))
        self.assertEqual((intent.status, intent.payment_method), ("requires_capture", made.id))

    def test_with_a_wrong_number_or_date_is_refused_at_once(self):
        wrongs = [
            (card("4242424242424241"), "incorrect_number"),
            (card("4242424242424242", exp_month=13), "invalid_expiry_month"),
            (card("4242424242424242", exp_year=2020), "invalid_expiry_year"),
            (card("4242424242424242", cvc="99"), "invalid_cvc"),
        ]
        for wrong, code in wrongs:
            with self.subTest(code):
                error = self.declined(self.stripe.payment_methods.create, wrong)
                self.assertEqual(error.code, code)

    def test_has_the_brand_of_its_name_or_token(self):
        brands = {"visa": "visa", "mastercard": "mastercard", "amex": "amex", "jcb": "jcb"}
        for name, brand in brands.items():
            token = {"type": "card", "card": {"token": "tok_" + name}}
            by_token = self.stripe.payment_methods.create(token)
            self.assertEqual(by_token.card.brand, brand)
            intent = self.stripe.payment_intents.create(held(payment_method="pm_card_" + name))
            by_name = self.stripe.payment_methods.retrieve(intent.payment_method)
            self.assertEqual(by_name.card.brand, brand)

    def test_that_does_not_exist_is_missing(self):
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.stripe.payment_intents.create(held(payment_method="pm_none"))
        self.assertEqual(caught.exception.code, "resource_missing")
        self.assertEqual(caught.exception.param, "payment_method")


class ACustomer(unittest.TestCase):
    def setUp(self):
        self.stripe = client().v1

    def test_is_created_updated_listed_and_deleted(self):
        email = unique("fan") + "@example.jp"
        words = {"name": "山田 花子", "email": email, "metadata": {"会員": "一"}}
        made = self.stripe.customers.create(words)
        self.assertEqual((made.object, made.name), ("customer", "山田 花子"))
        self.assertTrue(made.id.startswith("cus_"))
        updated = self.stripe.customers.update(made.id, {"phone": "+81312345678"})
        self.assertEqual((updated.phone, updated.email), ("+81312345678", email))
        found = self.stripe.customers.list({"email": email})
        self.assertEqual([each.id for each in found.data], [made.id])
        gone = self.stripe.customers.delete(made.id)
        self.assertEqual((gone.id, gone.deleted), (made.id, True))
        self.assertIs(self.stripe.customers.retrieve(made.id).deleted, True)
        self.assertEqual(self.stripe.customers.list({"email": email}).data, [])

    def test_that_does_not_exist_is_missing(self):
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.stripe.customers.retrieve("cus_none")
        self.assertEqual((caught.exception.http_status, caught.exception.param), (404, "id"))
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.stripe.payment_intents.create(payment(customer="cus_none"))
        self.assertEqual(caught.exception.code, "resource_missing")
        self.assertEqual(caught.exception.param, "customer")

    def test_keeps_cards_and_lets_them_go(self):
        customer = self.stripe.customers.create({"name": "佐藤"})
        visa = self.stripe.payment_methods.create(card("4242424242424242"))
        self.assertIsNone(visa.customer)
        to = {"customer": customer.id}
        visa = self.stripe.payment_methods.attach(visa.id, to)
        self.assertEqual(visa.customer, customer.id)
        jcb = self.stripe.payment_methods.attach("pm_card_jcb", to)
        of = {"customer": customer.id, "type": "card"}
        listed = self.stripe.payment_methods.list(of)
        self.assertEqual([each.id for each in listed.data], [jcb.id, visa.id])
        under = self.stripe.customers.payment_methods.list(customer.id)
        self.assertEqual([each.id for each in under.data], [jcb.id, visa.id])
        self.assertEqual(under.url, f"/v1/customers/{customer.id}/payment_methods")
        one = self.stripe.customers.payment_methods.retrieve(customer.id, jcb.id)
        self.assertEqual(one.card.brand, "jcb")
        self.assertIsNone(self.stripe.payment_methods.detach(jcb.id).customer)
        self.assertEqual([each.id for each in self.stripe.payment_methods.list(of)], [visa.id])

    def test_pays_with_a_kept_card(self):
        customer = self.stripe.customers.create({"name": "鈴木"})
        kept = self.stripe.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        with_card = held(customer=customer.id, payment_method=kept.id, off_session=True)
        intent = self.stripe.payment_intents.create(with_card)
        self.assertEqual((intent.customer, intent.payment_method), (customer.id, kept.id))
        self.assertEqual(intent.status, "requires_capture")

    def test_sets_a_card_up_for_later(self):
        customer = self.stripe.customers.create({"name": "高橋"})
        words = {"customer": customer.id, "payment_method_types": ["card"]}
        setup = self.stripe.setup_intents.create(words)
        self.assertEqual((setup.object, setup.status), ("setup_intent", "requires_payment_method"))
        self.assertTrue(setup.client_secret.startswith(setup.id + "_secret_"))
        with_card = {"payment_method": "pm_card_visa"}
        done = self.stripe.setup_intents.confirm(setup.id, with_card)
        self.assertEqual((done.status, done.usage), ("succeeded", "off_session"))
        kept = self.stripe.payment_methods.list({"customer": customer.id, "type": "card"})
        self.assertEqual([each.id for each in kept.data], [done.payment_method])
        self.assertEqual(self.stripe.setup_intents.retrieve(setup.id).status, "succeeded")

    def test_drops_a_setup(self):
        setup = self.stripe.setup_intents.create({"payment_method_types": ["card"]})
        self.assertEqual(self.stripe.setup_intents.cancel(setup.id).status, "canceled")


if __name__ == "__main__":
    unittest.main()

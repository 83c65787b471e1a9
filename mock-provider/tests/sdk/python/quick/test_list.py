"""Lists: pages, cursors, filters; and fields that are expanded to whole objects."""

import unittest

import stripe
from shop import client, held, payment, taken, unique


class AList(unittest.TestCase):
    """Of seven payments of one customer, oldest first in `ids`."""

    @classmethod
    def setUpClass(cls):
        cls.stripe = client("sk_test_" + unique("list")).v1
        cls.customer = cls.stripe.customers.create({"name": "一覧"}).id
        of = {"customer": cls.customer}
        create = cls.stripe.payment_intents.create
        cls.intents = [create(payment(amount=100 + n, **of)) for n in range(7)]
        cls.ids = [each.id for each in cls.intents]
        cls.stranger = create(payment()).id

    def list(self, **changes):
        return self.stripe.payment_intents.list({"customer": self.customer} | changes)

    def ids_of(self, page):
        return [each.id for each in page.data]

    def test_is_newest_first_and_says_where_it_is(self):
        page = self.list()
        self.assertEqual((page.object, page.url), ("list", "/v1/payment_intents"))
        self.assertEqual((self.ids_of(page), page.has_more), (self.ids[::-1], False))

    def test_has_at_most_its_limit(self):
        page = self.list(limit=3)
        self.assertEqual((self.ids_of(page), page.has_more), (self.ids[:-4:-1], True))
        for limit in (0, 101, "many"):
            with self.assertRaises(stripe.InvalidRequestError) as caught:
                self.list(limit=limit)
            self.assertEqual(caught.exception.param, "limit")

    def test_has_ten_unless_told_otherwise(self):
        for n in range(12):
            self.stripe.customers.create({"email": "ten@example.jp", "name": f"{n}"})
        page = self.stripe.customers.list({"email": "ten@example.jp"})
        self.assertEqual((len(page.data), page.has_more), (10, True))

    def test_goes_on_after_and_before_a_payment(self):
        after = self.list(limit=2, starting_after=self.ids[4])
        self.assertEqual((self.ids_of(after), after.has_more), ([self.ids[3], self.ids[2]], True))
        last = self.list(limit=2, starting_after=self.ids[2])
        self.assertEqual((self.ids_of(last), last.has_more), ([self.ids[1], self.ids[0]], False))
        before = self.list(limit=2, ending_before=self.ids[2])
        self.assertEqual((self.ids_of(before), before.has_more), ([self.ids[4], self.ids[3]], True))
        first = self.list(limit=2, ending_before=self.ids[4])
        self.assertEqual((self.ids_of(first), first.has_more), ([self.ids[6], self.ids[5]], False))

    def test_is_walked_through_by_the_sdk(self):
        forward = [each.id for each in self.list(limit=3).auto_paging_iter()]
        self.assertEqual(forward, self.ids[::-1])
        page = self.list(limit=2, ending_before=self.ids[0])
        self.assertEqual([each.id for each in page.auto_paging_iter()], self.ids[1:])

    def test_after_nothing_known_is_refused(self):
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.list(starting_after="pi_none")
        self.assertEqual(caught.exception.code, "resource_missing")
        self.assertEqual(caught.exception.param, "starting_after")

    def test_is_of_the_account_unless_a_customer_is_named(self):
        ids = [each.id for each in self.stripe.payment_intents.list({"limit": 100})]
        self.assertEqual(ids, [self.stranger] + self.ids[::-1])

    def test_is_filtered_by_the_time_of_creation(self):
        first, last = self.intents[0].created, self.intents[-1].created
        for created, expected in [
            ({"gte": first}, self.ids[::-1]),
            ({"gte": first, "lte": last}, self.ids[::-1]),
            ({"lt": first}, []),
            ({"gt": last}, []),
        ]:
            self.assertEqual(self.ids_of(self.list(created=created)), expected, created)
        exactly = self.ids_of(self.list(created=first))
        same = [each.id for each in self.intents if each.created == first]
        self.assertEqual(exactly, same[::-1])


class AField(unittest.TestCase):
    def setUp(self):
        self.stripe = client().v1
        self.customer = self.stripe.customers.create({"name": "展開"}).id

    def test_is_an_id_until_it_is_expanded(self):
        intent = self.stripe.payment_intents.create(taken(customer=self.customer))
        self.assertIsInstance(intent.latest_charge, str)
        whole = {"expand": ["latest_charge", "customer", "payment_method"]}
        seen = self.stripe.payment_intents.retrieve(intent.id, whole)
        self.assertEqual(seen.latest_charge.id, intent.latest_charge)
        self.assertEqual(seen.latest_charge.payment_method_details.card.last4, "4242")
        self.assertEqual((seen.customer.object, seen.customer.name), ("customer", "展開"))
        self.assertEqual(seen.payment_method.card.brand, "visa")

    def test_is_expanded_where_it_is_created_and_below_another(self):
        expand = ["latest_charge.customer"]
        intent = self.stripe.payment_intents.create(taken(customer=self.customer, expand=expand))
        self.assertEqual(intent.latest_charge.object, "charge")
        self.assertEqual(intent.latest_charge.customer.id, self.customer)

    def test_is_expanded_in_each_object_of_a_list(self):
        for _ in range(3):
            self.stripe.payment_intents.create(held(customer=self.customer))
        page = {"customer": self.customer, "expand": ["data.latest_charge"], "limit": 2}
        walked = list(self.stripe.payment_intents.list(page).auto_paging_iter())
        self.assertEqual([each.latest_charge.object for each in walked], ["charge"] * 3)

    def test_that_is_no_object_is_not_expanded(self):
        intent = self.stripe.payment_intents.create(payment())
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.stripe.payment_intents.retrieve(intent.id, {"expand": ["colour"]})
        self.assertEqual(caught.exception.http_status, 400)


if __name__ == "__main__":
    unittest.main()

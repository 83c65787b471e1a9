"""From when it is sold. Oscar knows no opening of a sale; what can be bought, and when, its strategy says."""

import time

from django.conf import settings
from oscar.apps.partner import availability, strategy


class NotYet(availability.Unavailable):
    """What is on the page, and cannot be bought before the opening."""

    code = "not-yet"
    message = "Not on sale yet"


class Strategy(strategy.Default):
    """Oscar's default, from the opening on. The canary's item can be bought at any time."""

    def availability_policy(self, product, stockrecord):
        if time.time() < settings.SALE_OPENS and stockrecord and stockrecord.partner_sku != "canary-item":
            return NotYet()
        return super().availability_policy(product, stockrecord)


class Selector:
    """Where oscar finds the strategy of a request."""

    def strategy(self, request=None, user=None, **_):
        return Strategy(request)

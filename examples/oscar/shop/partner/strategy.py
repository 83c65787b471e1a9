"""From when it is sold. Oscar knows no opening of a sale; what can be bought, and when, its strategy says."""

from django.utils import timezone
from oscar.apps.partner import availability, strategy


class NotYet(availability.Unavailable):
    """What is on the page, and cannot be bought before the opening."""

    code = "not-yet"
    message = "Not on sale yet"


class Strategy(strategy.Default):
    """Oscar's default, from the moment that the product's attribute `on_sale_from` says, if it has one."""

    def availability_policy(self, product, stockrecord):
        opens = product.attribute_values.filter(attribute__code="on_sale_from").values_list("value_datetime", flat=True)
        if any(timezone.now() < moment for moment in opens):
            return NotYet()
        return super().availability_policy(product, stockrecord)


class Selector:
    """Where oscar finds the strategy of a request."""

    def strategy(self, request=None, user=None, **_):
        return Strategy(request)

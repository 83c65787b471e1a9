"""Pieces that are held for an order while its payment is under way.

Oscar looks whether there are pieces, has the order paid, and then counts them as allocated, without another look:
of two who pay at the same time for the last piece, both get it. Here they are allocated first, where there are any.
"""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from oscar.core.loading import get_model

StockRecord = get_model("partner", "StockRecord")


class SoldOut(Exception):
    """There are not so many pieces left."""


def lines(basket):
    """Those whose stock is counted, in the order in which their rows are locked."""
    tracked = [line for line in basket.all_lines() if line.product.get_product_class().track_stock]
    return sorted(tracked, key=lambda line: line.stockrecord_id)


@transaction.atomic
def hold(basket):
    """Allocates all pieces of a basket, or none."""
    allocated = Coalesce(F("num_allocated"), 0)
    for line in lines(basket):
        free = StockRecord.objects.filter(pk=line.stockrecord_id, num_in_stock__gte=allocated + line.quantity)
        if not free.update(num_allocated=allocated + line.quantity):
            raise SoldOut(line.product.get_title())


@transaction.atomic
def release(basket):
    """Gives back what `hold` took."""
    for line in lines(basket):
        StockRecord.objects.filter(pk=line.stockrecord_id).update(num_allocated=F("num_allocated") - line.quantity)

#!/usr/bin/env python3
"""Makes the shop's tables, what it sells, and accounts for the fans; writes their names into a CSV file."""

import csv
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

PRODUCTS = [("tour-tee", 4500, 18), ("towel", 3000, 12), ("canary-item", 100, 1000)]
PASSWORD = "rehearsal-only"

call_command("migrate", verbosity=0)
get_model("address", "Country").objects.create(
    iso_3166_1_a2="JP", iso_3166_1_a3="JPN", iso_3166_1_numeric="392", printable_name="Japan", is_shipping_country=True
)
kind = get_model("catalogue", "ProductClass").objects.create(name="Merchandise", requires_shipping=True, track_stock=True)
opens = kind.attributes.create(code="on_sale_from", name="On sale from", type="datetime")
partner = get_model("partner", "Partner").objects.create(name="Warehouse")
for sku, price, pieces in PRODUCTS:
    product = get_model("catalogue", "Product").objects.create(title=sku, slug=sku, upc=sku, product_class=kind)
    if sku != "canary-item":  # which can be bought at any time
        opens.save_value(product, timezone.now())
    partner.stockrecords.create(
        product=product, partner_sku=sku, price=price, price_currency="JPY", num_in_stock=pieces
    )

User = get_user_model()
emails = [f"fan-{number}@example.com" for number in range(int(sys.argv[1]))]
password = make_password(PASSWORD)
User.objects.bulk_create(User(username=email, email=email, password=password) for email in emails)
with open(sys.argv[2], "w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["email", "password"])
    rows.writerows((email, PASSWORD) for email in emails)

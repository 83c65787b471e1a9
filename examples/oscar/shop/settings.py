"""A django-oscar shop with the fewest settings that it needs. What a rehearsal changes comes from the environment."""

import os
from pathlib import Path

from oscar.defaults import *  # noqa: F403

HERE = Path(__file__).parent

# What a rehearsal changes.
STOCK = os.environ.get("SHOP_STOCK", "reserve")  # reserve | oscar; see checkout/stock.py
BUG = os.environ.get("SHOP_BUG", "")  # strand | lost-answer | lost-refund | double-charge; see checkout/
UNPLACEABLE = os.environ.get("SHOP_UNPLACEABLE") == "1"  # one order in five, after it was paid
PROVIDER = os.environ.get("SHOP_PROVIDER", "http://127.0.0.1:12111")
ATOMIC_REQUESTS = os.environ.get("SHOP_ATOMIC_REQUESTS") == "1"

SECRET_KEY = "only for rehearsals on this machine"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
SITE_ID = 1
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"  # in en-us the basket is a cart, and the rules of the scenario read these words
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = os.environ.get("SHOP_MEDIA", "media")
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "HOST": "127.0.0.1",
        "PORT": os.environ.get("SHOP_DATABASE_PORT", "5432"),
        "CONN_MAX_AGE": None,
        "ATOMIC_REQUESTS": ATOMIC_REQUESTS,
    }
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.flatpages",
    "oscar.config.Shop",
    "oscar.apps.analytics.apps.AnalyticsConfig",
    "shop.checkout.apps.CheckoutConfig",  # ours: how it is paid
    "oscar.apps.address.apps.AddressConfig",
    "oscar.apps.shipping.apps.ShippingConfig",
    "oscar.apps.catalogue.apps.CatalogueConfig",
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.communication.apps.CommunicationConfig",
    "shop.partner.apps.PartnerConfig",  # ours: from when it is sold
    "oscar.apps.basket.apps.BasketConfig",
    "oscar.apps.payment.apps.PaymentConfig",
    "oscar.apps.offer.apps.OfferConfig",
    "oscar.apps.order.apps.OrderConfig",
    "oscar.apps.customer.apps.CustomerConfig",
    "oscar.apps.search.apps.SearchConfig",
    "oscar.apps.voucher.apps.VoucherConfig",
    "oscar.apps.wishlists.apps.WishlistsConfig",
    "oscar.apps.dashboard.apps.DashboardConfig",
    "oscar.apps.dashboard.reports.apps.ReportsDashboardConfig",
    "oscar.apps.dashboard.users.apps.UsersDashboardConfig",
    "oscar.apps.dashboard.orders.apps.OrdersDashboardConfig",
    "oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig",
    "oscar.apps.dashboard.offers.apps.OffersDashboardConfig",
    "oscar.apps.dashboard.partners.apps.PartnersDashboardConfig",
    "oscar.apps.dashboard.pages.apps.PagesDashboardConfig",
    "oscar.apps.dashboard.ranges.apps.RangesDashboardConfig",
    "oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig",
    "oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig",
    "oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig",
    "oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig",
    "sorl.thumbnail",
    "widget_tweaks",
    "haystack",
    "treebeard",
    "django_tables2",
]

# The fork of an application whose tables stay as they are needs no migrations of its own.
MIGRATION_MODULES = {"partner": "oscar.apps.partner.migrations"}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = ["oscar.apps.customer.auth_backends.EmailBackend"]
LOGIN_REDIRECT_URL = "/"
# Django's default costs a third of a second of a core for each login, by design. The fans' accounts are made
# for the rehearsal, and it is not their passwords that it is about.
PASSWORD_HASHERS = ["shop.hashers.QuickHasher"]

HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
OSCAR_SAVE_SENT_EMAILS_TO_DB = False
OSCAR_MAX_BASKET_QUANTITY_THRESHOLD = 1  # one to a customer; oscar's default is 10,000
OSCAR_DEFAULT_CURRENCY = "JPY"
# Oscar takes the payment before there is an order: what stands in its table of orders is paid.
OSCAR_INITIAL_ORDER_STATUS = "Paid"
OSCAR_INITIAL_LINE_STATUS = "Paid"
OSCAR_ORDER_STATUS_PIPELINE = {"Paid": ("Shipped", "Cancelled"), "Shipped": (), "Cancelled": ()}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"oscar.checkout": {"handlers": ["stderr"], "level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}

from django import forms
from oscar.apps.checkout.forms import *  # noqa: F403


class PaymentForm(forms.Form):
    """How it is paid, on the page of the payment details and, hidden, on the preview."""

    payment_method = forms.CharField(max_length=64)
    """What Stripe.js puts there for the card: its name at the provider."""
    attempt = forms.CharField(max_length=64, widget=forms.HiddenInput)
    """Another for each card that is tried: the payment's idempotency key."""
    purchase = forms.CharField(max_length=64, widget=forms.HiddenInput)
    """The purchase that this is about, however often it is tried."""

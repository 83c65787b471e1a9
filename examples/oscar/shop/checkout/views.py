"""How it is paid. Oscar leaves this view to each shop, and calls `handle_payment` before there is an order."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect
from oscar.apps.checkout import views
from oscar.apps.order.exceptions import UnableToPlaceOrder
from oscar.core.loading import get_model

from . import gateway, stock
from .forms import PaymentForm

Order = get_model("order", "Order")
Source = get_model("payment", "Source")
SourceType = get_model("payment", "SourceType")

RESERVES = settings.STOCK == "reserve"


class PaymentDetailsView(views.PaymentDetailsView):
    """Oscar's, with a card that is charged by Stripe."""

    def dispatch(self, request, *args, **kwargs):
        # Whoever did not hear the answer sends the form again: the basket is empty then, for it was bought.
        placed = request.POST.get("purchase") and self.order_of(request)
        if placed:
            request.session["checkout_order_id"] = placed.id
            return redirect("checkout:thank-you")
        return super().dispatch(request, *args, **kwargs)

    @staticmethod
    def order_of(request):
        return Order.objects.filter(
            user=request.user, notes__note_type="Purchase", notes__message=request.POST["purchase"]
        ).first()

    def get_context_data(self, **kwargs):
        kwargs.setdefault("form", PaymentForm())
        return super().get_context_data(**kwargs)

    def handle_payment_details_submission(self, request):
        form = PaymentForm(request.POST)
        if not form.is_valid():
            return self.render_payment_details(request, form=form)
        return self.render_preview(request, form=form)

    def handle_place_order_submission(self, request):
        form = PaymentForm(request.POST)
        if not form.is_valid():
            return self.render_payment_details(request, form=form)
        submission = self.build_submission(payment_kwargs={"form": form})
        if not RESERVES:
            return self.submit(**submission)
        try:
            stock.hold(submission["basket"])
        except stock.SoldOut as error:
            messages.warning(request, f"'{error}' is no longer available to buy.")
            return redirect("basket:summary")
        self.held = submission["basket"]
        try:
            return self.submit(**submission)
        finally:
            # Whatever went wrong: what is still held belongs to no order.
            if self.held and settings.BUG != "strand":
                stock.release(self.held)

    held = None
    """The basket whose pieces are held, until an order has them."""
    payment = None
    """What was charged, until an order has it."""

    def handle_payment(self, order_number, total, form=None, **kwargs):
        data = form.cleaned_data
        intent = gateway.charge(order_number, total, **data)
        self.payment = intent.id
        self.purchase = data["purchase"]
        kind, _ = SourceType.objects.get_or_create(code="stripe", defaults={"name": "Stripe"})
        source = Source(
            source_type=kind,
            currency=total.currency,
            amount_allocated=total.incl_tax,
            amount_debited=total.incl_tax,
            reference=intent.id,
        )
        source.create_deferred_transaction("Debit", total.incl_tax, reference=intent.id, status=intent.status)
        self.add_payment_source(source)
        self.add_payment_event("Paid", total.incl_tax, reference=intent.id)

    def place_order(self, order_number, **kwargs):
        """Oscar's, with the payment and the purchase in one transaction, and the pieces handed over in it."""
        with transaction.atomic():
            if self.held:
                stock.release(self.held)
            order = super().place_order(order_number=order_number, **kwargs)
            order.notes.create(note_type="Purchase", message=self.purchase)
            if settings.UNPLACEABLE and order.id % 5 == 0:
                raise UnableToPlaceOrder("The order cannot be placed.")
        self.held = self.payment = None
        return order

    def handle_order_placement(self, order_number, *args, **kwargs):
        try:
            return super().handle_order_placement(order_number, *args, **kwargs)
        finally:
            # The money was taken, and there is no order. Unless another request placed the very same.
            stranded = self.payment and not Order.objects.filter(number=order_number).exists()
            if stranded and settings.BUG != "lost-refund":
                gateway.refund(self.payment)

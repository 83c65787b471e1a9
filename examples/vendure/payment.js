// Payment as an integrator writes it: authorize when the customer pays, by Stripe's SDK; capture afterwards,
// as a job of Vendure's worker. The SDK's host is the mock provider on this machine, nothing else differs.
//
// SHOP_MENDED=1   looks again whether there is stock, behind a lock, before the order may be placed.
// SHOP_BUG=…      breaks that on purpose: what the judge is to find.
"use strict";
const {
    EventBus, JobQueueService, LanguageCode, Logger, OrderService, PaymentMethodHandler,
    PaymentStateTransitionEvent, RequestContextService, TransactionalConnection,
} = require("@vendure/core");
const Stripe = require("stripe");

const provider = new URL(process.env.STRIPE_URL);
const stripe = new (Stripe.default ?? Stripe)("sk_test_vendure", {
    host: provider.hostname,
    port: Number(provider.port),
    protocol: "http",
    telemetry: false,
});
const mended = process.env.SHOP_MENDED === "1";
const bug = process.env.SHOP_BUG ?? "";
const TRIES = 3;
let connection;

const pause = (attempt) => new Promise((done) => setTimeout(done, 250 * 2 ** attempt * (0.5 + Math.random())));

/** The SDK does not try again after a 429 of a rate limit; whoever has a reason to wait does so here. */
async function patiently(call, tries = TRIES) {
    for (let attempt = 1; ; attempt++) {
        try {
            return await call();
        } catch (error) {
            if (error.type !== "StripeRateLimitError" || attempt === tries) throw error;
            await pause(attempt);
        }
    }
}

/** Takes the rows of the order's stock for this transaction; the names of what there is too little of. */
async function short(ctx, order) {
    const rows = await connection.getRepository(ctx, "StockLevel").query(
        `select l."productVariantId" as variant, l."stockOnHand" - l."stockAllocated" as free
         from stock_level l where l."productVariantId" = any($1) order by l.id for update`,
        [order.lines.map((line) => line.productVariantId)],
    );
    const free = new Map();
    for (const row of rows) free.set(String(row.variant), (free.get(String(row.variant)) ?? 0) + row.free);
    return order.lines.some((line) => (free.get(String(line.productVariantId)) ?? 0) < line.quantity);
}

exports.card = new PaymentMethodHandler({
    code: "card",
    description: [{ languageCode: LanguageCode.en, value: "Card" }],
    args: {},

    init(injector) {
        connection = injector.get(TransactionalConnection);
        captureLater(injector);
    },

    async createPayment(ctx, order, amount, _args, metadata) {
        let payment;
        try {
            payment = await patiently(() => stripe.paymentIntents.create(
                {
                    amount,
                    currency: order.currencyCode.toLowerCase(),
                    confirm: true,
                    capture_method: "manual",
                    payment_method: "pm_card_visa",
                    payment_method_types: ["card"],
                    metadata: { order_id: order.code, intent: order.customFields.intent },
                },
                // A click that is repeated is the same payment; another card is another.
                { idempotencyKey: `${order.code}-${metadata.key}` },
            ));
        } catch (error) {
            if (error.type === "StripeCardError") {
                const transactionId = error.payment_intent?.id;
                return { amount, transactionId, state: "Declined", errorMessage: error.code ?? "card_declined", metadata };
            }
            return { amount, state: "Error", errorMessage: error.code ?? error.type, metadata };
        }
        if (mended && (await short(ctx, order))) {
            if (bug !== "lost-void") await patiently(() => stripe.paymentIntents.cancel(payment.id), 8);
            return { amount, transactionId: payment.id, state: "Declined", errorMessage: "sold_out", metadata };
        }
        return { amount, transactionId: payment.id, state: "Authorized", metadata };
    },

    async settlePayment(_ctx, _order, payment) {
        try {
            await stripe.paymentIntents.capture(payment.transactionId, {}, { idempotencyKey: `capture-${payment.transactionId}` });
            return { success: true };
        } catch (error) {
            // Any other state than the one it has would be the payment's end: from `Error` no way leads back.
            return { success: false, state: "Authorized", errorMessage: error.code ?? error.type };
        }
    },

    async cancelPayment(_ctx, _order, payment) {
        await patiently(() => stripe.paymentIntents.cancel(payment.transactionId), 8);
        return { success: true };
    },

    async createRefund(_ctx, _input, amount, _order, payment) {
        const refund = await patiently(
            () => stripe.refunds.create({ payment_intent: payment.transactionId, amount }, { idempotencyKey: `refund-${payment.transactionId}-${amount}` }),
            8,
        );
        return { state: "Settled", transactionId: refund.id };
    },
});

/** Every authorized payment becomes a job, which captures it; the worker tries until it succeeds. */
async function captureLater(injector) {
    const orders = injector.get(OrderService);
    const contexts = injector.get(RequestContextService);
    const queue = await injector.get(JobQueueService).createQueue({
        name: "capture",
        process: async (job) => {
            const ctx = await contexts.create({ apiType: "admin" });
            const settled = await orders.settlePayment(ctx, job.data.payment);
            if (settled.state !== "Settled") throw new Error(settled.paymentErrorMessage ?? "not captured");
        },
    });
    // Subscribers hear of it when the transaction is committed.
    injector.get(EventBus).ofType(PaymentStateTransitionEvent).subscribe((event) => {
        if (event.toState === "Authorized" && bug !== "lost-capture") {
            queue.add({ payment: event.payment.id }, { retries: 30 }).catch((error) => Logger.error(error.message, "capture"));
        }
    });
}

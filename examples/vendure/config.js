// Vendure as `npx @vendure/create` would configure it for PostgreSQL, less what a rehearsal does not need
// (dashboard, e-mail, assets). What is ours: a custom field for the purchase intent, and payment.js.
"use strict";
const { DefaultJobQueuePlugin, DefaultLogger, LogLevel } = require("@vendure/core");
const { card } = require("./payment");

exports.config = {
    apiOptions: {
        hostname: "127.0.0.1",
        port: Number(process.env.SHOP_PORT),
        shopApiPath: "shop-api",
        adminApiPath: "admin-api",
        cors: false,
    },
    authOptions: {
        tokenMethod: ["bearer"],
        requireVerification: false,
        superadminCredentials: { identifier: "owner", password: "owner" },
    },
    // The pool of a process, as `pg` has it unless told otherwise, is 10. Whoever waits for the payment
    // provider holds a connection, for Vendure adds a payment within a transaction.
    dbConnectionOptions: {
        type: "postgres",
        url: process.env.SHOP_DATABASE,
        synchronize: false,
        extra: { max: 25 },
    },
    customFields: { Order: [{ name: "intent", type: "string", nullable: true }] },
    paymentOptions: { paymentMethodHandlers: [card] },
    plugins: [
        // Captures are jobs: the worker tries again, later each time, where the provider refuses.
        DefaultJobQueuePlugin.init({
            pollInterval: 500,
            concurrency: 8,
            backoffStrategy: (_queue, attempts) => Math.min(250 * 2 ** attempts, 4000) * (0.5 + Math.random()),
        }),
    ],
    logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: true }),
};

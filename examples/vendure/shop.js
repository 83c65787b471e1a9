// The shop's processes, by name:  setup | serve | worker | open INSTANT
"use strict";
const cluster = require("node:cluster");
const fs = require("node:fs");
const { bootstrap, bootstrapWorker } = require("@vendure/core");
const { config } = require("./config");

const [task, argument] = process.argv.slice(2);
const PRODUCTS = { "tour-tee": [45, 40], towel: [30, 25], "canary-item": [1, 1000] };
const PASSWORD = "of-a-fan";

/** Tables, a catalogue, and an account for each fan: `setup FANS` also writes fans.csv beside the database. */
async function setup() {
    const core = require("@vendure/core");
    const { populate } = require("@vendure/core/cli");
    const bcrypt = require("bcrypt");
    config.dbConnectionOptions.synchronize = true;
    // Vendure's passwords cost a quarter of a second of a core each. The rehearsal's are cheap; checking
    // one costs what its hash says, so the shop itself is as it always is.
    config.authOptions.passwordHashingStrategy = {
        hash: (password) => bcrypt.hash(password, 4),
        check: (password, hash) => bcrypt.compare(password, hash),
    };
    const catalogue = [
        "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets",
        ...Object.entries(PRODUCTS).map(([id, [price, stock]]) => `${id},${id},,,,,,${id},${price},standard,${stock},true,,`),
    ];
    fs.writeFileSync("catalogue.csv", catalogue.join("\n") + "\n");
    const app = await populate(() => bootstrap(config), {
        defaultLanguage: "en",
        defaultZone: "Everywhere",
        countries: [{ code: "JP", name: "Japan", zone: "Everywhere" }],
        taxRates: [{ name: "Standard", percentage: 0 }],
        shippingMethods: [{ name: "Pickup at the venue", price: 0 }],
        paymentMethods: [{ name: "Card", handler: { code: "card", arguments: [] } }],
        collections: [],
    }, "catalogue.csv");
    const ctx = await app.get(core.RequestContextService).create({ apiType: "admin" });
    const rows = ["email,password"];
    for (let fan = 0; fan < Number(argument); fan++) {
        const emailAddress = `fan-${fan}@example.test`;
        await app.get(core.CustomerService).create(ctx, { emailAddress, firstName: "Fan", lastName: String(fan) }, PASSWORD);
        rows.push(`${emailAddress},${PASSWORD}`);
    }
    await app.close();
    fs.writeFileSync("fans.csv", rows.join("\n") + "\n");
}

/** Several processes behind one port, as `pm2` or replicas of a container would be. */
async function serve() {
    if (!cluster.isPrimary) return bootstrap(config);
    const wanted = Number(process.env.SHOP_PROCESSES ?? 3);
    let ready = 0;
    cluster.on("listening", () => ++ready === wanted && console.log("listening"));
    cluster.on("exit", (worker, code) => console.error(`process ${worker.process.pid} ended (${code})`));
    for (let one = 0; one < wanted; one++) cluster.fork();
    const stop = () => Object.values(cluster.workers).forEach((worker) => worker.process.kill("SIGTERM"));
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
}

async function ask(path, query, variables, token) {
    const answer = await fetch(`http://127.0.0.1:${process.env.SHOP_PORT}/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return [data, answer.headers.get("vendure-auth-token") ?? token];
}

/** What the shop's owner does at noon: until then nobody finds the products. */
async function open() {
    const [, token] = await ask("admin-api", `mutation { login(username: "owner", password: "owner") { __typename } }`);
    const [{ products }] = await ask("admin-api", "{ products { items { id slug } } }", {}, token);
    await new Promise((done) => setTimeout(done, Math.max(0, new Date(argument) - Date.now())));
    for (const { id, slug } of products.items.filter(({ slug }) => slug !== "canary-item")) {
        await ask("admin-api", "mutation ($id: ID!) { updateProduct(input: { id: $id, enabled: true }) { enabled } }", { id }, token);
        console.log(`${new Date().toISOString()} ${slug} is for sale`);
    }
}

const tasks = {
    setup,
    serve,
    worker: async () => (await bootstrapWorker(config)).startJobQueue(),
    open,
};
tasks[task]().then(
    () => ["setup", "open"].includes(task) && process.exit(0),
    (error) => {
        console.error(error);
        process.exit(1);
    },
);

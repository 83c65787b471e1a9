//! The gateway face over real HTTP: flat forms, and every error inside a 200.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod shop;

use std::collections::BTreeMap;

use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use mock_provider::server::Args;
use mock_provider::settings::{Challenges, DeclineReason, Faults, Limit, Settings};
use reqwest::Client;

use shop::{serve, settings};

/// A card that the bank agrees to, unless the settings draw another fate.
const CARD: &str = "CardNo=4111111111111111&Expire=3012";

/// The words of an answer.
type Words = BTreeMap<String, String>;

/// A shop of a provider that serves until the test ends.
struct Shop {
    url: String,
    client: Client,
}

/// A trade's id and password, as the calls after its registration repeat them.
struct Trade {
    order: String,
    access: String,
}

impl Shop {
    fn of(settings: Settings) -> Self {
        Self { url: serve(Args::default(), settings), client: Client::new() }
    }

    /// What is said to a call; the status must be 200, whatever is said.
    async fn say(&self, api: &str, body: &str) -> Words {
        let url = format!("{}/payment/{api}.idPass", self.url);
        let answer = self.client.post(url).body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{api}");
        assert_eq!(answer.headers()["content-type"], "text/plain;charset=Windows-31J");
        words(&answer.text().await.unwrap())
    }

    async fn enter(&self, order: &str, job: &str) -> Trade {
        let said = self.say("EntryTran", &entry(order, job)).await;
        let access = format!("AccessID={}&AccessPass={}", said["AccessID"], said["AccessPass"]);
        Trade { order: order.to_owned(), access }
    }

    async fn pay(&self, trade: &Trade, card: &str) -> Words {
        let Trade { order, access } = trade;
        self.say("ExecTran", &format!("{access}&OrderID={order}&Method=1&{card}")).await
    }

    async fn alter(&self, trade: &Trade, what: &str) -> Words {
        self.say("AlterTran", &format!("{SHOP}&{}&{what}", trade.access)).await
    }

    async fn search(&self, order: &str) -> Words {
        self.say("SearchTrade", &format!("{SHOP}&OrderID={order}")).await
    }

    async fn ledger(&self) -> Vec<PaymentLine> {
        let answer = self.client.get(format!("{}/admin/ledger", self.url)).send().await.unwrap();
        let text = answer.text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Operation, outcome, what was told, and the money of every line.
    async fn told(&self) -> Vec<(PaymentOperation, PaymentOutcome, PaymentOutcome, u64)> {
        let lines = self.ledger().await.into_iter();
        lines.map(|it| (it.operation, it.outcome, it.told, it.amount.minor())).collect()
    }
}

const SHOP: &str = "ShopID=tshop00000001&ShopPass=abcd1234";

fn entry(order: &str, job: &str) -> String {
    format!("{SHOP}&OrderID={order}&JobCd={job}&Amount=4500")
}

fn words(text: &str) -> Words {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn wrong(code: &str) -> Words {
    let families: Vec<_> = code
        .split('|')
        .map(|code| code.strip_prefix("42").unwrap_or(code).get(..3).unwrap())
        .collect();
    words(&format!("ErrCode={}&ErrInfo={code}", families.join("|")))
}

#[tokio::test]
async fn a_purchase_is_registered_paid_taken_and_found() {
    use PaymentOperation as Operation;
    use PaymentOutcome::{Accepted, Authorized, Captured};
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "AUTH").await;
    let new = shop.search("order-1").await;
    let paid = shop.pay(&trade, &format!("{CARD}&SecurityCode=123")).await;
    let held = shop.search("order-1").await;
    let taken = shop.alter(&trade, "JobCd=SALES&Amount=4500").await;
    let found = shop.search("order-1").await;

    assert_eq!((&*new["Status"], &*new["JobCd"], &*new["Approve"]), ("UNPROCESSED", "AUTH", ""));
    assert_eq!((&*paid["ACS"], &*paid["OrderID"], &*paid["Method"]), ("0", "order-1", "1"));
    assert_eq!((paid["Approve"].len(), paid["TranID"].len()), (7, 28));
    assert_eq!((paid["TranDate"].len(), paid["CheckString"].len()), (14, 32));
    assert_eq!((&*held["Status"], &*held["CardNo"]), ("AUTH", "*************111"));
    assert_eq!(taken["Approve"], paid["Approve"]);
    assert_ne!(taken["TranID"], paid["TranID"]);
    assert_eq!(
        (&*found["Status"], &*found["JobCd"], &*found["Amount"]),
        ("SALES", "SALES", "4500")
    );
    assert_eq!(
        shop.told().await,
        [
            (Operation::Create, Accepted, Accepted, 4_500),
            (Operation::Confirm, Authorized, Authorized, 4_500),
            (Operation::Capture, Captured, Captured, 4_500),
        ]
    );
}

#[tokio::test]
async fn the_sum_at_the_end_is_over_the_answer_and_the_shops_password() {
    use md5::{Digest, Md5};
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "CAPTURE").await;
    let paid = shop.pay(&trade, CARD).await;
    let parts = ["OrderID", "Forward", "Method", "PayTimes", "Approve", "TranID", "TranDate"];
    let text: String = parts.iter().map(|name| &*paid[*name]).collect();
    let sum = u128::from_be_bytes(Md5::digest(format!("{text}abcd1234")).into());
    assert_eq!(paid["CheckString"], format!("{sum:032x}"));
    assert_eq!(shop.search("order-1").await["Status"], "CAPTURE");
}

#[tokio::test]
async fn a_declined_card_has_the_code_of_its_reason_and_another_card_may_do() {
    use PaymentOutcome::{Accepted, Authorized, Declined};
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "AUTH").await;
    let short = shop.pay(&trade, "CardNo=4000000000009995&Expire=3012").await;
    let lost = shop.pay(&trade, "Token=tok_chargeDeclined").await;
    let again = shop.search("order-1").await;
    let other = shop.pay(&trade, CARD).await;
    assert_eq!(short, wrong("42G020000"));
    assert_eq!(lost, wrong("42G120000"));
    assert_eq!(again["Status"], "UNPROCESSED");
    assert_eq!(other["ACS"], "0");
    let outcomes: Vec<_> = shop.told().await.into_iter().map(|line| line.1).collect();
    assert_eq!(outcomes, [Accepted, Declined, Declined, Authorized]);
}

#[tokio::test]
async fn a_purchase_meets_the_same_fate_through_the_gateway_and_the_native_face() {
    let decline_mix = BTreeMap::from([(DeclineReason::CardVelocityExceeded, 1.0)]);
    let drawn = Settings { declines: 0.3, decline_mix, ..settings() };
    let (gateway, native) = (Shop::of(drawn.clone()), Shop::of(drawn));
    let mut declined = 0;
    for number in 0..30 {
        let order = format!("order-{number}");
        let trade = gateway.enter(&order, "AUTH").await;
        let paid = gateway.pay(&trade, CARD).await;
        let url = format!("{}/v1/authorizations", native.url);
        let body = serde_json::json!({ "amount": 4_500, "reference": order });
        let request = native.client.post(url).bearer_auth("shop").header("Idempotency-Key", order);
        let status = request.json(&body).send().await.unwrap().status();
        match status.as_u16() {
            200 => assert_eq!(paid["ACS"], "0"),
            _ => assert_eq!(paid, wrong("42G030000")),
        }
        declined += u32::from(status == 402);
    }
    assert!((1..30).contains(&declined), "{declined}");
}

#[tokio::test]
async fn a_shop_that_tests_only_status_codes_takes_a_throttle_for_success() {
    let one = Limit { rate: Some(0.001), burst: Some(1.0), ..Limit::default() };
    let shop = Shop::of(Settings { limits: vec![one], ..settings() });
    let trade = shop.enter("order-1", "AUTH").await;
    // `Shop::say` holds every answer to the status 200.
    assert_eq!(shop.pay(&trade, CARD).await, wrong("E92000001"));
    assert_eq!(shop.search("order-1").await, wrong("E92000001"));
    assert_eq!(shop.told().await[1].1, PaymentOutcome::RateLimited);
}

#[tokio::test]
async fn an_order_is_registered_once_and_a_trade_is_paid_once() {
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "AUTH").await;
    assert_eq!(shop.say("EntryTran", &entry("order-1", "AUTH")).await, wrong("E01040010"));
    let other = entry("order-1", "AUTH").replace("tshop00000001", "tshop00000002");
    assert!(shop.say("EntryTran", &other).await.contains_key("AccessID"));
    assert_eq!(shop.pay(&trade, CARD).await["ACS"], "0");
    assert_eq!(shop.pay(&trade, CARD).await, wrong("E11010001"));
    let open = shop.told().await.into_iter().filter(|line| line.1 == PaymentOutcome::Authorized);
    assert_eq!(open.count(), 1);
}

#[tokio::test]
async fn passwords_of_shops_and_trades_must_match() {
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "AUTH").await;
    let other = shop.enter("order-2", "AUTH").await;
    let wrong_shop = entry("order-3", "AUTH").replace("abcd1234", "abcd1235");
    assert_eq!(shop.say("EntryTran", &wrong_shop).await, wrong("E01030002"));

    let (id, _) = trade.access.split_once('&').unwrap();
    let (_, pass) = other.access.split_once('&').unwrap();
    let mixed = Trade { order: "order-1".to_owned(), access: format!("{id}&{pass}") };
    assert_eq!(shop.pay(&mixed, CARD).await, wrong("E01110002"));
    let misnamed = Trade { order: "order-9".to_owned(), access: trade.access.clone() };
    assert_eq!(shop.pay(&misnamed, CARD).await, wrong("E01110002"));
    assert_eq!(shop.search("order-9").await, wrong("E01110002"));
    let strange = "ShopID=tshop00000002&ShopPass=abcd1234";
    let strange = format!("{strange}&{}&JobCd=VOID", trade.access);
    assert_eq!(shop.say("AlterTran", &strange).await, wrong("E01110002"));
}

#[tokio::test]
async fn less_is_taken_once_the_amount_was_changed() {
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "AUTH").await;
    shop.pay(&trade, CARD).await;
    assert_eq!(shop.alter(&trade, "JobCd=SALES&Amount=4000").await, wrong("E01060010"));
    let change = format!("{SHOP}&{}&JobCd=AUTH&Amount", trade.access);
    assert_eq!(shop.say("ChangeTran", &format!("{change}=5000")).await, wrong("E11010003"));
    assert!(shop.say("ChangeTran", &format!("{change}=4000")).await.contains_key("TranID"));
    assert_eq!(shop.search("order-1").await["Amount"], "4000");
    assert!(shop.alter(&trade, "JobCd=SALES&Amount=4000").await.contains_key("TranID"));
    let found = shop.search("order-1").await;
    assert_eq!((&*found["Status"], &*found["Amount"]), ("SALES", "4000"));
    let last = shop.told().await.pop().unwrap();
    assert_eq!((last.1, last.3), (PaymentOutcome::Captured, 4_000));
}

#[tokio::test]
async fn a_part_is_given_back_by_changing_what_was_taken() {
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "CAPTURE").await;
    shop.pay(&trade, CARD).await;
    let change = format!("{SHOP}&{}&JobCd=CAPTURE&Amount=4000", trade.access);
    assert!(shop.say("ChangeTran", &change).await.contains_key("TranID"));
    let found = shop.search("order-1").await;
    assert_eq!((&*found["Status"], &*found["Amount"]), ("CAPTURE", "4000"));
    let last = shop.told().await.pop().unwrap();
    assert_eq!((last.1, last.3), (PaymentOutcome::Refunded, 500));
}

#[tokio::test]
async fn money_is_let_go_before_it_is_taken_and_given_back_after() {
    let shop = Shop::of(settings());
    let held = shop.enter("held", "AUTH").await;
    assert_eq!(shop.alter(&held, "JobCd=VOID").await, wrong("E11010002"));
    shop.pay(&held, CARD).await;
    assert!(shop.alter(&held, "JobCd=VOID").await.contains_key("TranID"));
    assert_eq!(shop.search("held").await["Status"], "VOID");
    assert_eq!(shop.alter(&held, "JobCd=SALES&Amount=4500").await, wrong("E11010003"));

    let taken = shop.enter("taken", "CAPTURE").await;
    shop.pay(&taken, CARD).await;
    assert!(shop.alter(&taken, "JobCd=RETURNX").await.contains_key("TranID"));
    let found = shop.search("taken").await;
    assert_eq!((&*found["Status"], &*found["Amount"]), ("RETURNX", "4500"));
    assert_eq!(shop.alter(&taken, "JobCd=RETURN").await, wrong("E11010003"));
    assert_eq!(shop.alter(&taken, "JobCd=AUTH&Amount=4500").await, wrong("E11010003"));

    let outcomes: Vec<_> = shop.told().await.into_iter().map(|line| line.1).collect();
    let moved = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!((moved(PaymentOutcome::Voided), moved(PaymentOutcome::Refunded)), (1, 1));
}

#[tokio::test]
async fn a_check_of_a_card_moves_no_money() {
    let shop = Shop::of(settings());
    let body = format!("{SHOP}&OrderID=check-1&JobCd=CHECK");
    let said = shop.say("EntryTran", &body).await;
    let access = format!("AccessID={}&AccessPass={}", said["AccessID"], said["AccessPass"]);
    let trade = Trade { order: "check-1".to_owned(), access };
    assert_eq!(shop.pay(&trade, CARD).await["ACS"], "0");
    let found = shop.search("check-1").await;
    assert_eq!((&*found["Status"], &*found["Amount"]), ("CHECK", "0"));
    assert_eq!(shop.alter(&trade, "JobCd=VOID").await, wrong("E11010003"));
    let lines = shop.told().await;
    assert_eq!(lines[1], (PaymentOperation::Confirm, PaymentOutcome::Accepted, lines[1].2, 0));
}

#[tokio::test]
async fn a_challenge_is_answered_on_the_page_and_then_the_shop_asks() {
    let shop = Shop::of(settings());
    let card = "CardNo=4000002760003184&Expire=3012&RetUrl=http%3A%2F%2Fshop.test%2Fback";
    for (order, answer, status) in
        [("passes", "complete", "AUTH"), ("fails", "fail", "UNPROCESSED")]
    {
        let trade = shop.enter(order, "AUTH").await;
        let asked = shop.pay(&trade, card).await;
        assert_eq!(asked["ACS"], "2");
        let page = &asked["RedirectUrl"];
        assert!(page.starts_with(&format!("{}/3ds/", shop.url)), "{page}");
        assert_eq!(shop.search(order).await["Status"], "AUTHENTICATED");
        assert_eq!(shop.say("SecureTran2", &trade.access).await, wrong("E11010002"));

        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = client.post(page).body(format!("answer={answer}"));
        let back = form.send().await.unwrap();
        let (id, _) = trade.access.split_once('&').unwrap();
        assert_eq!(back.headers()["location"], format!("http://shop.test/back?{id}"));

        let ended = shop.say("SecureTran2", &trade.access).await;
        match status {
            "AUTH" => assert_eq!((&*ended["ACS"], &*ended["OrderID"]), ("0", order)),
            _ => assert_eq!(ended, wrong("E21010001")),
        }
        assert_eq!(shop.search(order).await["Status"], status);
    }
}

#[tokio::test]
async fn a_cardholder_who_is_drawn_to_answer_does_so_without_a_page() {
    let challenges = Challenges { share: 1.0, ..Challenges::default() };
    let shop = Shop::of(Settings { challenges, ..settings() });
    let trade = shop.enter("order-1", "CAPTURE").await;
    assert_eq!(shop.pay(&trade, CARD).await["ACS"], "2");
    assert_eq!(shop.say("SecureTran2", &trade.access).await["ACS"], "0");
}

#[tokio::test]
async fn a_failure_after_the_commit_is_told_as_a_system_error_inside_a_200() {
    let only = Some(PaymentOperation::Create);
    let faults = Faults { commit_then_5xx: 1.0, only, ..Faults::default() };
    let shop = Shop::of(Settings { faults, ..settings() });
    assert_eq!(shop.say("EntryTran", &entry("order-1", "AUTH")).await, wrong("E91099999"));
    let line = shop.told().await.pop().unwrap();
    assert_eq!((line.1, line.2), (PaymentOutcome::Accepted, PaymentOutcome::Failed));
    // The order is taken all the same: whoever asks is told so.
    assert_eq!(shop.search("order-1").await["Status"], "UNPROCESSED");
}

#[tokio::test]
async fn a_call_whose_connection_is_reset_has_happened_all_the_same() {
    let faults = Faults { commit_then_reset: 1.0, ..Faults::default() };
    let shop = Shop::of(Settings { faults, ..settings() });
    let url = format!("{}/payment/EntryTran.idPass", shop.url);
    assert!(shop.client.post(url).body(entry("order-1", "AUTH")).send().await.is_err());
    let line = shop.told().await.pop().unwrap();
    assert_eq!((line.1, line.2), (PaymentOutcome::Accepted, PaymentOutcome::Silence));
}

#[tokio::test]
async fn the_purchase_of_a_shops_own_field_is_the_ledgers() {
    let shop = Shop::of(settings());
    let trade = shop.enter("order-1", "AUTH").await;
    let words = format!("{CARD}&ClientField1=%91%81%82%AF-1&ClientField2=two&ClientFieldFlag=1");
    let url = format!("{}/payment/ExecTran.idPass", shop.url);
    let body = format!("{}&OrderID=order-1&Method=1&{words}", trade.access);
    let answer = shop.client.post(url).body(body).send().await.unwrap().bytes().await.unwrap();
    let told = b"&ClientField1=\x91\x81\x82\xAF-1&ClientField2=two&ClientField3=";
    assert!(answer.ends_with(told), "{answer:?}");
    shop.alter(&trade, "JobCd=SALES&Amount=4500").await;
    let intents: Vec<_> = shop.ledger().await.into_iter().map(|line| line.intent).collect();
    assert_eq!(intents, ["order-1", "早け-1", "早け-1"]);
}

#[tokio::test]
async fn whatever_is_sent_is_answered_with_a_200_and_a_code() {
    let shop = Shop::of(settings());
    let nothing = "E01010001|E01020001|E01040001|E01050001";
    assert_eq!(shop.say("EntryTran", "").await, wrong(nothing));
    assert_eq!(shop.say("EntryTran", "%&=&==&%zz").await, wrong(nothing));
    assert_eq!(shop.say("Entry", SHOP).await, wrong("E91099997"));
    assert_eq!(shop.say("EntryTran", &"x".repeat(1 << 15)).await, wrong("E91099996"));
    let no_trade = format!("{SHOP}&AccessID={0}&AccessPass={0}&JobCd=VOID", "f".repeat(32));
    assert_eq!(shop.say("AlterTran", &no_trade).await, wrong("E01110002"));
    let url = format!("{}/payment/EntryTran.idPass", shop.url);
    let looked = shop.client.get(url).send().await.unwrap();
    assert_eq!(
        (looked.status(), words(&looked.text().await.unwrap())),
        (reqwest::StatusCode::OK, wrong("E31500014"),)
    );
    assert_eq!(shop.ledger().await, []);
}

#[tokio::test]
async fn a_call_that_nobody_answers_is_found_by_asking() {
    let only = Some(PaymentOperation::Create);
    let faults = Faults { timeout_before_commit: 1.0, only, ..Faults::default() };
    let shop = Shop::of(Settings { faults, ..settings() });
    let url = format!("{}/payment/EntryTran.idPass", shop.url);
    let call = tokio::spawn(shop.client.post(url).body(entry("order-1", "AUTH")).send());
    while shop.ledger().await.is_empty() {}
    assert!(!call.is_finished());
    call.abort();
    let line = shop.told().await.pop().unwrap();
    assert_eq!((line.1, line.2), (PaymentOutcome::Failed, PaymentOutcome::Silence));
    assert_eq!(shop.search("order-1").await, wrong("E01110002"));
}

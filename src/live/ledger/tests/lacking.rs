//! What cannot be checked is not checked, and said: never a pass by silence, never a false alarm.

use super::*;

/// What is not checked, and why.
fn unchecked(findings: &[Finding]) -> BTreeMap<&str, &str> {
    for finding in findings {
        assert_ne!(finding.status, Status::Violated, "{finding:?}");
    }
    let unchecked = findings.iter().filter(|finding| finding.status == Status::NotChecked);
    unchecked.map(|finding| (finding.id.as_str(), finding.witness[0].as_str())).collect()
}

/// The findings of an honest storm, by ledgers that `change` has changed.
fn with(change: impl FnOnce(&mut Wanted)) -> Vec<Finding> {
    let mut shop = Shop::before_the_storm();
    let mut wanted = shop.wanted(FREE);
    change(&mut wanted);
    let mut foreign = shop.ledgers(wanted);
    shop.storms();
    findings(&shop.evidence(&mut foreign))
}

fn orders(wanted: &mut Wanted, change: impl FnOnce(&str) -> String) {
    let questions = &mut wanted.shop.as_mut().unwrap().questions;
    let changed = change(&questions[&Kind::Orders]);
    questions.insert(Kind::Orders, changed);
}

fn payments(wanted: &mut Wanted, change: impl FnOnce(&str) -> String) {
    let Some(ProviderLedger::Mapped { payments, .. }) = &mut wanted.provider else { panic!() };
    *payments = change(payments);
}

#[test]
fn without_intents_at_the_provider_nobody_knows_who_was_charged_twice() {
    let findings =
        with(|wanted| payments(wanted, |text| text.replace("reference as intent, ", "")));
    let unchecked = unchecked(&findings);
    let why = "the query `payments` gives no column `intent`";
    for id in ["INV-DOUBLE-CHARGE", "INV-SILENT-CHARGE", "INV-CAPTURED-NO-STOCK"] {
        assert_eq!(unchecked.get(id), Some(&why), "{unchecked:#?}");
    }
    assert_eq!(unchecked.len(), 3, "{unchecked:#?}");
}

#[test]
fn each_column_that_is_missing_is_named_by_what_needs_it() {
    let all = ["order_id", "fan", "item", "quantity", "status", "payment", "amount", "intent"];
    let rest = |gone: &str| {
        let columns: Vec<&str> = all.into_iter().filter(|column| *column != gone).collect();
        format!("select {} from ({ORDERS})", columns.join(", "))
    };
    for (gone, ids) in [
        ("fan", vec![]),
        ("payment", vec![]),
        ("amount", vec!["INV-DOUBLE-CHARGE", "INV-STOCK-NO-CAPTURE"]),
        (
            "quantity",
            vec![
                "INV-CAPTURED-NO-STOCK",
                "INV-CONSERVE",
                "INV-OVERSELL",
                "INV-PERUSER",
                "INV-STRANDED",
                "INV-UNDERSOLD",
            ],
        ),
    ] {
        let findings = with(|wanted| orders(wanted, |_| rest(gone)));
        let unchecked = unchecked(&findings);
        assert_eq!(unchecked.keys().copied().collect::<Vec<_>>(), ids, "{gone}: {unchecked:#?}");
        assert!(unchecked.values().all(|why| why.contains(gone)), "{gone}: {unchecked:#?}");
    }
}

#[test]
fn without_any_ledger_nothing_that_reads_one_is_claimed() {
    let findings = with(|wanted| *wanted = Wanted::default());
    let unchecked = unchecked(&findings);
    assert_eq!(unchecked.len(), 11, "{unchecked:#?}");
    let findings = with(|wanted| wanted.provider = None);
    let held: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.status == Status::Held)
        .map(|finding| finding.id.as_str())
        .collect();
    let by_the_shop =
        ["INV-CONSERVE", "INV-STRANDED", "INV-UNDERSOLD", "INV-PERUSER", "INV-RESOLVED"];
    assert_eq!(held, by_the_shop);
}

#[test]
fn a_status_of_which_nobody_says_whether_it_is_an_end_is_not_taken_for_one() {
    let unsaid = |wanted: &mut Wanted| wanted.shop.as_mut().unwrap().terminal.clear();
    // Whose card was declined was told so: that status is an end.
    assert_eq!(unchecked(&with(unsaid)), BTreeMap::new());
    let mut shop = Shop::before_the_storm();
    let mut wanted = shop.wanted(FREE);
    unsaid(&mut wanted);
    let mut foreign = shop.ledgers(wanted);
    shop.storms();
    shop.order(Some(&format!("{RUN}-0-40")), 2, "pending");
    shop.told(40, 2, Outcome::Waiting, Departure::Reneged);
    let findings = findings(&shop.evidence(&mut foreign));
    let unchecked = unchecked(&findings);
    assert!(unchecked["INV-RESOLVED"].contains("`pending`"), "{unchecked:#?}");
    assert!(
        unchecked["INV-STRANDED"].contains("`terminal`")
            || unchecked["INV-STRANDED"].contains("terminal")
    );
}

#[test]
fn money_in_other_units_is_no_fault() {
    let findings =
        with(|wanted| orders(wanted, |text| text.replace("amount,", "amount / 100 as amount,")));
    let unchecked = unchecked(&findings);
    let ids: Vec<&str> = unchecked.keys().copied().collect();
    assert!(unchecked.values().all(|why| why.contains("amount_major")), "{unchecked:#?}");
    assert!(ids.contains(&"INV-STOCK-NO-CAPTURE") && ids.contains(&"INV-DOUBLE-CHARGE"), "{ids:?}");
    let major =
        |text: &str| text.replace("amount,", "printf('%.2f', amount / 100.0) as amount_major,");
    assert_eq!(self::unchecked(&with(|wanted| orders(wanted, major))), BTreeMap::new());
}

#[test]
fn the_wrong_provider_is_no_fault_of_the_shop() {
    let findings = with(|wanted| {
        payments(wanted, |text| {
            text.replace(
                "pi as payment, reference as intent",
                "'x' || pi as payment, 'x' || reference as intent",
            )
        });
    });
    let unchecked = unchecked(&findings);
    for id in ["INV-CAPTURED-NO-STOCK", "INV-STOCK-NO-CAPTURE", "INV-ORPHAN-AUTH"] {
        assert!(unchecked[id].contains("neither `intent` nor `payment` fits"), "{unchecked:#?}");
    }
}

#[test]
fn a_row_that_is_not_what_it_should_be_is_told_with_row_and_column() {
    let mut shop = Shop::before_the_storm();
    let mut foreign = shop.ledgers(shop.wanted(FREE));
    shop.storms();
    shop.sql("update purchase set qty = 'two' where reference = 'mi9s4k2p-0-3'");
    let evidence = shop.evidence(&mut foreign);
    let why = evidence.ending.why_lacking("shop").unwrap();
    assert!(why.contains("orders row 7, column `quantity`: \"two\" is no whole number"), "{why}");
    assert!(findings(&evidence).iter().all(|finding| finding.status != Status::Violated));
}

#[test]
fn a_ledger_that_cannot_be_read_before_the_storm_stops_the_run() {
    let shop = Shop::before_the_storm();
    let opened = |change: fn(&mut ShopLedger)| {
        let mut wanted = shop.wanted(FREE);
        change(wanted.shop.as_mut().unwrap());
        let clock = Clock::begin_in(Duration::ZERO);
        let foreign = Foreign::new(wanted, &shop.catalogue(), clock, RUN, shop.home());
        let opened = foreign.and_then(|mut foreign| foreign.open(None));
        with_causes(&opened.unwrap_err())
    };
    let why = opened(|ledger| {
        ledger.questions.insert(Kind::Orders, "select id from orders".to_owned());
    });
    assert!(why.contains("shop (orders)") && why.contains("no such table: orders"), "{why}");
    let why = opened(|ledger| {
        ledger.questions.insert(Kind::Orders, "select id from purchase".to_owned());
    });
    assert!(why.contains("no column `order_id` among `id`"), "{why}");
    let why = opened(|ledger| {
        ledger.rows = Rows::Sql { url: "sqlite://nowhere/shop.db".to_owned() };
    });
    assert!(why.contains("nowhere/shop.db"), "{why}");
    let why = opened(|ledger| {
        ledger.rows = Rows::Sql { url: "oracle://db".to_owned() };
    });
    assert!(why.contains("hint: write sqlite://"), "{why}");
}

#[test]
fn stock_that_is_stated_is_doubted_where_the_shop_had_something_else() {
    let doubts = |stated| {
        let mut shop = Shop::before_the_storm();
        shop.stated = stated;
        let mut foreign = shop.ledgers(shop.wanted(FREE));
        shop.storms();
        shop.evidence(&mut foreign).ending.doubts
    };
    assert_eq!(doubts(17), [""; 0]);
    let doubts = doubts(20);
    assert!(doubts[0].contains("20 of tour-tee") && doubts[0].contains("had 17"), "{doubts:?}");
}

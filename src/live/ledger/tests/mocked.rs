//! The mock provider's ledger, which only grows, and a shop that comes to rest.

use super::*;
use crate::live::ledger::rest::Rest;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn line(payment: &str, intent: &str, outcome: PaymentOutcome) -> String {
    let line = PaymentLine {
        utc_ns: 1,
        payment: Some(payment.to_owned()),
        reference: String::new(),
        intent: intent.to_owned(),
        operation: PaymentOperation::Authorize,
        outcome,
        told: outcome,
        amount: Amount::new(9_000),
        key: String::new(),
        replayed: false,
    };
    serde_json::to_string(&line).unwrap() + "\n"
}

#[test]
fn of_the_mocks_ledger_only_what_is_new_is_read_and_only_what_is_the_runs_is_kept() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(MockServer::start());
    let before = line("1", &format!("{RUN}-canary"), PaymentOutcome::Authorized);
    let since = line("1", &format!("{RUN}-canary"), PaymentOutcome::Captured)
        + &line("2", &format!("{RUN}-0-4"), PaymentOutcome::Authorized);
    let answers = |after: usize, text: &str| {
        Mock::given(path("/admin/ledger"))
            .and(query_param("after", after.to_string()))
            .respond_with(ResponseTemplate::new(200).set_body_string(text))
    };
    runtime.block_on(answers(0, &before).mount(&server));
    let shop = Shop::before_the_storm();
    let mock = ProviderLedger::Mock { url: server.uri() };
    let wanted = Wanted { provider: Some(mock), ..shop.wanted(FREE) };
    let nothing = answers(before.len(), "").up_to_n_times(1);
    runtime.block_on(nothing.mount(&server));
    let clock = Clock::begin_in(Duration::ZERO);
    let mut foreign = Foreign::new(wanted, &shop.catalogue(), clock, RUN, shop.home()).unwrap();
    assert_eq!(foreign.provider_names(&format!("{RUN}-canary")), Some(Ok(true)));
    foreign.open(None).unwrap();

    runtime.block_on(answers(before.len(), &since).mount(&server));
    runtime.block_on(answers(before.len() + since.len(), "").mount(&server));
    let order = shop.order(Some(&format!("{RUN}-0-4")), 2, "pending");
    assert_eq!(foreign.rest(), Rest::Busy);
    shop.sql(&format!("update purchase set state = 'declined' where id = {order}"));
    assert_eq!(foreign.rest(), Rest::OrdersOver, "money is still reserved");
    shop.sql(&format!("update purchase set state = 'confirmed' where id = {order}"));
    shop.take(3);
    assert_eq!(foreign.rest(), Rest::OrdersOver, "a piece is gone");
    shop.take(-1);
    assert_eq!(foreign.rest(), Rest::Whole);
    let provider = shop.evidence(&mut foreign).provider.unwrap();
    let kept: Vec<&str> = provider.iter().map(|line| line.intent.as_str()).collect();
    assert_eq!(kept, ["0-4"]);
}

use proptest::prelude::*;

use super::customer::CUSTOMERS_MAX;
use super::method::{KEPT_BY_ONE_MAX, KEPT_MAX, LOOSE_MAX};
use super::setup::SETUPS_MAX;
use super::token::TOKENS_MAX;
use super::*;
use crate::rules::card::{CardFault, by_name};
use crate::rules::intent::Answer;
use crate::rules::request::Confirm;

/// 15 March 2026.
const NOW_NS: u64 = 1_773_532_800_000_000_000;

fn test(name: &str) -> Source {
    Source::Test(by_name(name).unwrap())
}

fn ask(directory: &mut Directory, errand: Errand) -> Result<Reply, Fault> {
    directory.perform(NOW_NS, "shop", errand).0
}

/// What is told of a call that succeeds.
fn told(directory: &mut Directory, errand: Errand) -> Vec<&'static str> {
    let (done, news) = directory.perform(NOW_NS, "shop", errand);
    done.unwrap();
    news.into_iter().map(|(kind, ..)| kind).collect()
}

fn method(reply: Result<Reply, Fault>) -> Arc<Method> {
    match reply.unwrap() {
        Reply::Object(Object::Method(method)) => method,
        other => panic!("a payment method: {other:?}"),
    }
}

fn setup(reply: Result<Reply, Fault>) -> Arc<Setup> {
    match reply.unwrap() {
        Reply::Object(Object::Setup(setup)) | Reply::SetupDeclined { setup, .. } => setup,
        other => panic!("a setup: {other:?}"),
    }
}

fn made(card: &str) -> Errand {
    let card = CardOrigin::Test(by_name(card).unwrap());
    Errand::MakeMethod(NewMethod { card, terms: None })
}

fn attach(method: u64, customer: u64) -> Errand {
    Errand::Attach { method: Source::Method(method), customer }
}

fn set_up(card: &str, customer: Option<u64>) -> Errand {
    let change = SetupChange { source: Some(test(card)), customer, terms: None };
    Errand::MakeSetup(NewSetup { confirm: Confirm::Now, change })
}

fn confirm(setup: u64, source: Option<Source>) -> Errand {
    Errand::ConfirmSetup { setup, change: SetupChange { source, ..SetupChange::default() } }
}

fn new_customer() -> Errand {
    Errand::MakeCustomer(CustomerChange::default())
}

fn kept_by(directory: &mut Directory, customer: u64) -> Vec<u64> {
    let page = PageOf { limit: 100, ..PageOf::default() };
    match ask(directory, Errand::ListMethods { customer: Some(customer), page }).unwrap() {
        Reply::Objects { page, more: false } => page
            .into_iter()
            .map(|object| match object {
                Object::Method(method) => method.number,
                other => panic!("a payment method: {other:?}"),
            })
            .collect(),
        other => panic!("a whole list: {other:?}"),
    }
}

#[test]
fn customers_and_setups_are_endpoints_of_their_own_to_the_limiters() {
    let operations = [
        made("pm_card_visa"),
        attach(1, 1),
        Errand::DeleteCustomer(1),
        set_up("pm_card_visa", None),
        confirm(1, None),
        Errand::FindSetup(1),
    ]
    .map(|errand| errand.operation().word());
    assert_eq!(operations, ["tokenize", "customer", "customer", "setup", "setup", "retrieve"]);
}

#[test]
fn a_customer_keeps_a_card_until_it_is_taken_away() {
    let mut directory = Directory::default();
    assert_eq!(told(&mut directory, new_customer()), ["customer.created"]);
    ask(&mut directory, made("pm_card_visa")).unwrap();
    assert_eq!(told(&mut directory, attach(1, 1)), ["payment_method.attached"]);
    assert_eq!(kept_by(&mut directory, 1), [1]);
    assert_eq!(told(&mut directory, attach(1, 1)), Vec::<&str>::new());
    assert_eq!(told(&mut directory, Errand::Detach(1)), ["payment_method.detached"]);
    assert_eq!(kept_by(&mut directory, 1), Vec::<u64>::new());
    let again = ask(&mut directory, attach(1, 1)).unwrap_err();
    assert_eq!(again.code(), "payment_method_unexpected_state");
}

#[test]
fn a_ready_made_method_becomes_a_new_one_each_time() {
    let mut directory = Directory::default();
    let find = || Errand::FindMethod(test("pm_card_jp"));
    let first = method(ask(&mut directory, find()));
    let second = method(ask(&mut directory, find()));
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!((first.card.exp_month, first.card.exp_year), (3, 2027));
}

#[test]
fn a_declined_card_cannot_be_kept_but_one_that_is_declined_later_can() {
    let mut directory = Directory::default();
    ask(&mut directory, new_customer()).unwrap();
    let declined =
        Errand::Attach { method: test("pm_card_visa_chargeDeclinedLostCard"), customer: 1 };
    let fault = CardFault::declined("card_declined", Some("lost_card"));
    assert_eq!(ask(&mut directory, declined), Err(Fault::Card(fault)));
    let later = Errand::Attach { method: test("pm_card_chargeCustomerFail"), customer: 1 };
    assert!(ask(&mut directory, later).is_ok());
    assert_eq!(kept_by(&mut directory, 1).len(), 1);
}

#[test]
fn a_token_is_spent_once() {
    let mut directory = Directory::default();
    let data = CardData {
        number: "4242424242424242".into(),
        exp_month: 12,
        exp_year: 2034,
        cvc: Some("123".into()),
    };
    ask(&mut directory, Errand::MakeToken { card: data, terms: None }).unwrap();
    let spend = || Errand::MakeMethod(NewMethod { card: CardOrigin::Token(1), terms: None });
    assert_eq!(method(ask(&mut directory, spend())).card.exp_year, 2034);
    assert_eq!(ask(&mut directory, spend()).unwrap_err().code(), "token_already_used");
}

#[test]
fn a_deleted_customer_keeps_nothing_and_is_known_by_name_alone() {
    let mut directory = Directory::default();
    let new = CustomerChange { method: Some(test("pm_card_visa")), ..CustomerChange::default() };
    ask(&mut directory, Errand::MakeCustomer(new)).unwrap();
    let deleted = told(&mut directory, Errand::DeleteCustomer(1));
    assert_eq!(deleted, ["payment_method.detached", "customer.deleted"]);
    assert!(matches!(ask(&mut directory, Errand::FindCustomer(1)), Ok(Reply::Deleted(_))));
    let change = || CustomerChange::default();
    let changed = ask(&mut directory, Errand::ChangeCustomer { customer: 1, change: change() });
    assert_eq!(changed, Err(Fault::Missing(Kind::Customer)));
    assert_eq!(ask(&mut directory, attach(1, 1)), Err(Fault::Missing(Kind::Customer)));
}

#[test]
fn invoices_are_paid_by_a_card_that_the_customer_keeps() {
    let mut directory = Directory::default();
    let method = Some(test("pm_card_visa"));
    let default_method = DefaultChange::Set(test("pm_card_visa"));
    let new = CustomerChange { method, default_method, terms: None };
    let made = ask(&mut directory, Errand::MakeCustomer(new)).unwrap();
    let Reply::Object(Object::Customer(customer)) = made else { panic!("{made:?}") };
    assert_eq!(customer.default_method, Some(1));
    let default_method = DefaultChange::Set(Source::Method(7));
    let change = CustomerChange { default_method, ..CustomerChange::default() };
    assert!(ask(&mut directory, Errand::ChangeCustomer { customer: 1, change }).is_err());
}

#[test]
fn nobody_sees_what_another_account_has() {
    let mut directory = Directory::default();
    ask(&mut directory, new_customer()).unwrap();
    ask(&mut directory, set_up("pm_card_visa", Some(1))).unwrap();
    let card =
        CardData { number: "4242424242424242".into(), exp_month: 1, exp_year: 30, cvc: None };
    ask(&mut directory, Errand::MakeToken { card, terms: None }).unwrap();
    let page = PageOf::default;
    let errands = [
        Errand::FindMethod(Source::Method(1)),
        Errand::FindCustomer(1),
        Errand::FindSetup(1),
        Errand::FindToken(1),
        Errand::Detach(1),
        Errand::DeleteCustomer(1),
        Errand::CancelSetup { setup: 1, reason: None },
        Errand::ListMethods { customer: Some(1), page: page() },
        Errand::FindMethodOf { customer: 1, method: 1 },
        set_up("pm_card_visa", Some(1)),
        Errand::Attach { method: test("pm_card_visa"), customer: 1 },
    ];
    for errand in errands {
        let (done, news) = directory.perform(NOW_NS, "other", errand.clone());
        assert!(done.is_err() && news.is_empty(), "{errand:?}: {done:?}");
    }
    let lists = [
        Errand::ListMethods { customer: None, page: page() },
        Errand::ListCustomers { email: None, page: page() },
        Errand::ListSetups(ListSetups::default()),
    ];
    for errand in lists {
        let nothing = Reply::Objects { page: Vec::new(), more: false };
        assert_eq!(directory.perform(NOW_NS, "other", errand).0, Ok(nothing));
    }
}

#[test]
fn a_setup_makes_a_card_ready_and_its_customer_keeps_it() {
    let mut directory = Directory::default();
    ask(&mut directory, new_customer()).unwrap();
    let news = told(&mut directory, set_up("pm_card_visa", Some(1)));
    let expected = ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"];
    assert_eq!(news, expected);
    let kept = directory.method("shop", 1).unwrap();
    assert_eq!((kept.customer, kept.set_up), (Some(1), true));
    let again = ask(&mut directory, confirm(1, None)).unwrap_err();
    assert_eq!(again.code(), "setup_intent_unexpected_state");
}

#[test]
fn a_setup_asks_the_cardholder_where_the_card_does() {
    let mut directory = Directory::default();
    let asked = setup(ask(&mut directory, set_up("pm_card_authenticationRequired", None)));
    assert_eq!(asked.status, SetupStatus::RequiresAction);
    let (failed, news) = directory.answer_setup(1, Answer::Failed).unwrap();
    assert_eq!(failed.status, SetupStatus::RequiresPaymentMethod);
    assert_eq!(news.len(), 1);
    assert!(directory.answer_setup(1, Answer::Passed).is_err());
    let retry = confirm(1, Some(test("pm_card_authenticationRequired")));
    ask(&mut directory, retry).unwrap();
    let (passed, _) = directory.answer_setup(1, Answer::Passed).unwrap();
    assert_eq!((passed.status, &passed.last_fault), (SetupStatus::Succeeded, &None));
}

#[test]
fn a_card_that_was_set_up_is_charged_without_its_holder() {
    let mut directory = Directory::default();
    let card = "pm_card_authenticationRequiredOnSetup";
    let fresh = method(ask(&mut directory, made(card)));
    assert_eq!(fresh.fate(), crate::rules::card::Fate::ChallengedUnlessSetUp);
    ask(&mut directory, set_up(card, None)).unwrap();
    let (ready, _) = directory.answer_setup(1, Answer::Passed).unwrap();
    let ready = ready.method.as_ref().unwrap();
    assert_eq!(ready.fate(), crate::rules::card::Fate::ChallengedOnSession);
}

#[test]
fn a_declined_setup_waits_for_another_card() {
    let mut directory = Directory::default();
    let declined = ask(&mut directory, set_up("pm_card_chargeDeclinedExpiredCard", None));
    let Ok(Reply::SetupDeclined { setup: failed, fault }) = declined else {
        panic!("{declined:?}")
    };
    assert_eq!((failed.status, fault.code), (SetupStatus::RequiresPaymentMethod, "expired_card"));
    assert!(ask(&mut directory, confirm(1, None)).is_err());
    let retried = setup(ask(&mut directory, confirm(1, Some(test("pm_card_visa")))));
    assert_eq!(retried.status, SetupStatus::Succeeded);
}

#[test]
fn a_payment_spends_a_card_that_nobody_keeps() {
    let mut directory = Directory::default();
    ask(&mut directory, made("pm_card_visa")).unwrap();
    directory.paid("shop", 1, None);
    let spent = check_usable(directory.method("shop", 1).unwrap(), None);
    assert_eq!(spent.unwrap_err().code(), "payment_method_unexpected_state");
    ask(&mut directory, new_customer()).unwrap();
    ask(&mut directory, made("pm_card_visa")).unwrap();
    assert_eq!(directory.paid("shop", 2, Some(1)).len(), 1);
    assert_eq!(kept_by(&mut directory, 1), [2]);
    directory.paid("shop", 2, None);
    assert!(check_usable(directory.method("shop", 2).unwrap(), Some(1)).is_ok());
}

#[test]
fn a_customer_keeps_a_limited_number_of_cards() {
    let mut directory = Directory::default();
    ask(&mut directory, new_customer()).unwrap();
    let one = || Errand::Attach { method: test("pm_card_visa"), customer: 1 };
    for _ in 0..KEPT_BY_ONE_MAX {
        ask(&mut directory, one()).unwrap();
    }
    let beyond = ask(&mut directory, one()).unwrap_err();
    assert_eq!(beyond.code(), "customer_max_payment_methods");
}

#[test]
fn memory_does_not_grow_with_the_run() {
    let mut directory = Directory::default();
    for _ in 0..LOOSE_MAX + 10 {
        ask(&mut directory, made("pm_card_visa")).unwrap();
    }
    assert_eq!((directory.methods.len(), directory.loose.len()), (LOOSE_MAX, LOOSE_MAX));
    for _ in 0..CUSTOMERS_MAX + 10 {
        let method = Some(test("pm_card_visa"));
        let new = CustomerChange { method, ..CustomerChange::default() };
        ask(&mut directory, Errand::MakeCustomer(new)).unwrap();
    }
    assert_eq!((directory.customers.len(), directory.kept.len()), (CUSTOMERS_MAX, CUSTOMERS_MAX));
    for _ in 0..SETUPS_MAX + 10 {
        let new = NewSetup { confirm: Confirm::Later, change: SetupChange::default() };
        ask(&mut directory, Errand::MakeSetup(new)).unwrap();
    }
    assert_eq!(directory.setups.len(), SETUPS_MAX);
    let card =
        CardData { number: "4242424242424242".into(), exp_month: 1, exp_year: 30, cvc: None };
    for _ in 0..TOKENS_MAX + 10 {
        ask(&mut directory, Errand::MakeToken { card: card.clone(), terms: None }).unwrap();
    }
    assert_eq!(directory.tokens.len(), TOKENS_MAX);
}

/// A call of a small world, in which everything collides.
fn any_errand() -> impl Strategy<Value = Errand> {
    let id = || 0_u64..5;
    let cards = ["visa", "chargeDeclined", "chargeCustomerFail", "authenticationRequired"];
    let card = (0..cards.len()).prop_map(move |which| test(&format!("pm_card_{}", cards[which])));
    let source = prop_oneof![card.clone(), id().prop_map(Source::Method)].boxed();
    let change = (prop::option::of(source.clone()), prop::option::of(id()))
        .prop_map(|(source, customer)| SetupChange { source, customer, terms: None })
        .boxed();
    let confirm = prop_oneof![Just(Confirm::Now), Just(Confirm::Later)];
    let default = prop_oneof![
        Just(DefaultChange::Keep),
        Just(DefaultChange::Unset),
        source.clone().prop_map(DefaultChange::Set),
    ];
    let customer = (prop::option::of(source.clone()), default)
        .prop_map(|(method, default_method)| CustomerChange { method, default_method, terms: None })
        .boxed();
    prop_oneof![
        source.clone().prop_map(Errand::FindMethod),
        (source, id()).prop_map(|(method, customer)| Errand::Attach { method, customer }),
        id().prop_map(Errand::Detach),
        customer.clone().prop_map(Errand::MakeCustomer),
        (id(), customer).prop_map(|(customer, change)| Errand::ChangeCustomer { customer, change }),
        id().prop_map(Errand::DeleteCustomer),
        (confirm, change.clone())
            .prop_map(|(confirm, change)| Errand::MakeSetup(NewSetup { confirm, change })),
        (id(), change.clone()).prop_map(|(setup, change)| Errand::ChangeSetup { setup, change }),
        (id(), change).prop_map(|(setup, change)| Errand::ConfirmSetup { setup, change }),
        id().prop_map(|setup| Errand::CancelSetup { setup, reason: None }),
    ]
}

/// What holds after every call: both ways of saying who keeps what agree.
fn check(directory: &Directory) {
    for number in 1..200 {
        let Some(method) = directory.methods.get(number) else { continue };
        assert_eq!(directory.loose.contains(&number), method.customer.is_none());
        if let Some(customer) = method.customer {
            assert!(directory.kept.contains(&(customer, number)));
            let keeper = directory.customers.get(customer).unwrap();
            assert_eq!(keeper.existence, Existence::Known);
            assert_eq!(keeper.account, method.account);
            assert_eq!(method.standing, Standing::Fresh);
        }
    }
    let kept = directory.kept.iter();
    assert!(kept.clone().all(|(_, number)| directory.methods.get(*number).is_some()));
    assert!(directory.kept.len() <= KEPT_MAX);
    for number in 1..200 {
        let Some(customer) = directory.customers.get(number) else { continue };
        let default = customer.default_method;
        assert!(default.is_none_or(|method| directory.kept.contains(&(number, method))));
    }
}

proptest! {
    #[test]
    fn no_sequence_of_calls_breaks_it(
        calls in prop::collection::vec((0_u8..2, any_errand(), 0_u64..5), 1..60),
    ) {
        let mut directory = Directory::default();
        let mut finished: Vec<Arc<Setup>> = Vec::new();
        for (account, errand, number) in calls {
            let (done, news) = directory.perform(NOW_NS, &account.to_string(), errand);
            prop_assert!(done.is_ok() || news.is_empty());
            directory.answer_setup(number, Answer::Passed).ok();
            directory.paid(&account.to_string(), number, Some(number));
            check(&directory);
            for setup in &finished {
                let now = directory.setups.get(setup.number).unwrap();
                prop_assert_eq!(now.status, setup.status, "nothing follows the end");
            }
            let ended = |number| directory.setups.get(number).filter(|it| it.status.is_final());
            finished = (1..60).filter_map(ended).cloned().collect();
        }
    }
}

//! What a scenario has done in its shop: stock is restored before the run, or the run does not begin;
//! what it left is removed afterwards.

use super::*;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn restored(shop: &Shop, reset: Hook) -> Result<(), String> {
    let wanted = Wanted { reset: Some(reset), ..shop.wanted(FREE) };
    let clock = Clock::begin_in(Duration::ZERO);
    let foreign = Foreign::new(wanted, &shop.catalogue(), clock, RUN, shop.home()).unwrap();
    foreign.reset().map_err(|error| with_causes(&error))
}

fn free(shop: &Shop) -> i64 {
    let query = "select free from capacity where sku = 'tour-tee'";
    shop.database.query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn statements_are_carried_out_all_or_none() {
    let shop = Shop::before_the_storm();
    let sql = |statements: &str| Hook::Sql { url: None, statements: statements.to_owned() };
    let both = "delete from purchase; update capacity set free = initial;";
    assert_eq!(restored(&shop, sql(both)), Ok(()));
    assert_eq!(free(&shop), 20);
    let why =
        restored(&shop, sql("update capacity set free = 3; delete from nowhere")).unwrap_err();
    assert!(why.contains("delete from nowhere") && why.contains("no such table"), "{why}");
    assert_eq!(free(&shop), 20);
}

#[test]
fn a_database_of_its_own_may_be_named_and_never_made() {
    let shop = Shop::before_the_storm();
    let at = |url: &str| Hook::Sql {
        url: Some(url.to_owned()),
        statements: "update capacity set free = 5".to_owned(),
    };
    assert_eq!(restored(&shop, at("sqlite://shop.db")), Ok(()));
    assert_eq!(free(&shop), 5);
    let why = restored(&shop, at("sqlite://other.db")).unwrap_err();
    assert!(why.contains("other.db") && !shop.folder.path().join("other.db").exists(), "{why}");
    let why = restored(&shop, at("sqlite://{{env.NO_SUCH_VARIABLE}}.db")).unwrap_err();
    assert!(why.contains("{{env.NO_SUCH_VARIABLE}}"), "{why}");
}

#[test]
fn a_command_must_end_well() {
    let shop = Shop::before_the_storm();
    let command = |line: &str| Hook::Command { line: line.to_owned() };
    assert_eq!(restored(&shop, command("echo $SPIKE_RUN > restored")), Ok(()));
    let said = std::fs::read_to_string(shop.folder.path().join("restored")).unwrap();
    assert_eq!(said.trim(), RUN);
    let why = restored(&shop, command("echo no shop here >&2; exit 3")).unwrap_err();
    assert!(why.contains("exit status: 3") && why.contains("no shop here"), "{why}");
}

#[test]
fn a_request_must_be_answered_well() {
    let shop = Shop::before_the_storm();
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(MockServer::start());
    let mock = |way: &str, answer| Mock::given(method("POST")).and(path(way)).respond_with(answer);
    runtime.block_on(mock("/reset", ResponseTemplate::new(204)).mount(&server));
    let busy = ResponseTemplate::new(503).set_body_string("come back later");
    runtime.block_on(mock("/busy", busy).mount(&server));
    let http = |way: &str| Hook::Http { url: format!("{}{way}", server.uri()) };
    assert_eq!(restored(&shop, http("/reset")), Ok(()));
    let why = restored(&shop, http("/busy")).unwrap_err();
    assert!(why.contains("503") && why.contains("come back later"), "{why}");

    let elsewhere = ResponseTemplate::new(307).insert_header("Location", "/reset");
    runtime.block_on(mock("/moved", elsewhere).mount(&server));
    let why = restored(&shop, http("/moved")).unwrap_err();
    assert!(why.contains("307"), "nobody is followed elsewhere: {why}");
}

#[test]
fn what_a_run_has_left_is_removed_by_its_id() {
    let mut shop = Shop::before_the_storm();
    let statements = "delete from purchase where reference like '{{run}}-%'";
    let cleanup = Some(Hook::Sql { url: None, statements: statements.to_owned() });
    let mut foreign = shop.ledgers(Wanted { cleanup, ..shop.wanted(FREE) });
    shop.storms();
    let orders = |shop: &Shop| -> (i64, i64) {
        let query = format!(
            "select count(*) filter (where reference like '{RUN}-%'), count(*) from purchase"
        );
        shop.database.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let (ours, all) = orders(&shop);
    assert!(ours > 0 && all > ours);
    let evidence = shop.evidence(&mut foreign);
    foreign.clean_up().unwrap();
    assert_eq!(orders(&shop), (0, all - ours), "those of others stay");
    assert!(evidence.shop.is_some(), "it was read before");

    let cleanup = Some(Hook::Command { line: "exit 4".to_owned() });
    let foreign = shop.ledgers(Wanted { cleanup, ..shop.wanted(FREE) });
    let why = with_causes(&foreign.clean_up().unwrap_err());
    assert!(why.starts_with("clean up by `exit 4`") && why.contains("status: 4"), "{why}");
}

//! What holds of any steps and any answers, whatever their bytes. The fuzzers `steps` and `answers`
//! (fuzz/) ask the same.

use domain::outcome::Outcome;
use spike::scenario::file;
use spike::scenario::overrides::Overrides;
use spike::scenario::target::{self, Target};
use spike::scenario::{Context, Scenario, offer};
use spike::step::capture::Need;
use spike::step::funnel::{Given, Step};
use spike::step::hosts::Hosts;
use spike::step::session::{Heard, Hearing, Session};
use spike::step::{Answer, edge};
use spike::verdict::World;

/// What stands around steps that somebody wrote.
const AROUND: &str = r#"
schema = 1
name = "any"

[[sale]]
id = "noon"
opens = "+1s"
lasts = "1s"
items = [{ id = "tee", stock = 9, price = 1_000 }]
slots = [{ id = "12:30", capacity = 40 }]

[[fans]]
name = "fans"
count = 9
arrive = { shape = "at-once" }
"#;

/// A funnel in which everything can happen that an answer may bring about.
pub(crate) const RICH: &str = r#"
[target]
url = "http://127.0.0.1:8000"
allow_hosts = ["shop.example", "card.example"]
canary = { item = "canary-item" }

[ledger.provider]
mock = "http://127.0.0.1:12111"

[[step]]
name = "login"
as = "login"
path = "/login?next={{slot}}"
form = { user = "{{fan}}", tag = ["a", "{{quantity}}"] }
capture.at = { header = "Location" }
capture.word.regex = "token=([a-z]+)"
capture.word.optional = true

[[step]]
name = "page"
as = "reload"
path = "/events/{{item}}"
headers = { X-Word = "{{word}}", Authorization = "Bearer {{at}}" }
capture.csrf = { css = "form input[name=csrf]", attr = "value" }
capture.title = { css = "title" }

[[step]]
name = "status"
as = "reload"
path = "/status?t={{csrf}}"
redirects = 2
outcome = [{ status = [200, "3xx"], json = "$.open", equals = true, is = "ok" }, { is = "not_open" }]

[[step]]
name = "card"
as = "other"
host = "https://card.example:8443"
path = "/tokens"
body = "<pay csrf='{{csrf}}'>{{title}}</pay>"
method = "POST"
capture.card = { json = "$..token" }

[[step]]
name = "checkout"
as = "checkout"
path = "/orders"
headers = { Idempotency-Key = "{{key}}" }
json = { sku = "{{item}}", qty = "{{quantity:number}}", any = "{{card:json}}", "a {{title}}" = ["{{csrf}}"] }
capture.order = { json = "$.order" }
outcome = [
    { status = 202, is = "waiting", then = "poll" },
    { status = "4xx", json = "$.code", equals = "sold_out", is = "sold_out" },
    { css = "p.gone", exists = true, is = "sold_out", then = "page" },
]

[[step]]
name = "poll"
as = "poll"
path = "/orders/{{order}}"
outcome = [
    { json = "$.left", equals = 0, is = "sold_out" },
    { header = "X-State", matches = "^pend", is = "waiting" },
    { regex = "state=(\\w+)", equals = "confirmed", is = "ok" },
]
"#;

/// The most fields that a request of a funnel has.
const FIELDS_MAX: usize = 256;

/// Reads `text` as the target and steps of a scenario: what is wrong with it can be told, and what is
/// right can be said, and hears `said` as any shop might answer.
pub(crate) fn assert_steps_are_read_or_refused(text: &str, said: &[u8]) {
    let read = file::parse(
        "any.toml",
        &format!("{AROUND}{text}"),
        &Overrides::default(),
        &Context::VIRTUAL,
    );
    match read {
        Err(problems) => assert!(problems.to_string().contains("any.toml"), "it says where"),
        Ok(loaded) => {
            let scenario = loaded.at_scale(None, World::Live);
            assert!(!offer::render(&scenario, &offer::offer(&scenario, &scenario)).is_empty());
            assert_all_is_heard(&scenario, said, &|_, _| {});
        }
    }
}

/// Lets the shop of a funnel in which everything can happen answer with `said`: whatever it is, what
/// is said as JSON stays JSON.
pub(crate) fn assert_answers_are_heard(said: &[u8]) {
    assert_all_is_heard(&rich(), said, &|step, body| {
        let is_json = || serde_json::from_slice::<serde_json::Value>(body).is_ok();
        let shown = || String::from_utf8_lossy(body);
        assert!(&*step.name != "checkout" || body.is_empty() || is_json(), "{}", shown());
    });
}

/// The scenario of the rich funnel.
pub(crate) fn rich() -> Scenario {
    let text = format!("{AROUND}{RICH}");
    let read = file::parse("rich.toml", &text, &Overrides::default(), &Context::VIRTUAL);
    read.unwrap_or_else(|problems| panic!("{problems}")).at_scale(None, World::Live)
}

/// Answers one after the other, a NUL between them: `302`, a line's end, then fields and body as they
/// are. After the last all are empty.
struct Answers<'a>(&'a [u8]);

impl<'a> Answers<'a> {
    fn next(&mut self) -> Answer<'a> {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (said, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        let status = said.get(..3).and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        let said = if status.is_some() { &said[3..] } else { said };
        let said = said.strip_prefix(b"\n").unwrap_or(said);
        let blank = said.windows(2).position(|two| two == b"\n\n");
        let (fields, body) =
            blank.map_or((&b""[..], said), |blank| (&said[..=blank], &said[blank + 2..]));
        Answer { status: status.unwrap_or(200), fields, body }
    }
}

/// One fan takes each step of the funnel once, whatever the answers are; `look` is shown each body.
fn assert_all_is_heard(scenario: &Scenario, said: &[u8], look: &dyn Fn(&Step, &[u8])) {
    let Some(target) = scenario.target.as_deref() else { return };
    let mut answers = Answers(said);
    let allowed = target.allow_hosts.clone();
    let admits = move |name: &str| target::admit(name, &allowed).map_err(|error| error.to_string());
    let mut hosts = Hosts::new(&target.funnel.hosts, Box::new(admits));
    let mut session = Session::default();
    introduce(target, &mut session, b"a");
    let usual = session.clone();
    for step in target.funnel.stages.iter().flatten() {
        if let Some(name) = session.lacks(step) {
            // Another answer would have told it.
            session.values.set(name, said.get(..40).unwrap_or(said));
        }
        let mut hops = 0;
        loop {
            look(step, &assert_one_request(step, &session, &usual, &hosts));
            let hearing = Hearing { answer: answers.next(), retry_after: None, now_s: 7 };
            assert_the_edge_is_read(&hearing.answer);
            let (mut troubles, mut again, mut twin) = (Vec::new(), Vec::new(), session.clone());
            let heard =
                session.hear(step, &hearing, &mut hosts, &mut |trouble| troubles.push(trouble));
            let twice = twin.hear(step, &hearing, &mut hosts, &mut |trouble| again.push(trouble));
            assert_eq!((heard, &troubles), (twice, &again), "the same answer means the same");
            assert_nobody_is_sent_to_strangers(&session, step, &hosts, &target.allow_hosts);
            match heard {
                Heard::Follow => hops += 1,
                Heard::Done { outcome, then } => {
                    assert_what_is_ok_is_whole(step, &session, outcome);
                    let stages = target.funnel.stages.len();
                    assert!(then.is_none_or(|then| usize::from(then) < stages), "{then:?}");
                    break;
                }
            }
            assert!(hops <= step.redirects, "{hops} redirects of `{}`", step.name);
        }
        session.settle();
    }
}

/// Every name that a fan has from the beginning stands for something, with bytes that want escaping.
fn introduce(target: &Target, session: &mut Session, value: &[u8]) {
    let names = &target.funnel.names;
    let given = Given::WORDS.iter().filter_map(|word| names.find(word));
    for name in given.chain(target.funnel.given.columns.iter().copied()) {
        session.values.set(name, value);
    }
}

/// What goes out is one request, of the fields that the step has: no value can add another, or end
/// the head before its time. Its body is returned.
fn assert_one_request(step: &Step, session: &Session, usual: &Session, hosts: &Hosts) -> Vec<u8> {
    let request = said(step, session, hosts);
    let (names, body) = read_request(&request, session.method(step));
    let usual = read_request(&said(step, usual, hosts), step.message.method()).0;
    let mut left = usual.iter();
    let own = names.iter().filter(|name| !name.eq_ignore_ascii_case("cookie"));
    for name in own {
        assert!(left.any(|known| known == name), "`{name}` is none of {usual:?}: {request:?}");
    }
    let hosts = names.iter().filter(|name| name.eq_ignore_ascii_case("host"));
    assert_eq!(hosts.count(), 1, "{names:?}");
    body
}

fn said(step: &Step, session: &Session, hosts: &Hosts) -> Vec<u8> {
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    session.say(step, hosts, 7, &mut scratch, &mut out);
    out
}

/// The names of a request's fields, and its body.
fn read_request(request: &[u8], method: &str) -> (Vec<String>, Vec<u8>) {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Request::new(&mut fields);
    let shown = || String::from_utf8_lossy(request);
    let read = head.parse(request).unwrap_or_else(|error| panic!("{error}: {}", shown()));
    let httparse::Status::Complete(length) = read else { panic!("no end: {}", shown()) };
    assert_eq!((head.method, head.version), (Some(method), Some(1)), "{}", shown());
    let body = &request[length..];
    let is_length =
        |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case("content-length");
    let told = head.headers.iter().find(is_length).map_or(&b"0"[..], |field| field.value);
    assert_eq!(told, body.len().to_string().as_bytes(), "{}", shown());
    (head.headers.iter().map(|field| field.name.to_owned()).collect(), body.to_vec())
}

fn assert_nobody_is_sent_to_strangers(
    session: &Session,
    step: &Step,
    hosts: &Hosts,
    allowed: &[String],
) {
    let host = hosts.host(session.host(step));
    let is_own = session.host(step) == step.host;
    assert!(is_own || target::admit(&host.name, allowed).is_ok(), "{host:?}");
}

fn assert_what_is_ok_is_whole(step: &Step, session: &Session, outcome: Outcome) {
    let lacks = |need| {
        let captures = step.captures.iter().filter(move |kept| kept.need == need);
        captures.filter(|kept| !session.values.is_set(kept.name)).count()
    };
    let lacking = (lacks(Need::Required), lacks(Need::Optional));
    assert!(outcome != Outcome::Ok || lacking == (0, 0), "`{}` is ok: {lacking:?}", step.name);
}

fn assert_the_edge_is_read(answer: &Answer<'_>) {
    let seen = edge::of(answer);
    assert!(seen.age_s.is_none_or(|age_s| age_s <= edge::AGE_MAX_S), "{seen:?}");
    assert!(seen.pop.is_none_or(|pop| pop.text().is_ascii() && pop.text().len() > 1), "{seen:?}");
}

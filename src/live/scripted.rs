//! A look at the page that is written as a step: rendered from a template, read by captures and
//! rules, each fan with values of its own.
//!
//! No scenario asks for it yet; the benchmarks do, so that what a scripted step costs is measured
//! in the loop that will live it.

use std::io::Write;

use domain::id::FanId;
use domain::outcome::{Operation, Outcome};

use crate::fan::{Reply, Request};
use crate::live::answer;
use crate::live::http::{Body, Head};
use crate::live::request::Script;
use crate::step::capture::Capture;
use crate::step::message::Message;
use crate::step::rule::Rules;
use crate::step::{Answer, Name, Values};

/// A step that all fans take when they look at the page.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// What is sent.
    pub message: Message,
    /// The name that stands for the fan itself.
    pub fan: Name,
    /// What is read in each answer; where one of these is not found, the answer is an error.
    pub captures: Vec<(Name, Capture)>,
    /// What an answer means; where none fits, its status says so.
    pub rules: Rules,
}

/// What the fans of one loop say and hear: the shop's own requests and replies or, where looks at
/// the page are scripted, those steps, with what each fan has captured.
#[derive(Debug)]
pub(super) struct Dialogue<'run> {
    step: Option<&'run Scripted>,
    /// By the fans' numbers.
    values: Vec<Values>,
    scratch: Vec<u8>,
}

impl<'run> Dialogue<'run> {
    /// A dialogue in which looks at the page are `step`, if that is given.
    pub(super) const fn new(step: Option<&'run Scripted>) -> Self {
        Self { step, values: Vec::new(), scratch: Vec::new() }
    }

    /// The bytes of call number `call` of `request` by fan number `visitor`, in `out` where they
    /// have to be written first, and what becomes of the answer's body.
    pub(super) fn say<'out>(
        &mut self,
        visitor: u32,
        (fan, request, call): (FanId, Request, u16),
        script: &'out Script,
        out: &'out mut Vec<u8>,
    ) -> (&'out [u8], Body) {
        let Some(step) = self.step.filter(|_| is_look(&request)) else {
            let body = script.body(request.operation, call);
            return (script.render(fan, &request, call, out), body);
        };
        let place = visitor as usize;
        if place >= self.values.len() {
            self.values.resize(place + 1, Values::default());
        }
        let values = &mut self.values[place];
        if values.get(step.fan).is_empty() {
            let FanId { population, index } = fan;
            self.scratch.clear();
            write!(self.scratch, "{population}-{index}").expect("memory takes every byte");
            values.set(step.fan, &self.scratch);
        }
        step.message.render(values, &mut self.scratch, out);
        (out, Body::Keep)
    }

    /// What fan number `visitor` is told by the answer to what it said. The fields of a head are
    /// not kept: captures and rules that look at them find none.
    pub(super) fn hear(
        &mut self,
        visitor: u32,
        request: &Request,
        head: &Head,
        body: &[u8],
        now_utc_ns: u64,
    ) -> Reply {
        let Some(step) = self.step.filter(|_| is_look(request)) else {
            return answer::read(head, body, now_utc_ns);
        };
        let seen = Answer { status: head.status, fields: &[], body };
        let values = &mut self.values[visitor as usize];
        for (name, capture) in &step.captures {
            let Some(value) = capture.find(&seen) else { return Reply::of(Outcome::Error) };
            values.set(*name, &value);
        }
        let by_status = answer::read(head, &[], now_utc_ns);
        let outcome = step.rules.first(&seen).map_or(by_status.outcome, |rule| rule.is);
        Reply { outcome, ..by_status }
    }
}

fn is_look(request: &Request) -> bool {
    request.operation == Operation::Reload
}

#[cfg(test)]
mod tests {
    use domain::shop::Catalogue;
    use domain::shop::{Item, Sale};
    use domain::time::Time;

    use super::*;
    use crate::fan::behaviour::Reload;
    use crate::step::Names;
    use crate::step::rule::{Condition, Rule, Test};
    use crate::step::template::{Place, Template};

    fn scripted() -> Scripted {
        let mut names = Names::default();
        let (fan, token) = (names.define("fan"), names.define("token"));
        let target = Template::compile("/look?f={{fan}}&t={{token}}", Place::Url, &names).unwrap();
        let closed = Test::Equals(b"closed".as_slice().into());
        let conditions = vec![Condition { of: Capture::json("$.state").unwrap(), test: closed }];
        Scripted {
            message: Message::new("GET", "shop.test", target, Vec::new(), None),
            fan,
            captures: vec![(token, Capture::json("$.token").unwrap())],
            rules: Rules::new(vec![Rule {
                status: Some(200..=200),
                conditions,
                is: Outcome::NotOpen,
                then: None,
            }]),
        }
    }

    fn script() -> Script {
        let item = Item { id: "tee".to_owned(), stock: 1, price: domain::money::Amount::ZERO };
        let sale = Sale {
            id: "one".to_owned(),
            opens: Time::ZERO,
            closes: Time::NEVER,
            limit_per_fan: 4,
            items: vec![item],
            slots: Vec::new(),
        };
        Script::new(&Catalogue { sales: vec![sale] }, 0, &Reload::default(), "shop.test")
    }

    fn look(operation: Operation) -> Request {
        Request {
            operation,
            stage: 0,
            intended: Time::ZERO,
            deadline: Time::NEVER,
            item: 0,
            slot: None,
            quantity: 1,
            purchase: 1,
        }
    }

    fn said(dialogue: &mut Dialogue<'_>, visitor: u32, operation: Operation) -> String {
        let fan = FanId { population: 0, index: visitor };
        let (script, mut out) = (script(), Vec::new());
        let (bytes, _) = dialogue.say(visitor, (fan, look(operation), 0), &script, &mut out);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn heard(dialogue: &mut Dialogue<'_>, visitor: u32, status: u16, body: &str) -> Outcome {
        let head = Head { status, retry_after: None, keep_alive: true };
        let request = look(Operation::Reload);
        dialogue.hear(visitor, &request, &head, body.as_bytes(), 0).outcome
    }

    #[test]
    fn each_fan_says_next_what_it_captured_itself() {
        let step = scripted();
        let mut dialogue = Dialogue::new(Some(&step));
        assert!(said(&mut dialogue, 7, Operation::Reload).starts_with("GET /look?f=0-7&t= HTTP"));
        let answer = r#"{"state":"closed","token":"a b"}"#;
        assert_eq!(heard(&mut dialogue, 7, 200, answer), Outcome::NotOpen);
        assert!(said(&mut dialogue, 7, Operation::Reload).contains("?f=0-7&t=a%20b HTTP"));
        assert!(said(&mut dialogue, 8, Operation::Reload).contains("?f=0-8&t= HTTP"));
        assert!(said(&mut dialogue, 7, Operation::Slots).starts_with("GET /sales/0/slots "));
    }

    #[test]
    fn an_answer_without_its_value_is_an_error_and_one_that_no_rule_fits_goes_by_its_status() {
        let step = scripted();
        let mut dialogue = Dialogue::new(Some(&step));
        said(&mut dialogue, 0, Operation::Reload);
        assert_eq!(heard(&mut dialogue, 0, 200, r#"{"state":"closed"}"#), Outcome::Error);
        let open = r#"{"state":"open","token":"t"}"#;
        assert_eq!(heard(&mut dialogue, 0, 200, open), Outcome::Ok);
        assert_eq!(heard(&mut dialogue, 0, 429, open), Outcome::RateLimited);
    }

    #[test]
    fn without_a_script_the_shop_is_asked_as_it_wants() {
        let mut dialogue = Dialogue::new(None);
        assert!(said(&mut dialogue, 0, Operation::Reload).starts_with("GET /sales/0/page/0 "));
    }
}

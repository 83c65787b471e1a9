//! What one fan keeps while it walks through a funnel: what it was told, its cookies, and where a
//! redirect has just sent it.
//!
//! A step is said ([`Session::say`]) and its answer heard ([`Session::hear`]), which either ends it
//! or leads on to another request of the same step.

use domain::outcome::Outcome;
use domain::time::Duration;

use super::capture::{Kept, Need};
use super::cookie::{Jar, Spot};
use super::funnel::{Host, Step};
use super::hosts::Hosts;
use super::message::{Detour, Place, Saying};
use super::redirect::{self, Manner};
use super::rule::Rule;
use super::{Answer, Name, Values};

/// What one fan keeps.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// What its names stand for.
    pub values: Values,
    jar: Jar,
    way: Option<Box<Way>>,
}

/// Where a redirect has sent a fan.
#[derive(Clone, Debug)]
struct Way {
    host: usize,
    target: Box<str>,
    manner: Manner,
    hops: u8,
    /// Which captures of the step were found on the way.
    found: Box<[bool]>,
}

/// An answer, and what else must be known to understand it.
#[derive(Copy, Clone, Debug)]
pub struct Hearing<'a> {
    /// What came.
    pub answer: Answer<'a>,
    /// The wait that it asks for.
    pub retry_after: Option<Duration>,
    /// When \[s of UTC\].
    pub now_s: i64,
}

/// What follows an answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Another request of the same step, at the place that the answer leads to.
    Follow,
    /// The step is over.
    Done {
        /// What came of it.
        outcome: Outcome,
        /// The stage that follows in place of the usual one.
        then: Option<u8>,
    },
}

/// What could not be understood in an answer, or not be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is there to be captured, though the answer is `ok`.
    Capture(Name),
    /// No rule fits; the status decided, as [`Rules::unruled`] has it.
    ///
    /// [`Rules::unruled`]: super::rule::Rules::unruled
    Rule,
    /// The body is encoded, though nobody asked for that.
    Encoding(String),
    /// The answer leads where nobody is sent; why.
    Redirect(String),
    /// The answers lead on and on.
    Redirects,
    /// A template needs a value that there is not.
    Value(Name),
}

impl Session {
    /// Whom the present request of `step` asks, by the number of the host.
    pub fn host(&self, step: &Step) -> usize {
        self.way.as_ref().map_or(step.host, |way| way.host)
    }

    /// A name that `step` needs and nothing was captured for. What a step captures itself it may
    /// say from the second time on.
    pub fn lacks(&self, step: &Step) -> Option<Name> {
        let is_own = |name| step.captures.iter().any(|own| own.name == name);
        step.message.names().find(|name| !self.values.is_set(*name) && !is_own(*name))
    }

    /// The method of the present request of `step`.
    pub fn method<'step>(&self, step: &'step Step) -> &'step str {
        match &self.way {
            Some(way) if way.manner == Manner::Get => "GET",
            _ => step.message.method(),
        }
    }

    /// Writes the present request of `step` into `out`, which is emptied first; `scratch` keeps its
    /// memory.
    pub fn say(
        &self,
        step: &Step,
        hosts: &Hosts,
        now_s: i64,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let number = self.host(step);
        let (values, jar, host) = (&self.values, &self.jar, hosts.host(number));
        let saying = Saying { values, jar, host, now_s };
        let Some(way) = &self.way else { return step.message.render(saying, scratch, out) };
        let detour = Detour {
            authority: hosts.authority(number),
            target: &way.target,
            manner: way.manner,
            place: if number == step.host { Place::Same } else { Place::Elsewhere },
        };
        step.message.render_detour(detour, saying, scratch, out);
    }

    /// Takes the answer to the present request of `step`: keeps its cookies and captures, follows
    /// its redirect among `hosts`, or says what it means. What could not be understood goes to
    /// `complain`.
    pub fn hear(
        &mut self,
        step: &Step,
        hearing: &Hearing<'_>,
        hosts: &mut Hosts,
        complain: &mut dyn FnMut(Trouble),
    ) -> Heard {
        let answer = &hearing.answer;
        self.read_fields(step, hearing, hosts, complain);
        let rule = step.rules.first(answer);
        if step.redirects > 0
            && !rule.is_some_and(Rule::names_redirects)
            && let Some((location, manner)) = redirect::of(answer, self.method(step))
        {
            return match self.follow(step, answer, location, manner, hosts) {
                Ok(()) => Heard::Follow,
                Err(trouble) => {
                    complain(trouble);
                    self.way = None;
                    Heard::Done { outcome: Outcome::Error, then: None }
                }
            };
        }
        let (outcome, then) = if let Some(rule) = rule {
            (rule.is, rule.then)
        } else {
            if !step.rules.is_empty() {
                complain(Trouble::Rule);
            }
            (step.rules.unruled(answer.status, hearing.retry_after), None)
        };
        let way = self.way.take();
        let mut is_whole = true;
        for (place, Kept { name, at, need }) in step.captures.iter().enumerate() {
            if let Some(value) = at.find(answer) {
                self.values.set(*name, &value);
            } else if *need == Need::Optional {
                if !self.values.is_set(*name) {
                    self.values.set(*name, &[]);
                }
            } else if outcome == Outcome::Ok && !way.as_ref().is_some_and(|way| way.found[place]) {
                is_whole = false;
                complain(Trouble::Capture(*name));
            }
        }
        if !is_whole {
            return Heard::Done { outcome: Outcome::Error, then: None };
        }
        match step.rules.taken_for(outcome) {
            // It leads where what it is taken for leads.
            Some(outcome) => Heard::Done { outcome, then: None },
            None => Heard::Done { outcome, then },
        }
    }

    /// The present operation is over, whatever came of it: its next request is the step's own.
    pub fn settle(&mut self) {
        self.way = None;
    }

    fn read_fields(
        &mut self,
        step: &Step,
        hearing: &Hearing<'_>,
        hosts: &Hosts,
        complain: &mut dyn FnMut(Trouble),
    ) {
        for (name, value) in hearing.answer.all_fields() {
            // Nearly every field is passed over by the length of its name.
            if name.len() == 10 && name.eq_ignore_ascii_case(b"set-cookie") {
                let host = hosts.host(self.host(step));
                let mut own = Vec::new();
                let target = target(self.way.as_deref(), step, &self.values, &mut own);
                self.jar.set(value, &Spot { host, target, now_s: hearing.now_s });
            } else if name.len() == 16
                && name.eq_ignore_ascii_case(b"content-encoding")
                && !value.eq_ignore_ascii_case(b"identity")
                && !hearing.answer.body.is_empty()
            {
                complain(Trouble::Encoding(String::from_utf8_lossy(value).into_owned()));
            }
        }
    }

    fn follow(
        &mut self,
        step: &Step,
        answer: &Answer<'_>,
        location: &[u8],
        manner: Manner,
        hosts: &mut Hosts,
    ) -> Result<(), Trouble> {
        let hops = self.way.as_ref().map_or(0, |way| way.hops);
        if hops >= step.redirects {
            return Err(Trouble::Redirects);
        }
        let mut own = Vec::new();
        let from: &Host = hosts.host(self.host(step));
        let target = target(self.way.as_deref(), step, &self.values, &mut own);
        let resolved = redirect::resolve(from, target, location);
        let (host, target) = resolved.map_err(|error| Trouble::Redirect(error.to_string()))?;
        let host = hosts.admit(host).map_err(|error| Trouble::Redirect(error.to_string()))?;
        let known = self.way.take();
        let was_get = known.as_ref().is_some_and(|way| way.manner == Manner::Get);
        let mut found =
            known.map_or_else(|| vec![false; step.captures.len()].into(), |way| way.found);
        for (place, Kept { name, at, .. }) in step.captures.iter().enumerate() {
            if let Some(value) = at.find(answer) {
                self.values.set(*name, &value);
                found[place] = true;
            }
        }
        let manner = if was_get { Manner::Get } else { manner };
        self.way = Some(Box::new(Way { host, target, manner, hops: hops + 1, found }));
        Ok(())
    }
}

/// What the present request asks for; `own` is where the step's own target is written.
fn target<'a>(
    way: Option<&'a Way>,
    step: &Step,
    values: &Values,
    own: &'a mut Vec<u8>,
) -> &'a [u8] {
    if let Some(way) = way {
        return way.target.as_bytes();
    }
    step.message.target(values, own);
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Names;
    use crate::step::capture::Capture;
    use crate::step::funnel::Scheme;
    use crate::step::message::Message;
    use crate::step::rule::Rules;
    use crate::step::template::{Place as Where, Template};

    struct Walk {
        step: Step,
        names: Names,
        session: Session,
        hosts: Hosts,
        troubles: Vec<Trouble>,
    }

    fn walk(redirects: u8, rules: Vec<Rule>) -> Walk {
        let mut names = Names::default();
        let token = names.define("token");
        let template = |text, place| Template::compile(text, place, &names).unwrap();
        let step = Step {
            name: "buy".into(),
            host: 0,
            message: Message::new(
                "POST",
                "shop.test",
                template("/in/buy", Where::Url),
                Vec::new(),
                Some(template("t={{token}}", Where::Form)),
            ),
            captures: vec![Kept {
                name: token,
                at: Capture::json("$.token").unwrap(),
                need: Need::Required,
            }],
            rules: Rules::new(rules),
            redirects,
        };
        let shop = Host { scheme: Scheme::Http, name: "shop.test".to_owned(), port: 80 };
        let admits = |name: &str| match name {
            "queue.test" => Ok(()),
            _ => Err("no".to_owned()),
        };
        let hosts = Hosts::new(&[shop], Box::new(admits));
        Walk { step, names, session: Session::default(), hosts, troubles: Vec::new() }
    }

    impl Walk {
        fn hear(&mut self, status: u16, fields: &str, body: &str) -> Heard {
            let answer = Answer { status, fields: fields.as_bytes(), body: body.as_bytes() };
            let hearing = Hearing { answer, retry_after: None, now_s: 7 };
            let troubles = &mut self.troubles;
            let mut complain = |trouble| troubles.push(trouble);
            self.session.hear(&self.step, &hearing, &mut self.hosts, &mut complain)
        }

        fn said(&self) -> String {
            let mut out = Vec::new();
            self.session.say(&self.step, &self.hosts, 7, &mut Vec::new(), &mut out);
            String::from_utf8(out).unwrap()
        }
    }

    const ERROR: Heard = Heard::Done { outcome: Outcome::Error, then: None };
    const OK: Heard = Heard::Done { outcome: Outcome::Ok, then: None };

    #[test]
    fn a_redirect_is_followed_with_its_cookies_and_the_latest_capture_counts() {
        let mut walk = walk(2, Vec::new());
        let fields = "Location: done?x=1\r\nSet-Cookie: sid=7\r\n";
        assert_eq!(walk.hear(302, fields, r#"{"token":"a"}"#), Heard::Follow);
        let get = "GET /in/done?x=1 HTTP/1.1\r\nHost: shop.test\r\nCookie: sid=7\r\n\r\n";
        assert_eq!(walk.said(), get);
        assert_eq!(walk.session.method(&walk.step), "GET");
        assert_eq!(walk.hear(200, "", "no token here"), OK);
        assert!(walk.said().starts_with("POST /in/buy HTTP/1.1\r\n"));
        assert!(walk.said().ends_with("\r\n\r\nt=a"));
        assert_eq!(walk.troubles, []);
    }

    #[test]
    fn another_host_is_gone_to_if_it_may_be() {
        let mut walk = walk(9, Vec::new());
        assert_eq!(walk.hear(307, "Location: https://queue.test/in\r\n", ""), Heard::Follow);
        assert_eq!(walk.session.host(&walk.step), 1);
        assert!(walk.said().starts_with("POST /in HTTP/1.1\r\nHost: queue.test\r\n"));
        assert_eq!(walk.hear(307, "Location: http://evil.test/\r\n", ""), ERROR);
        assert_eq!(walk.troubles, [Trouble::Redirect("`evil.test`: no".to_owned())]);
        assert_eq!(walk.session.host(&walk.step), 0);
    }

    #[test]
    fn redirects_end_or_are_answers() {
        let mut walk_on = walk(2, Vec::new());
        for _ in 0..2 {
            assert_eq!(walk_on.hear(302, "Location: /again\r\n", ""), Heard::Follow);
        }
        assert_eq!(walk_on.hear(302, "Location: /again\r\n", ""), ERROR);
        assert_eq!(walk_on.troubles, [Trouble::Redirects]);

        let mut none = walk(0, Vec::new());
        let rejected = Heard::Done { outcome: Outcome::Rejected, then: None };
        assert_eq!(none.hear(302, "Location: /again\r\n", ""), rejected);

        let is = Outcome::SoldOut;
        let rule = Rule { status: Some(302..=302), conditions: vec![], is, then: Some(3) };
        let mut named = walk(9, vec![rule]);
        let sold_out = Heard::Done { outcome: is, then: Some(3) };
        assert_eq!(named.hear(302, "Location: /sold-out\r\n", ""), sold_out);
        let any = Rule { status: None, conditions: vec![], is: Outcome::Ok, then: None };
        assert_eq!(walk(9, vec![any]).hear(302, "Location: /a\r\n", ""), Heard::Follow);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let ok = Rule { status: Some(200..=200), conditions: vec![], is: Outcome::Ok, then: None };
        let mut walk = walk(0, vec![ok]);
        let token = walk.names.find("token").unwrap();
        assert_eq!(walk.hear(200, "Content-Encoding: gzip\r\n", "\u{1f}"), ERROR);
        let encoded = Trouble::Encoding("gzip".to_owned());
        assert_eq!(std::mem::take(&mut walk.troubles), [encoded, Trouble::Capture(token)]);
        // Who is refused is not handed anything.
        let refused = Heard::Done { outcome: Outcome::RateLimited, then: None };
        assert_eq!(walk.hear(429, "Content-Encoding: identity\r\n", "slow down"), refused);
        assert_eq!(walk.troubles, [Trouble::Rule]);
    }

    #[test]
    fn an_answer_that_is_taken_for_ok_need_not_hold_what_an_ok_one_holds() {
        let is = Outcome::NotOpen;
        let closed = Rule { status: Some(200..=200), conditions: vec![], is, then: Some(3) };
        let mut walk = walk(0, vec![closed]);
        walk.step.rules = walk.step.rules.meaning(is, Outcome::Ok);
        for status in [200, 425] {
            assert_eq!(walk.hear(status, "", "at noon"), OK);
        }
        assert_eq!(walk.troubles, [Trouble::Rule], "of 425 no rule speaks");
        let ok = Rule { status: Some(200..=200), conditions: vec![], is: Outcome::Ok, then: None };
        walk.step.rules = Rules::new(vec![ok]).meaning(is, Outcome::Ok);
        assert_eq!(walk.hear(200, "", "no token here"), ERROR);
        walk.step.rules = Rules::default().meaning(is, Outcome::Rejected);
        assert_eq!(walk.hear(425, "", ""), Heard::Done { outcome: Outcome::Rejected, then: None });
    }

    #[test]
    fn what_is_optional_keeps_what_it_stood_for() {
        let mut walk = walk(1, Vec::new());
        walk.step.captures[0].need = Need::Optional;
        let token = walk.names.find("token").unwrap();
        assert_eq!(walk.hear(200, "", "no token here"), OK);
        assert_eq!(
            (walk.session.values.is_set(token), walk.session.lacks(&walk.step)),
            (true, None)
        );
        assert!(walk.said().ends_with("\r\n\r\nt="));
        assert_eq!(walk.hear(302, "Location: /on\r\n", r#"{"token":"a"}"#), Heard::Follow);
        assert_eq!(walk.hear(200, "", "no token here"), OK);
        assert_eq!(walk.session.values.get(token), b"a");
        assert_eq!(walk.troubles, []);
    }

    #[test]
    fn a_value_that_only_another_step_could_give_is_lacking() {
        let mut walk = walk(0, Vec::new());
        assert_eq!(walk.session.lacks(&walk.step), None);
        walk.step.captures.clear();
        let token = walk.names.find("token").unwrap();
        assert_eq!(walk.session.lacks(&walk.step), Some(token));
        walk.session.values.set(token, b"");
        assert_eq!(walk.session.lacks(&walk.step), None);
    }
}

//! What an answer means: rules by status, field and body, of which the first that fits counts.

use std::ops::RangeInclusive;

use domain::outcome::Outcome;
use domain::time::Duration;
use regex_automata::meta;

use super::Answer;
use super::capture::{Capture, CaptureError, compile};

/// The rules of a step, in their order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// An outcome that is taken for another.
    meaning: Option<(Outcome, Outcome)>,
}

/// One rule: it fits when its status and all of its conditions do.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The statuses it is for; `None`: any.
    pub status: Option<RangeInclusive<u16>>,
    /// What must hold besides.
    pub conditions: Vec<Condition>,
    /// What the answer then is.
    pub is: Outcome,
    /// The stage of the fans' route that follows in place of the usual one.
    pub then: Option<u8>,
}

/// Something that must hold of an answer.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What is looked at; where it is not there, the condition holds only if that is asked.
    pub of: Capture,
    /// What is asked of it.
    pub test: Test,
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// That it is there.
    Exists,
    /// That it is not there.
    Absent,
    /// That it is this, byte by byte.
    Equals(Box<[u8]>),
    /// That it is this number, however it is written: `1`, `1.0`, `1e0`.
    Number(f64),
    /// That this stands somewhere in it.
    Matches(Pattern),
}

/// A regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(meta::Regex);

impl Pattern {
    /// Compiles `pattern`, in the syntax of the crate `regex`.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub fn new(pattern: &str) -> Result<Self, CaptureError> {
        compile(pattern).map(Self)
    }
}

impl Rules {
    /// Rules that are asked in this order.
    pub const fn new(rules: Vec<Rule>) -> Self {
        Self { rules, meaning: None }
    }

    /// The same rules, by which an answer that means `from`, by a rule or by its status alone, is
    /// taken for `to`.
    #[must_use]
    pub fn meaning(&self, from: Outcome, to: Outcome) -> Self {
        Self { meaning: Some((from, to)), ..self.clone() }
    }

    /// What an answer that means `outcome` is taken for, where that is something else.
    pub fn taken_for(&self, outcome: Outcome) -> Option<Outcome> {
        self.meaning.filter(|(from, _)| *from == outcome).map(|(_, to)| to)
    }

    /// Whether nobody says what answers mean.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule looks into answers of `status` for more than the status itself.
    pub fn look_into(&self, status: u16) -> bool {
        self.rules.iter().any(|rule| {
            let is_for = rule.status.as_ref().is_none_or(|statuses| statuses.contains(&status));
            is_for && !rule.conditions.is_empty()
        })
    }

    /// The first rule that fits; none when none does, and then [`Rules::unruled`] says what the
    /// answer is.
    pub fn first(&self, answer: &Answer<'_>) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.fits(answer))
    }
}

impl Rules {
    /// What an answer is that no rule fits: what its status says. But where the rules look into
    /// whatever they take for a success, an answer in which they find none is none: an `error`.
    pub fn unruled(&self, status: u16, retry_after: Option<Duration>) -> Outcome {
        match by_status(status, retry_after) {
            Outcome::Ok if self.look_into_successes() => Outcome::Error,
            outcome => outcome,
        }
    }

    /// Whether there are rules for a success, `ok` or `waiting` at a 2xx, and each of them asks for
    /// more than a status.
    fn look_into_successes(&self) -> bool {
        let successes = self.rules.iter().filter(|rule| rule.is_for_success());
        successes.clone().next().is_some() && successes.into_iter().all(Rule::looks_into)
    }
}

/// What a status code says where nothing else does: the inverse of [`ShopReply::status`] and,
/// beyond that, its class. A 503 that says when to come back is a refusal, not a failure.
///
/// [`ShopReply::status`]: domain::shop::ShopReply::status
pub const fn by_status(status: u16, retry_after: Option<Duration>) -> Outcome {
    match status {
        202 => Outcome::Waiting,
        200..=299 | 304 => Outcome::Ok,
        402 => Outcome::Declined,
        409 => Outcome::SoldOut,
        425 => Outcome::NotOpen,
        429 => Outcome::RateLimited,
        300..=499 => Outcome::Rejected,
        503 if retry_after.is_some() => Outcome::RateLimited,
        _ => Outcome::Error,
    }
}

impl Rule {
    /// Whether the rule names redirects, and so takes them for answers instead of following them.
    pub fn names_redirects(&self) -> bool {
        let statuses = self.status.as_ref();
        statuses.is_some_and(|named| *named.start() >= 300 && *named.end() < 400)
    }

    /// Whether it takes an answer of 2xx for a success, or for one to come.
    fn is_for_success(&self) -> bool {
        let statuses = self.status.as_ref();
        matches!(self.is, Outcome::Ok | Outcome::Waiting)
            && statuses.is_none_or(|named| *named.start() < 300)
    }

    /// Whether it asks for more than a status.
    fn looks_into(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Whether the rule is for `answer`.
    pub fn fits(&self, answer: &Answer<'_>) -> bool {
        let status = self.status.as_ref();
        status.is_none_or(|statuses| statuses.contains(&answer.status))
            && self.conditions.iter().all(|condition| condition.holds(answer))
    }
}

impl Condition {
    fn holds(&self, answer: &Answer<'_>) -> bool {
        let Some(value) = self.of.find(answer) else { return matches!(self.test, Test::Absent) };
        match &self.test {
            Test::Exists => true,
            Test::Absent => false,
            Test::Equals(expected) => *value == **expected,
            Test::Number(expected) => {
                let read = str::from_utf8(&value).ok().and_then(|text| text.trim().parse().ok());
                read.is_some_and(|number: f64| number.total_cmp(expected).is_eq())
            }
            Test::Matches(Pattern(regex)) => regex.is_match(&*value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_is(path: &str, expected: &str) -> Condition {
        let test = Test::Equals(expected.as_bytes().into());
        Condition { of: Capture::json(path).unwrap(), test }
    }

    fn rule(status: Option<RangeInclusive<u16>>, conditions: Vec<Condition>, is: Outcome) -> Rule {
        Rule { status, conditions, is, then: None }
    }

    fn checkout() -> Rules {
        let busy = Test::Matches(Pattern::new("(?i)too many").unwrap());
        let queue = Condition { of: Capture::field("X-Queue"), test: Test::Exists };
        let poll = Rule { then: Some(3), ..rule(Some(202..=202), vec![], Outcome::Waiting) };
        Rules::new(vec![
            poll,
            rule(Some(409..=409), vec![json_is("$.code", "sold_out")], Outcome::SoldOut),
            rule(Some(200..=299), vec![json_is("$.state", "confirmed")], Outcome::Ok),
            rule(None, vec![Condition { of: Capture::body(), test: busy }], Outcome::RateLimited),
            rule(Some(503..=503), vec![queue], Outcome::Waiting),
        ])
    }

    fn outcome(status: u16, fields: &[u8], body: &[u8]) -> Option<Outcome> {
        let rules = checkout();
        rules.first(&Answer { status, fields, body }).map(|rule| rule.is)
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        assert_eq!(outcome(202, b"", b""), Some(Outcome::Waiting));
        assert_eq!(outcome(200, b"", br#"{"state":"confirmed"}"#), Some(Outcome::Ok));
        assert_eq!(outcome(409, b"", br#"{"code":"sold_out"}"#), Some(Outcome::SoldOut));
        assert_eq!(outcome(200, b"", b"Sorry, Too Many of you"), Some(Outcome::RateLimited));
        assert_eq!(outcome(503, b"X-Queue: 7\r\n", b""), Some(Outcome::Waiting));
        assert_eq!(
            checkout()
                .first(&Answer { status: 202, fields: b"", body: b"" })
                .and_then(|rule| rule.then),
            Some(3)
        );
    }

    #[test]
    fn a_number_is_compared_as_a_number_and_what_is_missing_can_be_asked_for() {
        let answer = |body| Answer { status: 200, fields: b"X-Left: 0\r\n", body };
        let left = |test| Condition { of: Capture::json("$.left").unwrap(), test };
        for body in [r#"{"left":0}"#, r#"{"left":0.0}"#, r#"{"left":"0"}"#] {
            assert!(left(Test::Number(0.0)).holds(&answer(body.as_bytes())), "{body}");
        }
        for body in [r#"{"left":10}"#, r#"{"left":null}"#, "{}", ""] {
            assert!(!left(Test::Number(0.0)).holds(&answer(body.as_bytes())), "{body}");
        }
        assert!(left(Test::Absent).holds(&answer(b"{}")));
        assert!(!left(Test::Absent).holds(&answer(br#"{"left":0}"#)));
        let field = Condition { of: Capture::field("x-left"), test: Test::Number(0.0) };
        assert!(field.holds(&answer(b"")));
    }

    #[test]
    fn a_success_in_which_nothing_is_found_is_none() {
        let unruled = |rules: Vec<Rule>, status| Rules::new(rules).unruled(status, None);
        let confirmed = || rule(None, vec![json_is("$.state", "confirmed")], Outcome::Ok);
        let pending = || rule(Some(200..=299), vec![json_is("$.state", "p")], Outcome::Waiting);
        let sold_out = || rule(None, vec![json_is("$.state", "none")], Outcome::SoldOut);
        for looking in [vec![confirmed()], vec![pending()], vec![sold_out(), pending()]] {
            assert_eq!(unruled(looking, 200), Outcome::Error);
        }
        for (status, is) in [
            (202, Outcome::Waiting),
            (402, Outcome::Declined),
            (409, Outcome::SoldOut),
            (425, Outcome::NotOpen),
            (404, Outcome::Rejected),
            (500, Outcome::Error),
        ] {
            assert_eq!(unruled(vec![confirmed()], status), is);
        }
        // A success that goes by its status goes by it wherever no rule fits.
        let accepted = rule(Some(202..=202), vec![], Outcome::Waiting);
        let queue = rule(Some(503..=503), vec![json_is("$.state", "q")], Outcome::Waiting);
        for by_status in [vec![], vec![sold_out()], vec![confirmed(), accepted], vec![queue]] {
            assert_eq!(unruled(by_status, 200), Outcome::Ok);
        }
    }

    #[test]
    fn where_no_rule_fits_nothing_is_said() {
        assert_eq!(outcome(200, b"", br#"{"state":"pending"}"#), None);
        assert_eq!(outcome(409, b"", b"no JSON"), None);
        assert_eq!(outcome(503, b"", b""), None);
    }
}

//! What fans say and hear, word for word, for who wants to watch one of them.

use std::sync::mpsc::Sender;

use domain::outcome::Outcome;
use domain::time::Duration;

use crate::step::Answer;
use crate::step::edge::{self, Seen};
use crate::step::funnel::{Funnel, Step};
use crate::step::session::Heard;

/// What stands in place of what came from the environment.
const MASK: &str = "•••";

/// What one who watches is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// A fan has asked and was answered.
    Exchange(Box<Exchange>),
    /// A fan waits so long before it asks on.
    Pause(Duration),
}

/// A request of one step, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The step, by its name in the scenario.
    pub step: String,
    /// The request, head and body, as HTTP/1.1.
    pub request: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's fields, a line each.
    pub fields: Vec<String>,
    /// Its body.
    pub body: String,
    /// What its head says of the edge.
    pub edge: Seen,
    /// What was captured in it, by name.
    pub captured: Vec<(String, String)>,
    /// What could not be understood in it.
    pub troubles: Vec<String>,
    /// What the answer means; absent where it leads on by a redirect.
    pub outcome: Option<Outcome>,
    /// The step that it leads to in place of the usual one.
    pub then: Option<String>,
}

/// Writes down what is said and heard. What came from the environment is masked wherever it stands:
/// a shop may say it again.
#[derive(Debug)]
pub(super) struct Scribe<'run> {
    out: &'run Sender<Spoken>,
    funnel: &'run Funnel,
    secrets: Vec<String>,
    said: String,
}

impl<'run> Scribe<'run> {
    /// A scribe for the fans of `funnel`.
    pub(super) fn new(out: &'run Sender<Spoken>, funnel: &'run Funnel) -> Self {
        let steps = funnel.stages.iter().flatten();
        let secrets = steps.flat_map(|step| step.message.secrets());
        let secrets = secrets.map(|secret| String::from_utf8_lossy(secret).into_owned());
        let secrets = secrets.filter(|secret| !secret.is_empty()).collect();
        Self { out, funnel, secrets, said: String::new() }
    }

    /// Takes note of a request.
    pub(super) fn said(&mut self, request: &[u8]) {
        self.said = self.shown(request);
    }

    /// Hands over the request that was said last, with its answer.
    pub(super) fn heard(
        &mut self,
        step: &Step,
        answer: &Answer<'_>,
        troubles: Vec<String>,
        heard: Heard,
    ) {
        let (outcome, then) = match heard {
            Heard::Follow => (None, None),
            Heard::Done { outcome, then } => (Some(outcome), then),
        };
        let stage = |stage: u8| self.funnel.stages.get(usize::from(stage))?.first();
        let names = &self.funnel.names;
        let found =
            step.captures.iter().filter_map(|kept| Some((kept.name, kept.at.find(answer)?)));
        let captured = found.map(|(name, value)| (names.text(name).to_owned(), self.shown(&value)));
        let captured = captured.collect();
        let request = std::mem::take(&mut self.said);
        let exchange = Exchange {
            step: step.name.to_string(),
            request,
            status: answer.status,
            fields: lines(&self.shown(answer.fields)),
            body: self.shown(answer.body),
            edge: edge::of(answer),
            captured,
            troubles,
            outcome,
            then: then.and_then(stage).map(|step| step.name.to_string()),
        };
        // Who does not look any more has left.
        let _ = self.out.send(Spoken::Exchange(Box::new(exchange)));
    }

    fn shown(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.secrets.iter().fold(text, |text, secret| text.replace(secret, MASK))
    }
}

/// The lines of a head; the empty one that ends it is none of them.
fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

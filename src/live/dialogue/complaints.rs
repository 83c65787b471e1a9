//! What the fans of one loop could not understand or say, counted.

use domain::outcome::Outcome;

use crate::evidence::{Complaint, ComplaintKind, Example};
use crate::step::funnel::Step;
use crate::step::rule::by_status;
use crate::step::session::Trouble;
use crate::step::{Answer, Name, Names};

/// The most different complaints of a loop: a step has a few captures and a few kinds of trouble.
const COMPLAINTS_MAX: usize = 1_000;

/// Complaints, and how often each step was answered, since they were last handed over.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    found: Vec<(Key, Complaint)>,
    answered: Vec<((u8, usize), String, u64)>,
}

/// What makes two complaints the same: the step, what happened, and to which name.
type Key = ((u8, usize), ComplaintKind, Option<Name>);

impl Complaints {
    /// Counts what happened to `step`, which stands at `place` in the funnel, with `answer`.
    pub(super) fn count(
        &mut self,
        place: (u8, usize),
        step: &Step,
        names: &Names,
        trouble: &Trouble,
        answer: Option<&Answer<'_>>,
    ) {
        let (kind, name) = kind(trouble);
        let key = (place, kind, name);
        let open = u64::from(leaves_open(kind, step, answer));
        if let Some((_, known)) = self.found.iter_mut().find(|(known, _)| *known == key) {
            known.count += 1;
            known.open += open;
            return;
        }
        if self.found.len() >= COMPLAINTS_MAX {
            return;
        }
        let about = about(trouble, names).to_owned();
        let example = answer.map(|answer| Example::of(answer.status, answer.body));
        let step = step.name.to_string();
        let complaint = Complaint { step, kind, about, count: 1, open, of: None, example };
        self.found.push((key, complaint));
    }

    /// Counts that `step`, which stands at `place` in the funnel, was answered or could not be said.
    pub(super) fn answered(&mut self, place: (u8, usize), step: &Step) {
        match self.answered.iter_mut().find(|(known, ..)| *known == place) {
            Some((.., count)) => *count += 1,
            None => self.answered.push((place, step.name.to_string(), 1)),
        }
    }

    /// Hands over what was counted.
    pub(super) fn take(&mut self) -> Vec<Complaint> {
        std::mem::take(&mut self.found).into_iter().map(|(_, complaint)| complaint).collect()
    }

    /// Hands over how often each step was answered, by its name.
    pub(super) fn take_answered(&mut self) -> Vec<(String, u64)> {
        let answered = std::mem::take(&mut self.answered);
        answered.into_iter().map(|(_, step, count)| (step, count)).collect()
    }
}

/// Whether it stays open what an answer meant. Where no rule fits, the status says it: unless rules
/// look into answers of that status, and it is neither a failure nor a refusal for a while.
fn leaves_open(kind: ComplaintKind, step: &Step, answer: Option<&Answer<'_>>) -> bool {
    match (kind, answer) {
        (ComplaintKind::EncodedBody, _) => false,
        (ComplaintKind::NoRuleFits, Some(answer)) => {
            let said = by_status(answer.status, None);
            let is_plain = matches!(said, Outcome::Error | Outcome::RateLimited | Outcome::NotOpen);
            !is_plain && step.rules.look_into(answer.status)
        }
        _ => true,
    }
}

/// What happened, in words: `nothing to capture (order)`.
pub(super) fn words(trouble: &Trouble, names: &Names) -> String {
    kind(trouble).0.about(about(trouble, names))
}

/// What happened, and to which name.
const fn kind(trouble: &Trouble) -> (ComplaintKind, Option<Name>) {
    match trouble {
        Trouble::Capture(name) => (ComplaintKind::CaptureNotFound, Some(*name)),
        Trouble::Value(name) => (ComplaintKind::ValueMissing, Some(*name)),
        Trouble::Rule => (ComplaintKind::NoRuleFits, None),
        Trouble::Encoding(_) => (ComplaintKind::EncodedBody, None),
        Trouble::Redirect(_) => (ComplaintKind::RedirectRefused, None),
        Trouble::Redirects => (ComplaintKind::TooManyRedirects, None),
    }
}

fn about<'a>(trouble: &'a Trouble, names: &'a Names) -> &'a str {
    match trouble {
        Trouble::Capture(name) | Trouble::Value(name) => names.text(*name),
        Trouble::Encoding(about) | Trouble::Redirect(about) => about,
        Trouble::Rule | Trouble::Redirects => "",
    }
}

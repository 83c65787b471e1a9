//! What the fans of one loop could not understand or say, counted.

use crate::evidence::{Complaint, ComplaintKind, Example};
use crate::step::funnel::Step;
use crate::step::session::Trouble;
use crate::step::{Answer, Name, Names};

/// The most different complaints of a loop: a step has a few captures and a few kinds of trouble.
const COMPLAINTS_MAX: usize = 1_000;

/// Complaints since they were last handed over.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<(Key, Complaint)>);

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
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            known.count += 1;
            return;
        }
        if self.0.len() >= COMPLAINTS_MAX {
            return;
        }
        let about = about(trouble, names).to_owned();
        let example = answer.map(|answer| Example::of(answer.status, answer.body));
        self.0
            .push((key, Complaint { step: step.name.to_string(), kind, about, count: 1, example }));
    }

    /// Hands over what was counted.
    pub(super) fn take(&mut self) -> Vec<Complaint> {
        std::mem::take(&mut self.0).into_iter().map(|(_, complaint)| complaint).collect()
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

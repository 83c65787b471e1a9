//! After the load: the shop is left alone to finish, and its ledgers are read.

use domain::time::{Duration, Time};

use super::admin::{Admin, with_causes};
use super::ledger::{self, Closed, Foreign, LedgerSinks};
use super::load::Course;
use super::snapshot::Survey;
use super::stop::Wish;
use super::{LiveError, Target};
use crate::measure::recorder::{Progress, Recorder};
use crate::scenario::offer;

/// How often the shop is asked during the drain whether it is at rest.
const DRAIN_CHECK: Duration = Duration::from_millis(250);
/// How often the ledger of a foreign shop is looked into during the drain: it is read whole.
const LEDGER_CHECK: Duration = Duration::from_secs(1);

/// Who says whether the shop is at rest.
pub(super) enum Whom<'run> {
    /// The shop itself.
    Survey(&'run mut Survey),
    /// Its own ledger.
    Books(&'run mut Foreign),
    /// Nobody.
    Nobody,
}

/// Leaves the shop alone until it is at rest, as far as anybody says so, or the promised time is
/// over; whether it may be judged then.
pub(super) fn drain(
    course: &Course<'_>,
    load_ended: Time,
    recorder: &mut Recorder,
    whom: &mut Whom<'_>,
    watch: &mut (dyn FnMut(&Progress) + Send),
) -> Result<bool, LiveError> {
    let until = load_ended + course.settings.drain;
    let is_whole = !offer::drain_needed(course.scenario).is_short();
    // A foreign shop whose owner names no time may need longer than one waits unasked.
    let is_promised = course.scenario.target.is_none() || course.scenario.audit.drain.is_some();
    loop {
        if course.signal.wish() == Wish::Abandon {
            return Err(LiveError::Abandoned);
        }
        let (at_rest, will_do, pause) = match whom {
            Whom::Survey(survey) => (survey.now(recorder)?, is_whole, DRAIN_CHECK),
            Whom::Books(books) => {
                let rest = books.rest();
                (rest.is_whole(), is_promised || rest.will_do(), LEDGER_CHECK)
            }
            Whom::Nobody => (false, true, DRAIN_CHECK),
        };
        let now = course.clock.now();
        let progress = recorder.progress();
        watch(&Progress { at: progress.at.max(now), ..progress });
        if at_rest || now >= until {
            return Ok(at_rest || will_do);
        }
        course.clock.sleep_until(until, pause);
    }
}

/// What is said of the ledgers of a foreign shop that nobody asks for.
pub(super) fn unknown_abroad() -> Closed {
    let absent = ["shop", "provider"].map(|name| format!("{name}: its ledger was not asked for"));
    Closed { absent: absent.to_vec(), ..Closed::default() }
}

/// Fetches the ledgers of whoever is known, and says whose cannot be had and why.
pub(super) fn fetch_ledgers(admin: &Admin, target: &Target, ledgers: &mut LedgerSinks) -> Closed {
    let LedgerSinks { shop, provider, .. } = ledgers;
    let mut closed = Closed::default();
    let told = ledger::fetch(admin, target.shop, shop.as_mut());
    let paid = match (&target.provider_ledger, target.provider) {
        (Some(file), _) => ledger::copy_file(file, provider.as_mut()),
        (None, Some(address)) => ledger::fetch(admin, address, provider.as_mut()),
        (None, None) => {
            let unknown = "provider: it is not known where the target's provider listens";
            closed.absent.push(unknown.to_owned());
            Ok(())
        }
    };
    for (name, read) in [("shop", told), ("provider", paid)] {
        if let Err(error) = read {
            closed.unreadable.push(format!("{name}: {}", with_causes(&error)));
        }
    }
    closed
}

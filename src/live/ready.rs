//! A foreign shop made ready for a run: its stock restored, the canary sent, and what there is
//! already taken note of. All of that lies before the run's beginning.

use std::path::Path;

use domain::id::FanId;
use domain::time::{Duration, Time};

use super::ledger::place::Home;
use super::ledger::{Foreign, Wanted};
use super::{LiveError, Settings, Stop, Target};
use crate::evidence::ledgers::AtOpening;
use crate::live::alone;
use crate::live::clock::Clock;
use crate::scenario::Scenario;
use crate::scenario::target::Canary;

/// How long the canary's payment may take to show up after the order was confirmed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// A foreign shop that is ready.
#[derive(Debug)]
pub struct Ready {
    pub(super) books: Foreign,
}

impl Ready {
    /// What the shop had at the opening, for the run's folder.
    pub fn at_opening(&self) -> AtOpening {
        self.books.at_opening()
    }
}

/// A canary that did not prove anything.
#[derive(Debug, thiserror::Error)]
#[error(
    "find the canary's payment at the provider: {why}\nhint: does the shop pay at the provider that \
     `[ledger.provider]` names, and hand on `{{{{intent}}}}`? A shop that sells nothing before its \
     opening must sell the canary's item all the same. Nothing was sent but this one order"
)]
pub struct CanaryError {
    why: String,
}

/// Makes the foreign shop of `scenario` ready for the run that `settings` names; paths count from
/// `folder`, that of the scenario's file.
///
/// # Errors
/// When stock cannot be restored, the canary does not show up, or a ledger cannot be read.
pub fn ready(
    scenario: &Scenario,
    settings: &Settings,
    target: &Target,
    folder: &Path,
    stop: &Stop,
) -> Result<Option<Ready>, LiveError> {
    let Some(foreign) = &scenario.target else { return Ok(None) };
    let wanted = Wanted::of(foreign);
    let (catalogue, clock) = (&scenario.catalogue, settings.clock);
    let trust = target.abroad.as_ref().map(|abroad| abroad.trust.clone()).unwrap_or_default();
    let home = Home::of(folder, trust);
    let mut books = Foreign::new(wanted, catalogue, clock, &settings.run, home)?;
    books.reset()?;
    let canary = match &foreign.canary {
        Canary::Item(item) => {
            send_canary(item, scenario, settings, target, &mut books, stop)?;
            Some((item.as_str(), 1))
        }
        Canary::None { .. } | Canary::Unsaid => None,
    };
    books.open(canary)?;
    Ok(Some(Ready { books }))
}

/// Lets one fan buy `item`, and finds its payment in the provider's ledger.
fn send_canary(
    item: &str,
    scenario: &Scenario,
    settings: &Settings,
    target: &Target,
    books: &mut Foreign,
    stop: &Stop,
) -> Result<(), LiveError> {
    // Its intent bears the name of another run, so that nothing of it is taken for this one's.
    let run = format!("{}c", settings.run);
    let clock = Clock::begin_in(Duration::ZERO);
    let alone = alone::canary(scenario, item);
    let settings = Settings { run: run.clone(), clock, ..settings.clone() };
    let walk = alone::walk(&alone, &settings, target, stop)?;
    let intent = format!("{run}-{}", FanId::default());
    let until = clock.now() + PATIENCE;
    loop {
        if stop.presses() > 0 {
            // Who stops here has nothing that could be judged.
            return Err(LiveError::Abandoned);
        }
        let why = match books.provider_names(&intent) {
            None => "there is no `[ledger.provider]`".to_owned(),
            Some(Err(why)) => why,
            Some(Ok(true)) => return Ok(()),
            Some(Ok(false)) => not_there(item, &intent, &walk),
        };
        if clock.now() >= until {
            return Err(CanaryError { why }.into());
        }
        clock.sleep_until(Time::NEVER, LOOK);
    }
}

fn not_there(item: &str, intent: &str, walk: &alone::Walk) -> String {
    let left = walk.departure.map_or("was stopped", |departure| departure.word());
    let said = walk.complaints.iter().map(|complaint| format!("; step {complaint}"));
    let said: String = said.collect();
    format!("no payment bears `{intent}`; the fan who wanted `{item}` left as {left}{said}")
}

//! `spike try`: one fan walks the funnel of a foreign shop, and one sees each request and each answer.

use std::fmt::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use domain::outcome::Departure;

use super::begin::load;
use super::target::Place;
use super::{network, print, run, say};
use crate::cli::TryArgs;
use crate::live::alone::{self, Walk};
use crate::live::clock::Clock;
use crate::live::means::{self, Machine};
use crate::live::transcript::{Exchange, Spoken};
use crate::live::{LiveError, Nothing, Settings};
use crate::step::edge::Seen;
use crate::verdict::{Verdict, World, bare_line};

/// Why text can be appended to.
const GROWS: &str = "text can be appended to";

/// Lets one fan walk, and prints what it says and hears.
pub(super) fn walk(args: &TryArgs) -> anyhow::Result<Verdict> {
    let clock = Clock::begin_in(Duration::ZERO);
    let Some(loaded) = load(&args.scenario, &args.overrides, Some(clock.began_utc_ns())) else {
        return Ok(Verdict::InvalidScenario);
    };
    let scenario = loaded.at_scale(None, World::Live);
    let Some(target) = &scenario.target else {
        say(
            "error: failed to find a shop to try: the scenario has no `[target]`\nhint: `spike run` \
             lives it against the embedded shop",
        );
        say(&bare_line(Verdict::InvalidScenario));
        return Ok(Verdict::InvalidScenario);
    };
    let place = match network::abroad(target, &args.network) {
        Ok(abroad) => Place::Foreign(abroad),
        Err(error) => return Ok(run::refuse(&error, Verdict::Inconclusive)),
    };
    let one = alone::scenario(&scenario, args.item.as_deref());
    let means = means::means(&one, place.shop(), &Machine::here())
        .context("failed to prepare the visit")?;
    let (told, heard) = mpsc::channel();
    let settings = Settings { transcript: Some(told), ..run::settings(&one, clock, means) };
    let (target, _) = place.open(&one, std::path::Path::new(""), clock.began_utc_ns())?;
    let stop = run::stop_on_signals()?;
    let lived = thread::scope(|scope| {
        let pages = scope.spawn(move || {
            let mut number = 0;
            heard.into_iter().try_for_each(|spoken| match spoken {
                Spoken::Exchange(exchange) => {
                    number += 1;
                    print(&page(number, &exchange))
                }
                Spoken::Pause(pause) => {
                    print(&format!("   goes on after {:.1} s\n", pause.as_secs_f64()))
                }
            })
        });
        let lived = alone::walk(&one, &settings, &target, &stop);
        drop(settings);
        let printed = pages.join().expect("the printer does not panic");
        printed.map(|()| lived)
    })?;
    match lived {
        Ok(walk) => Ok(end(&walk)),
        Err(error) => refused(error),
    }
}

/// What is said at the end of a visit.
fn end(walk: &Walk) -> Verdict {
    for complaint in &walk.complaints {
        say(&format!("not understood: {complaint}"));
    }
    let left = walk.departure.map_or("was stopped", Departure::word);
    let verdict = match walk.departure {
        Some(Departure::Bought) => Verdict::Pass,
        _ => Verdict::Inconclusive,
    };
    say(&format!("{}: the fan left as {left}", bare_line(verdict)));
    verdict
}

fn refused(error: LiveError) -> anyhow::Result<Verdict> {
    match error.why_nothing_was_lived() {
        Nothing::Begun(_) => Ok(run::refuse(&error, Verdict::Inconclusive)),
        Nothing::Abandoned | Nothing::Instrument => {
            Err(anyhow::anyhow!(error).context("failed to live the visit"))
        }
    }
}

/// An exchange as a person reads it: what was sent after `>`, what came after `<`.
fn page(number: usize, exchange: &Exchange) -> String {
    let mut page = format!("\n{number}  {}\n", exchange.step);
    for line in exchange.request.trim_end().lines() {
        writeln!(page, "   > {line}").expect(GROWS);
    }
    writeln!(page, "   < {}", exchange.status).expect(GROWS);
    for line in &exchange.fields {
        writeln!(page, "   < {line}").expect(GROWS);
    }
    if !exchange.body.is_empty() {
        page.push_str("   <\n");
    }
    for line in exchange.body.trim_end().lines() {
        writeln!(page, "   < {line}").expect(GROWS);
    }
    if exchange.hidden_bytes > 0 {
        writeln!(page, "   < … and {} bytes more", exchange.hidden_bytes).expect(GROWS);
    }
    if exchange.edge != Seen::default() {
        writeln!(page, "   edge: {}", exchange.edge).expect(GROWS);
    }
    for (name, value) in &exchange.captured {
        writeln!(page, "   {name} = {value:?}").expect(GROWS);
    }
    match exchange.outcome {
        None => page.push_str("   redirected"),
        Some(outcome) => write!(page, "   is {outcome}").expect(GROWS),
    }
    if !exchange.troubles.is_empty() {
        write!(page, ": {}", exchange.troubles.join(", ")).expect(GROWS);
    }
    if let Some(then) = &exchange.then {
        write!(page, ", then {then}").expect(GROWS);
    }
    page.push('\n');
    page
}

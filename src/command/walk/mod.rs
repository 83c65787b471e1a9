//! `spike try`: one fan walks the funnel of a foreign shop, and one sees each request and each answer.

mod page;
mod readable;

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
use crate::live::joined::{Beside, Joined};
use crate::live::means::{self, Machine};
use crate::live::transcript::Spoken;
use crate::live::{LiveError, Nothing, Settings};
use crate::verdict::{Verdict, World, bare_line};

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
    let (target, _) = place.open(&one, std::path::Path::new(""), clock)?;
    let stop = run::stop_on_signals()?;
    let beside = Beside::open(&scenario, &settings, &target, loaded.folder());
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to make the folder {}", folder.display()))?;
    }
    let lived = thread::scope(|scope| {
        let pages = scope.spawn(move || {
            let mut number = 0;
            heard.into_iter().try_for_each(|spoken| match spoken {
                Spoken::Exchange(exchange) => {
                    number += 1;
                    print(&page::of(number, &exchange, args.body))?;
                    page::save(number, &exchange, args.save.as_deref())
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
        Ok(walk) => {
            let joined = match beside {
                Ok(beside) => beside.map(|beside| beside.after(walk.departure)),
                Err(why) => Some(Joined { troubles: vec![why], ..Joined::default() }),
            };
            end(&walk, joined)
        }
        Err(error) => refused(error),
    }
}

/// What is said at the end of a visit, with what the ledgers say of it.
fn end(walk: &Walk, joined: Option<Joined>) -> anyhow::Result<Verdict> {
    let joined = joined.unwrap_or_default();
    if !joined.rows.is_empty() {
        print("\nin the ledgers\n")?;
    }
    for row in &joined.rows {
        print(&format!("   {row}\n"))?;
    }
    for trouble in &joined.troubles {
        say(&format!("ledgers: {trouble}"));
    }
    for complaint in &walk.complaints {
        say(&format!("not understood: {complaint}"));
    }
    let left = walk.departure.map_or("was stopped", Departure::word);
    let verdict = match walk.departure {
        Some(Departure::Bought) if joined.troubles.is_empty() => Verdict::Pass,
        _ => Verdict::Inconclusive,
    };
    let unjoined = match joined.troubles.len() {
        0 => "",
        _ => ", and the ledgers do not say what they should",
    };
    say(&format!("{}: the fan left as {left}{unjoined}", bare_line(verdict)));
    Ok(verdict)
}

fn refused(error: LiveError) -> anyhow::Result<Verdict> {
    match error.why_nothing_was_lived() {
        Nothing::Begun(_) => Ok(run::refuse(&error, Verdict::Inconclusive)),
        Nothing::Abandoned | Nothing::Instrument => {
            Err(anyhow::anyhow!(error).context("failed to live the visit"))
        }
    }
}

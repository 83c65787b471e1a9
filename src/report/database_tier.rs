//! The database of the simulated stack, as sentences.

use serde::Serialize;

use super::{digest, figure};
use crate::measure::{BusiestSecond, DatabaseTierSummary, Measured, Saturation};

/// What stands above them.
pub(super) const TITLE: &str = "The database of the stack";

/// All that is told of it.
#[derive(Debug, Serialize)]
pub(super) struct DatabaseTierSheet {
    pub(super) title: &'static str,
    /// What it had, how busy it was, what waited and what failed, a sentence each.
    pub(super) told: Vec<String>,
}

/// The sheet of a run whose database has a capacity, or fails over.
pub(super) fn sheet(measured: &Measured) -> Option<DatabaseTierSheet> {
    let database = measured.database_tier.as_ref()?;
    let opening_s = digest::opening_s(measured).unwrap_or(0.0);
    let moment = |at_s: f64| figure::moment(at_s - opening_s);
    let told = [
        capacity(database, &moment),
        database.busiest.map(|busiest| busy(busiest, &moment)),
        database.busiest.map(|_| full(database.full.as_ref(), &moment)),
        Some(queue(database)),
        Some(carried_out(database)),
    ];
    Some(DatabaseTierSheet { title: TITLE, told: told.into_iter().flatten().collect() })
}

/// `it had 2 ACU at the beginning, 48 ACU at most (from T-10 s), 44.5 ACU at the end`
fn capacity(database: &DatabaseTierSummary, moment: &dyn Fn(f64) -> String) -> Option<String> {
    let units = |units: f64| format!("{} ACU", units_word(units));
    let (first, last) = (database.capacity.first()?, database.capacity.last()?);
    let most = database.most();
    Some(match database.capacity.len() {
        1 => format!("it had {} all along", units(first.units)),
        _ => format!(
            "it had {} at the beginning, {} at most (from {}), {} at the end",
            units(first.units),
            units(most.units),
            moment(most.at_s),
            units(last.units)
        ),
    })
}

/// `2`, `44.5`
fn units_word(units: f64) -> String {
    figure::decimal(units, usize::from(units.fract() != 0.0))
}

fn busy(busiest: BusiestSecond, moment: &dyn Fn(f64) -> String) -> String {
    let BusiestSecond { at_s, busy_cores, cores, carried_out } = busiest;
    format!(
        "in its busiest second, at {}, {} of its {} processors were busy and {} statements were carried \
         out",
        moment(at_s),
        figure::decimal(busy_cores, 2),
        figure::decimal(cores, 2),
        figure::number(carried_out)
    )
}

fn full(full: Option<&Saturation>, moment: &dyn Fn(f64) -> String) -> String {
    let Some(Saturation { seconds, first_s, last_s }) = full else {
        return "its processors were never all busy for a second".to_owned();
    };
    format!(
        "all of them were busy in {} seconds, the first at {}, the last at {}",
        figure::number(*seconds),
        moment(*first_s),
        moment(*last_s)
    )
}

fn queue(database: &DatabaseTierSummary) -> String {
    let shared = match database.busiest {
        Some(_) => format!(
            "at most {} statements shared its processors; ",
            figure::number(database.sharing_max)
        ),
        None => String::new(),
    };
    format!(
        "{shared}{} of its {} connections were in use at most, and {} statements waited for one",
        figure::number(database.in_use_max),
        figure::number(database.connections),
        figure::number(database.waiting_max)
    )
}

fn carried_out(database: &DatabaseTierSummary) -> String {
    let failed = match database.failed {
        0 => String::new(),
        failed => {
            format!("; {} failed, and nobody knew what had come of them", figure::number(failed))
        }
    };
    format!("{} statements were carried out{failed}", figure::number(database.carried_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Breaking, BreakingTier, CapacityUnits};
    use crate::report::fixture;

    #[test]
    fn both_reports_tell_of_it_where_there_is_one_and_nowhere_else() {
        let mut summary = fixture::passing();
        let rendered = crate::report::render(&summary);
        assert!(!rendered.text.contains(TITLE) && !rendered.html.contains(TITLE));
        let opening_s = digest::opening_s(&summary.result.measured).unwrap();
        let change = |at_s, units| CapacityUnits { at_s: opening_s + at_s, units };
        let measured = &mut summary.result.measured;
        measured.database_tier = Some(DatabaseTierSummary {
            capacity: vec![change(-9.0, 2.0), change(1.0, 48.0), change(9.0, 44.5)],
            busiest: Some(BusiestSecond {
                at_s: opening_s + 2.0,
                busy_cores: 11.5,
                cores: 12.0,
                carried_out: 2_875,
            }),
            full: Some(Saturation {
                seconds: 8,
                first_s: opening_s + 1.0,
                last_s: opening_s + 8.0,
            }),
            connections: 4_000,
            in_use_max: 3_100,
            sharing_max: 3_000,
            waiting_max: 0,
            carried_out: 60_000,
            failed: 12,
        });
        measured.first_to_break =
            Some(Breaking { tier: BreakingTier::Database, at_s: opening_s, failed: 700, of: 800 });
        let rendered = crate::report::render(&summary);
        for report in [&rendered.text, &rendered.html] {
            let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [
                "it had 2 ACU at the beginning, 48 ACU at most (from T+1 s), 44.5 ACU at the end",
                "in its busiest second, at T+2 s, 11.50 of its 12.00 processors were busy and 2,875 \
                 statements were carried out",
                "all of them were busy in 8 seconds, the first at T+1 s, the last at T+8 s",
                "at most 3,000 statements shared its processors; 3,100 of its 4,000 connections were in \
                 use at most, and 0 statements waited for one",
                "60,000 statements were carried out; 12 failed, and nobody knew what had come of them",
                "database, at T+0 s: 700 of 800 requests to it failed or were never \
                 answered within that second.",
            ] {
                assert!(flat.contains(told), "{told}: {flat}");
            }
        }
        let quiet =
            DatabaseTierSummary { capacity: vec![change(-9.0, 16.0)], ..Default::default() };
        summary.result.measured.database_tier = Some(quiet);
        let text = crate::report::render(&summary).text;
        assert!(text.contains("it had 16 ACU all along"), "{text}");
        assert!(!text.contains("processors"), "{text}");
    }
}

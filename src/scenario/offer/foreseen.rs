//! What a job by the clock will foresee: how many tasks from when on.

use crate::scenario::wording::grouped;
use crate::tier::application::Application;

/// How many changes are told one by one.
const TOLD_MAX: usize = 12;

/// `18 task(s) at least from T-70 min, 4 from T+50 min`; nothing where nobody foresees anything.
pub(super) fn foreseen(application: &Application) -> Option<String> {
    let forecast = application.forecast.as_ref()?;
    let (min, max) = application.bounds();
    let mut steps: Vec<(i64, u32)> = forecast
        .steps()
        .into_iter()
        .map(|(look, tasks)| (look, tasks.clamp(min.min(max), max)))
        .collect();
    steps.dedup_by_key(|(_, tasks)| *tasks);
    let told: Vec<String> = steps
        .iter()
        .take(TOLD_MAX)
        .enumerate()
        .map(|(place, (look, tasks))| {
            let what = if place == 0 { " task(s) at least" } else { "" };
            format!("{}{what} from {}", grouped((*tasks).into()), moment(*look))
        })
        .collect();
    if told.is_empty() {
        return Some("nothing: no look sees a beginning that anybody has entered for".to_owned());
    }
    let more = steps.len().saturating_sub(TOLD_MAX);
    let more = if more > 0 { format!(", and {more} more changes") } else { String::new() };
    Some(format!("{}{more}", told.join(", ")))
}

/// So many nanoseconds from the first opening, in minutes where they are whole.
fn moment(look: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    const MINUTE: i64 = 60 * SECOND;
    if look % MINUTE == 0 {
        format!("T{:+} min", look / MINUTE)
    } else {
        format!("T{:+.0} s", look as f64 / SECOND as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(forecast: &str) -> Option<String> {
        let text = format!("servers = 1\nservice = '1s'\ntasks = 4\nmax = 40\n{forecast}");
        foreseen(&toml::from_str(&text).unwrap())
    }

    #[test]
    fn each_change_is_told_with_the_look_that_makes_it() {
        let forecast = "[forecast]\nat = '-10m'\nper_task = 10\n\
             [[forecast.tournaments]]\nstarts = '-10m'\n\
             entries = [{ count = 54 }, { count = 126, entered = '-45m' }]";
        let line = "6 task(s) at least from T-70 min, 18 from T-40 min, 4 from T+50 min";
        assert_eq!(told(forecast).as_deref(), Some(line));
        assert_eq!(told(""), None);
    }

    #[test]
    fn a_plan_that_knows_of_nobody_is_told_as_such() {
        let forecast = "[forecast]\nper_task = 10\nplanned = '-9d'\n\
             tournaments = [{ starts = '0s', entries = [{ count = 54, entered = '-5d' }] }]";
        assert!(told(forecast).unwrap().starts_with("nothing: "));
    }
}

//! Plain queues: a line for each figure, as text.

use serde::Serialize;

use crate::evidence::queue::{Estimate, QueueOutcome, TimeEstimate};
use crate::measure::Measured;

/// Whether there is nothing but queues: then there is neither a sale nor an objective to tell of.
pub(super) fn are_all(measured: &Measured) -> bool {
    let is_other = !measured.devices.is_empty() || !measured.rooms.is_empty();
    !measured.queues.is_empty() && !is_other && measured.sales.is_empty()
}

/// Whether there is something that is lived beside a sale, and no sale to tell of.
pub(super) fn without_a_sale(measured: &Measured) -> bool {
    let is_beside =
        !measured.queues.is_empty() || !measured.devices.is_empty() || !measured.rooms.is_empty();
    is_beside && measured.sales.is_empty()
}

/// A queue, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct QueueSheet {
    /// Its name, how many came, and how many of them were left out.
    pub(super) title: String,
    /// Why its figures say nothing, if they do not.
    pub(super) unsettled: Option<String>,
    /// What, its mean, where that lies, and quantiles (of times alone).
    pub(super) rows: Vec<[String; 6]>,
}

/// The heads of the rows.
pub(super) const HEADS: [&str; 6] = ["", "mean", "95 % confidence", "p50", "p95", "p99"];

/// All queues, by name.
pub(super) fn sheets(measured: &Measured) -> Vec<QueueSheet> {
    measured.queues.iter().map(|(name, queue)| sheet(name, queue)).collect()
}

fn sheet(name: &str, queue: &QueueOutcome) -> QueueSheet {
    let customers = super::figure::number(queue.customers);
    let warm_up = super::figure::number(queue.warm_up);
    let mut rows = vec![
        time("wait [s]", &queue.wait_s),
        time("in the system [s]", &queue.in_system_s),
        plain("waiting", queue.waiting),
        plain("in the system", queue.in_system),
        plain("utilisation", queue.utilisation),
        plain("served [1/s]", queue.per_s),
    ];
    let shares = [("turned away", queue.blocked), ("gave up", queue.abandoned)];
    rows.extend(
        shares
            .into_iter()
            .filter(|(_, share)| share.mean > 0.0)
            .map(|(what, share)| plain(what, share)),
    );
    QueueSheet {
        title: format!("Queue {name}: {customers} customers, the first {warm_up} left out"),
        unsettled: queue.unsettled.clone(),
        rows,
    }
}

fn plain(what: &str, Estimate { mean, ci95: [low, high] }: Estimate) -> [String; 6] {
    let none = String::new;
    [what.to_owned(), digits(mean), interval(low, high), none(), none(), none()]
}

fn time(what: &str, time: &TimeEstimate) -> [String; 6] {
    let [low, high] = time.ci95;
    let [p50, p95, p99] = [time.p50, time.p95, time.p99].map(digits);
    [what.to_owned(), digits(time.mean), interval(low, high), p50, p95, p99]
}

fn interval(low: f64, high: f64) -> String {
    format!("{} to {}", digits(low), digits(high))
}

/// A figure with five digits that count.
fn digits(value: f64) -> String {
    let mut places = 4_usize;
    let mut size = value.abs();
    while size >= 10.0 && places > 0 {
        size /= 10.0;
        places -= 1;
    }
    while size < 1.0 && size > 0.0 && places < 9 {
        size *= 10.0;
        places += 1;
    }
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_count() {
        let shown = [0.0, 0.050_813_7, 0.9, 9.0, 44.998, 12_345.6].map(digits);
        assert_eq!(shown, ["0.0000", "0.050814", "0.90000", "9.0000", "44.998", "12346"]);
    }
}

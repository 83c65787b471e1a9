//! How far the figures of several replications spread, as rows and sentences.

use serde::Serialize;

use super::breaking::tier;
use super::{figure, series};
use crate::measure::sample::Sample;
use crate::verdict::Judged;
use crate::verdict::replications::{Precision, Replications};

/// What the columns of the page's table are called, after the figure's name.
pub(super) const HEADS: [&str; 8] =
    ["In", "Mean", "95 % interval of the mean", "Least", "5 %", "Median", "95 %", "Most"];

/// All replications, ready to be shown.
#[derive(Debug, Serialize)]
pub(super) struct ReplicationSheet {
    pub(super) title: String,
    pub(super) sentences: Vec<String>,
    pub(super) rows: Vec<FigureRow>,
    /// Invariants and objectives, and in how many each was broken.
    pub(super) promises: Vec<[String; 2]>,
}

/// A figure of all replications.
#[derive(Debug, Serialize)]
pub(super) struct FigureRow {
    pub(super) name: String,
    /// How many replications have it.
    pub(super) count: String,
    pub(super) mean: String,
    /// `1.2 s to 1.4 s`
    pub(super) interval: String,
    /// Half of it, where there is less room: `±0.10 s`.
    pub(super) half_width: String,
    pub(super) min: String,
    pub(super) p5: String,
    pub(super) median: String,
    pub(super) p95: String,
    pub(super) max: String,
}

/// What became of all replications; nothing where the scenario was lived once.
pub(super) fn sheet(judged: &Judged) -> Option<ReplicationSheet> {
    let all = judged.replications.as_ref()?;
    // What failed nowhere and was refused nowhere would be half of the table.
    let told = all.figures.iter().filter(|(key, sample)| !is_share(key) || sample.max > 0.0);
    let mut figures: Vec<(&String, &Sample)> = told.collect();
    figures.sort_by_key(|(name, _)| rank(name));
    Some(ReplicationSheet {
        title: format!("{} replications", figure::number(all.lived.into())),
        sentences: sentences(all),
        rows: figures.into_iter().map(|(name, sample)| row(name, sample, all.lived)).collect(),
        promises: promises(all),
    })
}

/// What to do where another replication than the first, which this report is of, ended worst.
pub(super) fn next(judged: &Judged) -> Option<String> {
    let worst = judged.replications.as_ref()?.worst().filter(|worst| worst.number > 1)?;
    let (number, again) = (worst.number, worst.again());
    Some(format!("Live number {number} again, alone, with `{again}`, and read what broke there."))
}

/// What the band of the chart of the tiers is.
pub(super) fn shaded(all: &Replications) -> String {
    format!("shaded: 5 % to 95 % of {} replications", figure::number(all.lived.into()))
}

fn sentences(all: &Replications) -> Vec<String> {
    if all.lived == 0 {
        return vec!["None was lived to its end; this report is of number 1.".to_owned()];
    }
    let verdicts = all.verdicts.iter().map(|(verdict, count)| told(verdict.word(), *count, all));
    let mut sentences = vec![format!("Verdicts: {}.", verdicts.collect::<Vec<_>>().join(", "))];
    let broken: u32 = all.first_to_break.values().sum();
    let tiers = all.first_to_break.iter();
    let tiers = tiers.map(|(broken, count)| told(tier(*broken).0, *count, all));
    let nothing = all.lived.saturating_sub(broken);
    let nothing = (nothing > 0).then(|| told("nothing", nothing, all));
    let first: Vec<String> = tiers.chain(nothing).collect();
    if !first.is_empty() {
        sentences.push(format!("First to break: {}.", first.join(", ")));
    }
    sentences.extend(all.precision.as_ref().map(precision));
    if all.figures.iter().any(|(key, sample)| is_share(key) && sample.max <= 0.0) {
        sentences.push(
            "Shares of failed and refused requests are told where there were any.".to_owned(),
        );
    }
    sentences.push("All else in this report is of number 1.".to_owned());
    sentences
}

fn told(what: &str, count: u32, all: &Replications) -> String {
    let share = figure::share(count.into(), all.lived.into());
    format!("{what} in {} ({share})", figure::number(count.into()))
}

fn precision(precision: &Precision) -> String {
    let asked = figure::ratio(precision.asked);
    let Some(widest) = &precision.widest else {
        return format!("Nothing could be known within ±{asked}: there was nothing to read twice.");
    };
    let width = precision.half_width.map_or_else(
        || "its mean is 0, and not all of its values are".to_owned(),
        |width| format!("±{}", figure::ratio(width)),
    );
    let widest = name(widest);
    if precision.reached {
        format!("All figures asked for are known within ±{asked}; least of all {widest}: {width}.")
    } else {
        format!("Not all figures are known within ±{asked}; least of all {widest}: {width}.")
    }
}

fn promises(all: &Replications) -> Vec<[String; 2]> {
    let findings = all.findings.iter().map(|(id, tally)| {
        let violated = (tally.violated > 0).then(|| told("violated", tally.violated, all));
        let unchecked =
            (tally.not_checked > 0).then(|| told("not checked", tally.not_checked, all));
        [id.clone(), violated.into_iter().chain(unchecked).collect::<Vec<_>>().join(", ")]
    });
    let objectives = all.objectives.iter().map(|tally| {
        let parts =
            [("met", tally.met), ("missed", tally.missed), ("not assessed", tally.not_assessed)];
        let parts = parts.iter().filter(|(_, count)| *count > 0);
        let parts: Vec<String> = parts.map(|(what, count)| told(what, *count, all)).collect();
        [tally.text.clone(), parts.join(", ")]
    });
    findings.chain(objectives).collect()
}

fn row(key: &str, sample: &Sample, lived: u32) -> FigureRow {
    let told = |value: f64| value_of(key, value);
    let interval = sample.ci95.map(|[low, high]| format!("{} to {}", told(low), told(high)));
    let half_width = sample.ci95.map(|[low, high]| within(&told((high - low) / 2.0)));
    let or_none = |known: Option<String>| known.unwrap_or_else(|| figure::NONE.to_owned());
    let count = match sample.count {
        all if all == u64::from(lived) => "all".to_owned(),
        some => figure::number(some),
    };
    FigureRow {
        name: name(key),
        count,
        mean: told(sample.mean),
        interval: or_none(interval),
        half_width: or_none(half_width),
        min: told(sample.min),
        p5: told(sample.p5),
        median: told(sample.median),
        p95: told(sample.p95),
        max: told(sample.max),
    }
}

/// On both sides: `±0.10 s`, or `< ±0.01 %`.
fn within(half_width: &str) -> String {
    let less = half_width.strip_prefix("< ").map(|bound| format!("< ±{bound}"));
    less.unwrap_or_else(|| format!("±{half_width}"))
}

/// Whether a figure is a share of an operation's answers.
fn is_share(key: &str) -> bool {
    key.starts_with("operations.") && (key.ends_with(".failed") || key.ends_with(".refused"))
}

/// A value in the unit of its figure.
fn value_of(key: &str, value: f64) -> String {
    match key {
        _ if key.starts_with("objectives.") => series::value(value),
        _ if is_share(key) => figure::ratio(value),
        _ if key.ends_with("per_s") => figure::rate(value),
        _ if key.ends_with("_ms") => figure::milliseconds(value),
        _ if key.ends_with("_s") => figure::seconds(value),
        _ => series::value(value),
    }
}

/// How a figure's key begins, in the order in which figures are shown.
const ORDER: [&str; 9] = [
    "sales.",
    "orders.",
    "payments.",
    "fans.",
    "findings.",
    "objectives.",
    "operations.",
    "rates.",
    "queues.",
];

fn rank(key: &str) -> usize {
    ORDER.iter().position(|part| key.starts_with(part)).unwrap_or(ORDER.len())
}

/// How figures of a kind end, and what they are called.
const KINDS: [(&str, &str); 15] = [
    (".sold", "pieces sold"),
    (".sell_out_s", "sold out after"),
    (".p50_ms", "p50"),
    (".p95_ms", "p95"),
    (".p99_ms", "p99"),
    (".failed", "failed"),
    (".refused", "refused"),
    (".peak_per_s", "at most"),
    (".wait_s", "wait"),
    (".in_system", "in the system"),
    (".count", "violations"),
    (".confirmed", "paid"),
    (".orphaned", "orphaned"),
    (".per_s", "per second"),
    (".bought", "bought"),
];

/// A figure's key in words: `day-1: sold out after`, `checkout: p99`.
fn name(key: &str) -> String {
    let of = ORDER.iter().find_map(|part| key.strip_prefix(part));
    let Some(rest) = of else { return key.to_owned() };
    if key.starts_with("objectives.") {
        return rest.to_owned();
    }
    // What is of all sales has its kind alone behind the first word.
    let whole = if rest.contains('.') { rest } else { key };
    let kind = KINDS.iter().find_map(|(end, kind)| Some((whole.strip_suffix(end)?, kind)));
    kind.map_or_else(|| whole.to_owned(), |(of, kind)| format!("{of}: {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{fixture, render};
    use crate::verdict::Verdict;
    use crate::verdict::replications::{Life, Merge, Observation};

    /// The passing storm, three times: with other sell-out times, and once oversold.
    fn replicated() -> crate::verdict::Summary {
        let mut summary = fixture::passing();
        let mut merge = Merge::default();
        for (number, sold_out_s) in [(1, 67.4), (2, 70.4), (3, 76.4)] {
            let mut judged = summary.result.clone();
            let sale = judged.measured.sales.get_mut("day-1").unwrap();
            sale.sold_out_s = Some(sold_out_s);
            for second in &mut judged.measured.timeline {
                second.edge *= u64::from(number);
            }
            if number == 3 {
                judged.verdict = Verdict::InvariantViolated;
                judged.reasons = vec!["INV-OVERSELL: 2 <b>pieces</b> oversold.".to_owned()];
                let oversell = judged.findings.iter_mut().find(|it| it.id == "INV-OVERSELL");
                oversell.unwrap().status = crate::audit::Status::Violated;
            }
            let set = vec![format!("provider.latency.authorize={number}00ms")];
            let life = Life { number, seed: 7 * u64::from(number), set };
            merge.add(Observation::of(life, &judged));
        }
        summary.result.replicated(merge.finish(3, Some(0.05), false));
        summary
    }

    #[test]
    fn both_reports_tell_how_far_figures_spread_and_in_how_many_it_broke() {
        let summary = replicated();
        let rendered = render(&summary);
        for report in [&rendered.text, &rendered.html] {
            for words in [
                "3 replications",
                "day-1: sold out after",
                "checkout: p99",
                "edge: at most",
                "INV-OVERSELL",
                "violated in 1 (33.3 %)",
            ] {
                assert!(report.contains(words), "{words}: {report}");
            }
        }
        assert!(rendered.text.lines().all(|line| line.chars().count() <= 100));
        assert!(!rendered.html.contains("<b>pieces"));
        assert!(
            next(&summary.result)
                .unwrap()
                .starts_with("Live number 3 again, alone, with `--seed 21")
        );
        assert_eq!(next(&fixture::failing().result), None);
        assert!(rendered.text.contains("'provider.latency.authorize=300ms'"));
        // By hand: 27.4, 30.4 and 36.4 s after the opening have the mean 31.4.
        let sheet = sheet(&summary.result).unwrap();
        let sold_out = sheet.rows.iter().find(|row| row.name == "day-1: sold out after").unwrap();
        assert_eq!(
            (&*sold_out.mean, &*sold_out.median, &*sold_out.count),
            ("31.4 s", "30.4 s", "all")
        );
        assert!(sheet.rows.iter().all(|row| row.max != figure::ratio(0.0)), "{:?}", sheet.rows);
        assert_eq!(sold_out.interval, "20.0 s to 42.8 s");
        assert_eq!(sold_out.half_width, "±11.4 s");
    }

    #[test]
    fn the_timeline_has_a_band_where_there_are_several() {
        let one = render(&fixture::passing()).timeline_svg;
        let several = render(&replicated()).timeline_svg;
        assert!(!one.contains("replications") && several.contains("5 % to 95 % of 3 replications"));
        assert!(several.matches("<polygon").count() > one.matches("<polygon").count());
        assert!(!several.contains("NaN") && !several.contains("inf"));
    }

    #[test]
    fn what_was_lived_once_says_nothing_of_replications() {
        let rendered = render(&fixture::passing());
        assert!(!rendered.text.contains("replication") && !rendered.html.contains("replication"));
    }

    #[test]
    fn half_of_an_interval_has_its_sign_before_the_number() {
        assert_eq!((within("0.10 s"), within("< 0.01 %")), ("±0.10 s".into(), "< ±0.01 %".into()));
    }

    #[test]
    fn keys_are_told_in_words() {
        for (key, words) in [
            ("sales.day-1.sell_out_s", "day-1: sold out after"),
            ("sales.v1.2.sold", "v1.2: pieces sold"),
            ("operations.reload.call.p99_ms", "reload.call: p99"),
            ("rates.edge.peak_per_s", "edge: at most"),
            ("orders.confirmed", "orders: paid"),
            ("orders.per_s", "orders: per second"),
            ("payments.refused", "payments: refused"),
            ("fans.bought", "fans: bought"),
            ("findings.INV-OVERSELL.count", "INV-OVERSELL: violations"),
            ("objectives.reload p(99) < 300ms", "reload p(99) < 300ms"),
        ] {
            assert_eq!(name(key), words);
        }
    }
}

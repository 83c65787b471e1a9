//! The words of the gate's figures.

use crate::measure::change::Layout;
use crate::report::compare::words::amount;
use crate::report::figure::{self, NONE};
use crate::verdict::compare::Unit;
use crate::verdict::gate::{Gated, Judgement, Middle, Side, Standing};

/// What a figure's standing is called.
pub(in crate::report) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Unchanged => "unchanged",
        Standing::Improved => "improved",
        Standing::Regressed => "regressed",
        Standing::Undecided => "undecided",
        Standing::Missing => "missing",
    }
}

/// The median of a side, with its unit.
pub(in crate::report) fn middle(unit: Unit, middle: Option<&Middle>) -> String {
    middle.map_or_else(|| NONE.to_owned(), |middle| amount(unit, middle.median))
}

/// An effect with its sign: `+12.4 %`; of shares in points of a hundred.
pub(in crate::report) fn change(unit: Unit, by: Option<f64>) -> String {
    by.map_or_else(|| NONE.to_owned(), |by| format!("{}{}", sign(by), size(unit, by)))
}

/// `+8.1…+17.2 %`.
pub(in crate::report) fn interval(unit: Unit, ends: Option<[f64; 2]>) -> String {
    let Some([low, high]) = ends else { return NONE.to_owned() };
    let end = |by: f64| format!("{}{}", sign(by), digits(by));
    format!("{}…{} {}", end(low), end(high), of(unit))
}

/// An effect without a sign.
pub(in crate::report) fn size(unit: Unit, by: f64) -> String {
    format!("{} {}", digits(by), of(unit))
}

/// What each gating figure's runs could have shown: `a change of 7.0 % of checkout p99; for 5.0 % run 31 pairs`.
/// Nothing of simulated runs, of which nothing is chance.
pub(in crate::report) fn power(gated: &Gated) -> Vec<String> {
    if gated.level.is_none() {
        return Vec::new();
    }
    gated.gating().map(|figure| of_figure(figure, gated.layout)).collect()
}

fn of_figure(judged: &Judgement, layout: Layout) -> String {
    let Judgement { name, unit, .. } = judged;
    let Some(seen) = judged.seen else {
        return format!("{name}: nothing can be said");
    };
    let least = judged.min_effect.unwrap_or_default();
    let what = match layout {
        Layout::Pairs => "pairs",
        Layout::Apart => "runs of each",
    };
    let more = match judged.needs_runs {
        _ if seen <= least => String::new(),
        Some(runs) => format!("; for {} run {runs} {what}", size(*unit, least)),
        None => format!("; for {} more than 100 {what} would be needed", size(*unit, least)),
    };
    format!("{name}: a change of {}{more}", size(*unit, seen))
}

/// How many runs there are, and how they belong together: `These 8 pairs`.
pub(in crate::report) fn these(gated: &Gated) -> String {
    let (of_a, of_b) = (gated.baseline.runs.len(), gated.candidate.runs.len());
    match gated.layout {
        Layout::Pairs if of_a == 1 => "this pair".to_owned(),
        Layout::Pairs => format!("these {of_a} pairs"),
        Layout::Apart => format!("these {of_a} and {of_b} runs"),
    }
}

/// `8 runs, 7 pass, 1 objective_missed`.
pub(in crate::report) fn runs(side: &Side) -> String {
    let mut verdicts = std::collections::BTreeMap::new();
    for run in &side.runs {
        *verdicts.entry(run.verdict).or_insert(0_u32) += 1;
    }
    let verdicts: Vec<String> =
        verdicts.iter().map(|(verdict, runs)| format!("{runs} {}", verdict.word())).collect();
    let noun = if side.runs.len() == 1 { "run" } else { "runs" };
    format!("{} {noun}, {}", side.runs.len(), verdicts.join(", "))
}

/// Whether what does not gate lies apart by more than chance explains: its interval holds no 0; of simulated
/// runs, whether it differs at all.
pub(in crate::report) fn differs(figure: &Judgement, gated: &Gated) -> bool {
    match figure.ci95 {
        Some([low, high]) => low > 0.0 || high < 0.0,
        None => gated.level.is_none() && figure.effect.is_some_and(|by| by.abs() > 0.0),
    }
}

fn sign(by: f64) -> &'static str {
    if by > 0.0 {
        "+"
    } else if by < 0.0 {
        "−"
    } else {
        ""
    }
}

/// A share in hundredths, with as many digits as mean something.
fn digits(by: f64) -> String {
    let percent = by.abs() * 100.0;
    figure::decimal(percent, usize::from(percent < 100.0))
}

const fn of(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "pp",
        _ => "%",
    }
}

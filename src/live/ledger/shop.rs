//! The ledger of a foreign shop, read whole: once before the storm, now and then while it drains,
//! and once more at the end.

use std::collections::{BTreeMap, BTreeSet};

use tokio::runtime::Runtime;

use crate::evidence::ledgers::{Ends, ShopClock};
use crate::live::clock::Clock;
use crate::live::ledger::mapping::shop::{ShopRow, Words, lacking, read};
use crate::live::ledger::mapping::{Fault, Row};
use crate::live::ledger::place::{Filling, Home};
use crate::live::ledger::rows::{Heard, Question, Source, SourceError, Value};
use crate::scenario::target::{Kind, ShopLedger};

/// How far the clock of this machine may be from that of a shop whose database is a file here
/// \[ns\]: they are one, and only their readings differ.
const SAME_MACHINE_NS: u64 = 1_000_000_000;

/// A foreign shop's ledger.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) source: Source,
    questions: Vec<Question>,
    words: Words,
}

/// What one reading found, beside its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    /// The columns of the kinds that could be read.
    pub(super) columns: BTreeMap<Kind, BTreeSet<String>>,
    /// Why the others could not.
    pub(super) lacking: BTreeMap<Kind, String>,
    pub(super) shift: Shift,
}

/// From the shop's clock to the run's.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// What is taken off the shop's times \[ns\].
    ahead_ns: i128,
    pub(super) clock: ShopClock,
}

impl Shift {
    /// A time of the shop on the run's clock; 0 stays none.
    pub(super) fn ours(&self, utc_ns: u64) -> u64 {
        if utc_ns == 0 {
            return 0;
        }
        u64::try_from(i128::from(utc_ns) - self.ahead_ns).unwrap_or(utc_ns)
    }

    /// Of a clock that said `utc_ns`, give or take `error_ns`, between two of our times.
    fn of(utc_ns: u64, error_ns: u64, asked_utc_ns: u64, heard_utc_ns: u64) -> Self {
        let middle = asked_utc_ns.midpoint(heard_utc_ns);
        let half = heard_utc_ns.saturating_sub(asked_utc_ns).div_ceil(2);
        Self {
            ahead_ns: i128::from(utc_ns) - i128::from(middle),
            clock: ShopClock::Within { error_ns: error_ns.saturating_add(half) },
        }
    }
}

impl Shop {
    /// The ledger that a scenario at `home` names, for the run whose intents begin with `prefix`.
    ///
    /// # Errors
    /// When a value is not known, or it is no source.
    pub(super) fn new(
        ledger: &ShopLedger,
        filling: &Filling<'_>,
        home: &Home,
        prefix: String,
    ) -> Result<Self, SourceError> {
        let questions = ledger
            .questions
            .iter()
            .map(|(kind, text)| Ok(Question { kind: *kind, text: filling.text(text)?.text }));
        Ok(Self {
            source: Source::new(&ledger.rows, filling, home)?,
            questions: questions.collect::<Result<_, SourceError>>()?,
            words: Words {
                paid: ledger.paid.iter().cloned().collect(),
                terminal: ledger.terminal.iter().cloned().collect(),
                prefix,
            },
        })
    }

    /// Whether rows of that kind are asked for.
    pub(super) fn asks(&self, kind: Kind) -> bool {
        self.questions.iter().any(|question| question.kind == kind)
    }

    /// Whether it is said which statuses are an end.
    pub(super) fn ends(&self) -> Ends {
        if self.words.terminal.is_empty() { Ends::Unsaid } else { Ends::Listed }
    }

    /// Reads all kinds of rows at one moment, and hands each row to `take` with what is known of
    /// the shop's clock. Of a kind of which a row cannot be read, some rows may have been handed
    /// over: that kind is lacking.
    ///
    /// # Errors
    /// When nothing can be read.
    pub(super) fn read(
        &self,
        runtime: &Runtime,
        clock: Clock,
        take: &mut dyn FnMut(ShopRow, Shift),
    ) -> Result<Looked, SourceError> {
        let mut reading = Reading::default();
        if self.source.is_on_this_machine() {
            reading.looked.shift.clock = ShopClock::Within { error_ns: SAME_MACHINE_NS };
        }
        let asked_utc_ns = clock.now_utc_ns();
        self.source.ask(runtime, self.questions.clone(), &mut |heard| match heard {
            Heard::Clock { utc_ns, error_ns } => {
                let now_utc_ns = clock.now_utc_ns();
                reading.looked.shift = Shift::of(utc_ns, error_ns, asked_utc_ns, now_utc_ns);
            }
            Heard::Columns(kind, columns) => reading.begin(kind, columns),
            Heard::Row(values) => {
                if let Some(row) = reading.row(&values, &self.words) {
                    take(row, reading.looked.shift);
                }
            }
            Heard::End(kind, ended) => reading.end(kind, ended),
        })?;
        for Question { kind, .. } in &self.questions {
            if !reading.looked.columns.contains_key(kind) {
                let why = || "it was not answered".to_owned();
                reading.looked.lacking.entry(*kind).or_insert_with(why);
            }
        }
        Ok(reading.looked)
    }
}

/// A reading under way.
#[derive(Default)]
struct Reading {
    looked: Looked,
    /// The kind whose rows come now, and its columns.
    kind: Option<Kind>,
    columns: Vec<String>,
    /// What that kind cannot do without.
    lacking: Option<String>,
    rows: u64,
    /// The first row that could not be read, and how many could not.
    fault: Option<Fault>,
    faults: u64,
}

impl Reading {
    fn begin(&mut self, kind: Kind, columns: Vec<String>) {
        self.lacking = lacking(kind, &columns);
        (self.kind, self.columns) = (Some(kind), columns);
        (self.rows, self.fault, self.faults) = (0, None, 0);
    }

    fn row(&mut self, values: &[Value], words: &Words) -> Option<ShopRow> {
        self.rows += 1;
        let kind = self.kind.filter(|_| self.lacking.is_none())?;
        match read(kind, &Row::new(kind, self.rows, &self.columns, values), words) {
            Ok(row) => row,
            Err(fault) => {
                self.faults += 1;
                self.fault.get_or_insert(fault);
                None
            }
        }
    }

    fn end(&mut self, kind: Kind, ended: Result<(), String>) {
        let columns = std::mem::take(&mut self.columns);
        let fault = self.fault.take().map(|fault| match self.faults {
            1 => fault.to_string(),
            many => format!("{fault}; and {} more such rows", many - 1),
        });
        match ended.err().or(self.lacking.take()).or(fault) {
            Some(why) => {
                self.looked.lacking.insert(kind, why);
            }
            None if self.kind == Some(kind) => {
                self.looked.columns.insert(kind, columns.into_iter().collect());
            }
            None => {}
        }
        self.kind = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_is_brought_back_within_its_error() {
        let second = 1_000_000_000;
        let shift = Shift::of(107 * second, 1, 99 * second, 101 * second);
        assert_eq!(shift.ours(110 * second), 103 * second);
        assert_eq!(shift.clock, ShopClock::Within { error_ns: second + 1 });
        assert_eq!(shift.ours(0), 0);
    }
}

//! Which invariants nobody can check, for want of a ledger, a query or a column: what the judge
//! needs, held against what the scenario asks for.

use crate::audit::coverage::{Need, needs};
use crate::audit::{INVARIANTS, Invariant, Source};
use crate::scenario::Scenario;
use crate::scenario::target::{Kind, ProviderLedger, Rows, Target};

/// A sentence for each thing that is missing, with the invariants that need it.
pub(super) fn unseen(scenario: &Scenario, target: &Target) -> Vec<String> {
    let asked = Asked { scenario, target };
    let mut by_reason: Vec<(String, Vec<&str>)> = Vec::new();
    // What no ledger is needed for (an admission, which a foreign shop has not) is left out.
    for invariant in INVARIANTS.iter().filter(|invariant| !needs(invariant.id).is_empty()) {
        let Some(reason) = asked.lacks(invariant) else { continue };
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(invariant.id),
            None => by_reason.push((reason, vec![invariant.id])),
        }
    }
    by_reason.into_iter().map(|(reason, ids)| format!("{}: {reason}", ids.join(", "))).collect()
}

/// What a scenario asks of its ledgers.
struct Asked<'a> {
    scenario: &'a Scenario,
    target: &'a Target,
}

impl Asked<'_> {
    /// The first thing that an invariant needs and that is not asked for.
    fn lacks(&self, invariant: &Invariant) -> Option<String> {
        for source in invariant.reads {
            match source {
                Source::Shop if self.target.shop.is_none() => {
                    return Some("there is no `[ledger.shop]`".to_owned());
                }
                Source::Provider if self.target.provider.is_none() => {
                    return Some("there is no `[ledger.provider]`".to_owned());
                }
                _ => {}
            }
        }
        needs(invariant.id).iter().find_map(|need| self.lacks_need(*need))
    }

    fn lacks_need(&self, need: Need) -> Option<String> {
        match need {
            Need::Must(kind, columns) | Need::Should(kind, columns) => {
                self.lacks_columns(kind, columns)
            }
            Need::Named => self.lacks_columns("payments", &["intent"]),
            Need::Joined => {
                let both =
                    |column| ["orders", "payments"].iter().all(|kind| self.gives(kind, &[column]));
                (!both("intent") && !both("payment"))
                    .then(|| "orders and payments share neither `intent` nor `payment`".to_owned())
            }
            Need::Slot => {
                let has_slots = self.scenario.catalogue.slots().next().is_some();
                has_slots.then(|| self.lacks_columns("orders", &["slot"])).flatten()
            }
            Need::Stock => {
                let nobody_says = !self.asks("stock") && !self.target.unstated.is_empty();
                nobody_says.then(|| {
                    "no `stock` is stated for an item, and there is no query `stock`".to_owned()
                })
            }
            Need::Left => self.lacks_left(),
            Need::Held if self.asks("reservations") => {
                self.lacks_columns("reservations", &["order_id", "held_until"])
            }
            Need::Held => {
                self.lacks_left().map(|why| format!("{why}, and there is no query `reservations`"))
            }
        }
    }

    /// What is left of an item stands in `free`, or in a row for each piece.
    fn lacks_left(&self) -> Option<String> {
        if self.asks("units") {
            return None;
        }
        if !self.asks("stock") {
            return Some("there is no query `stock` with a column `free`".to_owned());
        }
        let why = self.lacks_columns("stock", &["free"])?;
        Some(format!("{why} (unless its `stock` is what is left)"))
    }

    fn lacks_columns(&self, kind: &str, columns: &[&str]) -> Option<String> {
        if self.gives(kind, columns) {
            return None;
        }
        if !self.asks(kind) {
            return Some(format!("there is no query `{kind}`"));
        }
        let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
        Some(format!("the query `{kind}` gives no column {}", names.join(" or ")))
    }

    fn asks(&self, kind: &str) -> bool {
        self.question(kind).is_some()
    }

    /// Whether a kind of rows has one of these columns, as far as its question says: what a server
    /// answers, what a `*` stands for, and what a mock's ledger has, is taken for granted.
    fn gives(&self, kind: &str, columns: &[&str]) -> bool {
        match self.question(kind) {
            None => false,
            Some(Question::Opaque) => true,
            Some(Question::Query(query)) => columns.iter().any(|column| names(query, column)),
        }
    }

    fn question(&self, kind: &str) -> Option<Question<'_>> {
        if kind == "payments" {
            return Some(match self.target.provider.as_ref()? {
                ProviderLedger::Mock { .. } => Question::Opaque,
                ProviderLedger::Mapped { rows, payments } => Question::of(rows, payments),
            });
        }
        let shop = self.target.shop.as_ref()?;
        let kind = match kind {
            "stock" => Kind::Stock,
            "slots" => Kind::Slots,
            "reservations" => Kind::Reservations,
            "units" => Kind::Units,
            _ => Kind::Orders,
        };
        shop.questions.get(&kind).map(|question| Question::of(&shop.rows, question))
    }
}

/// A question, as far as its columns can be seen in it.
enum Question<'a> {
    /// They can.
    Query(&'a str),
    /// Only asking tells.
    Opaque,
}

impl<'a> Question<'a> {
    fn of(rows: &Rows, text: &'a str) -> Self {
        match rows {
            Rows::Sql { .. } if !text.contains('*') => Self::Query(text),
            Rows::Sql { .. } | Rows::Http { .. } => Self::Opaque,
        }
    }
}

/// Whether a query names a column.
fn names(query: &str, column: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    query.split(|letter| !is_part(letter)).any(|word| word.eq_ignore_ascii_case(column))
}

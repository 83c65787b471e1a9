//! The ledger of a foreign shop's payment provider: that of our mock, which only grows, or any
//! other by its rows.

use std::collections::{BTreeMap, BTreeSet};

use domain::provider::PaymentLine;
use reqwest::StatusCode;
use tokio::runtime::Runtime;

use crate::evidence::ledgers::ProviderTells;
use crate::live::abroad::Trust;
use crate::live::admin::with_causes;
use crate::live::ledger::LEDGER_MAX;
use crate::live::ledger::mapping::shop::lacking;
use crate::live::ledger::mapping::{COLUMNS, Row, intent, payments};
use crate::live::ledger::place::{Filled, Filling, Home};
use crate::live::ledger::rows::{Heard, Question, Source, SourceError};
use crate::live::ledger::server::Server;
use crate::scenario::target::{Kind, ProviderLedger};

/// A provider's ledger, and what of it belongs to the run.
#[derive(Debug)]
pub(super) struct Provider {
    from: From,
    prefix: String,
    /// The names of payments from before the run: whatever becomes of them is not the run's.
    earlier: BTreeSet<String>,
    /// Lines from before the run that name no payment, and how often each was there.
    nameless: BTreeMap<String, u64>,
    /// The lines since.
    lines: Vec<PaymentLine>,
    columns: BTreeSet<String>,
}

#[derive(Debug)]
enum From {
    /// The mock's administration, and how many bytes of its ledger were read.
    Mock { url: Filled, trust: Trust, read: u64 },
    /// Rows of somebody's.
    Mapped { source: Source, question: String },
}

impl Provider {
    /// The ledger that a scenario at `home` names, for the run whose intents begin with `prefix`.
    ///
    /// # Errors
    /// When a value is not known, or it is no source.
    pub(super) fn new(
        ledger: &ProviderLedger,
        filling: &Filling<'_>,
        home: &Home,
        prefix: String,
    ) -> Result<Self, SourceError> {
        let from = match ledger {
            ProviderLedger::Mock { url } => {
                From::Mock { url: filling.url(url)?, trust: home.trust.clone(), read: 0 }
            }
            ProviderLedger::Mapped { rows, payments } => From::Mapped {
                source: Source::new(rows, filling, home)?,
                question: filling.text(payments)?.text,
            },
        };
        Ok(Self {
            from,
            prefix,
            earlier: BTreeSet::new(),
            nameless: BTreeMap::new(),
            lines: Vec::new(),
            columns: BTreeSet::new(),
        })
    }

    /// All that is there now is from before the run.
    ///
    /// # Errors
    /// As [`Provider::look`].
    pub(super) fn begin(&mut self, runtime: &Runtime) -> Result<(), String> {
        self.look(runtime)?;
        for line in std::mem::take(&mut self.lines) {
            match line.payment {
                Some(payment) => {
                    self.earlier.insert(payment);
                }
                None => *self.nameless.entry(same(&line)).or_default() += 1,
            }
        }
        if matches!(self.from, From::Mock { .. }) {
            // The mock tells nothing twice: what comes, is new.
            self.nameless.clear();
        }
        Ok(())
    }

    /// The run's lines, as far as there are any now.
    ///
    /// # Errors
    /// When they cannot be had whole; why, in one line.
    pub(super) fn look(&mut self, runtime: &Runtime) -> Result<&[PaymentLine], String> {
        let found = match &mut self.from {
            From::Mock { url, trust, read } => {
                self.columns = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
                let found =
                    runtime.block_on(fetch(url, trust, read)).map_err(|why| url.hide(&why))?;
                let lines: Result<Vec<PaymentLine>, _> = found
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .map(serde_json::from_slice)
                    .collect();
                let mut lines =
                    lines.map_err(|error| format!("{}: a line of it: {error}", url.shown))?;
                for line in &mut lines {
                    line.intent = intent(&line.intent, &self.prefix);
                }
                lines
            }
            From::Mapped { source, question } => {
                self.lines.clear();
                let (columns, lines) = ask(source, question, runtime, &self.prefix)?;
                self.columns = columns;
                lines
            }
        };
        let mut nameless = self.nameless.clone();
        self.lines.extend(found.into_iter().filter(|line| match &line.payment {
            Some(payment) => !self.earlier.contains(payment),
            None => match nameless.get_mut(&same(line)) {
                Some(left @ 1..) => {
                    *left -= 1;
                    false
                }
                _ => true,
            },
        }));
        Ok(&self.lines)
    }

    /// Whether the ledger names the intent `intent`, written as the shop was told it.
    ///
    /// # Errors
    /// As [`Provider::look`].
    pub(super) fn names(&mut self, intent: &str, runtime: &Runtime) -> Result<bool, String> {
        let own = super::mapping::intent(intent, &self.prefix);
        let lines = self.look(runtime)?;
        Ok(lines.iter().any(|line| line.intent == own || line.reference == intent))
    }

    /// What the ledger tells.
    pub(super) const fn tells(&self) -> ProviderTells {
        match self.from {
            From::Mock { .. } => ProviderTells::Calls,
            From::Mapped { .. } => ProviderTells::Payments,
        }
    }

    /// The columns that were read.
    pub(super) const fn columns(&self) -> &BTreeSet<String> {
        &self.columns
    }
}

/// A line as a text, to know it again.
fn same(line: &PaymentLine) -> String {
    format!("{line:?}")
}

/// What the mock wrote down since `read`.
async fn fetch(url: &Filled, trust: &Trust, read: &mut u64) -> Result<Vec<u8>, String> {
    let here = |why: &str| format!("{}/admin/ledger: {why}", url.shown.trim_end_matches('/'));
    let failed = |error: reqwest::Error| here(&with_causes(&error.without_url()));
    let server = Server::at(&url.text, trust).map_err(|why| here(&why))?;
    let asked = server.get(&format!("admin/ledger?after={read}"));
    let mut response = asked.send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(here(&format!("it answered {}", response.status())));
    }
    let mut text = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(failed)? {
        text.extend_from_slice(&bytes);
        if *read + text.len() as u64 > LEDGER_MAX {
            return Err(here(&format!("it is longer than {LEDGER_MAX} bytes")));
        }
    }
    if text.last().is_some_and(|last| *last != b'\n') {
        return Err(here("its last line is not whole"));
    }
    *read += text.len() as u64;
    Ok(text)
}

/// All rows of a source as lines, and its columns.
fn ask(
    source: &Source,
    question: &str,
    runtime: &Runtime,
    prefix: &str,
) -> Result<(BTreeSet<String>, Vec<PaymentLine>), String> {
    let questions = vec![Question { kind: Kind::Payments, text: question.to_owned() }];
    let (mut columns, mut lines, mut number) = (Vec::new(), Vec::new(), 0);
    let mut failure: Option<String> = None;
    let asked = source.ask(runtime, questions, &mut |heard| match heard {
        Heard::Clock { .. } => {}
        Heard::Columns(_, names) => {
            failure = lacking(Kind::Payments, &names);
            columns = names;
        }
        Heard::Row(values) => {
            number += 1;
            if failure.is_none() {
                match payments::read(&Row::new(Kind::Payments, number, &columns, &values), prefix) {
                    Ok(found) => lines.extend(found),
                    Err(fault) => failure = Some(fault.to_string()),
                }
            }
        }
        Heard::End(_, ended) => failure = ended.err().or(failure.take()),
    });
    asked.map_err(|error: SourceError| with_causes(&error))?;
    match failure {
        Some(why) => Err(format!("{}: {why}", source.shown())),
        None => Ok((columns.into_iter().collect(), lines)),
    }
}

//! The ledgers of shop and provider, as evidence.
//!
//! The embedded ones speak the judge's own language and are copied as they are ([`fetch`]). Those of
//! a foreign shop are read before the storm and after it ([`Foreign`]), by whatever queries its
//! scenario writes, and what was there before is left out.

mod closing;
mod fetch;
mod hook;
mod mapping;
mod opening;
pub(super) mod place;
mod provider;
pub(super) mod rest;
mod rows;
mod server;
mod shop;
mod stock;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use domain::shop::Catalogue;
use tokio::runtime::{self, Runtime};

use crate::evidence::ledgers::{AtOpening, Ledgers};
use crate::live::admin::with_causes;
use crate::live::clock::Clock;
use crate::scenario::target::{Hook, Kind, ProviderLedger, ShopLedger, Target};
use closing::Closing;
use hook::Deed;
use mapping::word;
use opening::Opening;
use place::{Filling, Home};
use provider::Provider;
use rows::SourceError;
use shop::{Looked, Shop};

pub use fetch::LedgerSinks;
pub(super) use fetch::{copy_file, fetch};
pub use hook::HookError;
pub(super) use server::Server;

/// The largest ledger that is fetched: about ten million orders \[bytes\].
const LEDGER_MAX: u64 = 4 << 30;

/// The ledgers of a foreign shop and of its provider, from before the storm until they are written
/// down as evidence.
#[derive(Debug)]
pub(super) struct Foreign {
    runtime: Runtime,
    clock: Clock,
    wanted: Wanted,
    catalogue: Catalogue,
    run: String,
    home: Home,
    shop: Option<Shop>,
    provider: Option<Provider>,
    opening: Opening,
    canary: Option<(String, u64)>,
}

/// What a scenario says of its shop's stock and ledgers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// How stock is restored.
    pub(super) reset: Option<Hook>,
    /// How what the run has left is removed.
    pub(super) cleanup: Option<Hook>,
    /// The shop's ledger.
    pub(super) shop: Option<ShopLedger>,
    /// Its provider's.
    pub(super) provider: Option<ProviderLedger>,
}

impl Wanted {
    /// What is wanted of `target`.
    pub(super) fn of(target: &Target) -> Self {
        let Target { reset, cleanup, shop, provider, .. } = target.clone();
        Self { reset, cleanup, shop, provider }
    }
}

/// Ledgers that cannot be read before the storm: the run does not begin.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// The system gives no event queue or timer.
    #[error("start the client that reads ledgers")]
    Runtime(#[source] std::io::Error),
    /// A ledger cannot be asked at all.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A kind of rows cannot be had.
    #[error("read the ledger of the {of} before the run: {why}")]
    Unreadable {
        /// Whose, and which rows.
        of: String,
        /// Why not.
        why: String,
    },
}

/// How the ledgers were read at the end, for the run's ending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Closed {
    /// Why a ledger, or a part of it, could not be read.
    pub(super) unreadable: Vec<String>,
    /// Which ledger nobody can be asked for, and why.
    pub(super) absent: Vec<String>,
    /// What is to be doubted of the scenario.
    pub(super) doubts: Vec<String>,
    /// How far they go.
    pub(super) ledgers: Ledgers,
}

impl Foreign {
    /// The ledgers that are `wanted`, of the run `run` of a scenario at `home`. An item without
    /// stock (0) has what the shop says. Nobody is asked yet.
    ///
    /// # Errors
    /// When a value of the environment is not there, or a source is none.
    pub(super) fn new(
        wanted: Wanted,
        catalogue: &Catalogue,
        clock: Clock,
        run: &str,
        home: Home,
    ) -> Result<Self, OpeningError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(OpeningError::Runtime)?;
        let (filling, prefix) = (Filling::of(run), format!("{run}-"));
        let shop = wanted.shop.as_ref();
        let shop = shop.map(|ledger| Shop::new(ledger, &filling, &home, prefix.clone()));
        let provider = wanted.provider.as_ref();
        let provider =
            provider.map(|ledger| Provider::new(ledger, &filling, &home, prefix.clone()));
        let (shop, provider) = (shop.transpose()?, provider.transpose()?);
        Ok(Self {
            runtime,
            clock,
            wanted,
            catalogue: catalogue.clone(),
            run: run.to_owned(),
            home,
            shop,
            provider,
            opening: Opening::default(),
            canary: None,
        })
    }

    /// Restores stock as `[setup] reset` says, if it says so.
    ///
    /// # Errors
    /// When that did not succeed.
    pub(super) fn reset(&self) -> Result<(), HookError> {
        self.carry_out(Deed::Reset, self.wanted.reset.as_ref())
    }

    /// Removes what the run has left, if `[setup] cleanup` says how.
    ///
    /// # Errors
    /// When that did not succeed.
    pub(super) fn clean_up(&self) -> Result<(), HookError> {
        self.carry_out(Deed::Cleanup, self.wanted.cleanup.as_ref())
    }

    fn carry_out(&self, deed: Deed, hook: Option<&Hook>) -> Result<(), HookError> {
        let Some(hook) = hook else { return Ok(()) };
        let (ledger, filling) = (self.wanted.shop.as_ref(), Filling::of(&self.run));
        hook::carry_out(deed, hook, ledger, &filling, &self.home, &self.runtime)
    }

    /// Whether the provider's ledger names `intent`, written as the shop was told it: `None` where
    /// there is no such ledger.
    ///
    /// # Errors
    /// When it cannot be read; why, in one line.
    pub(super) fn provider_names(&mut self, intent: &str) -> Option<Result<bool, String>> {
        Some(self.provider.as_mut()?.names(intent, &self.runtime))
    }

    /// Takes note of what there is before the storm; whatever it is, it is not the run's. `canary`
    /// is what the canary bought, an item and its pieces.
    ///
    /// # Errors
    /// When a ledger that the scenario names cannot be read.
    pub(super) fn open(&mut self, canary: Option<(&str, u64)>) -> Result<(), OpeningError> {
        self.canary = canary.map(|(item, pieces)| (item.to_owned(), pieces));
        self.opening = Opening::default();
        let unreadable = |of: String, why: &str| OpeningError::Unreadable { of, why: why.into() };
        if let Some(shop) = &self.shop {
            let opening = &mut self.opening;
            let note = &mut |row, _| opening.note(row);
            let looked = shop.read(&self.runtime, self.clock, note)?;
            if let Some((kind, why)) = looked.lacking.first_key_value() {
                return Err(unreadable(format!("shop ({})", word(*kind)), why));
            }
        }
        if let Some(provider) = &mut self.provider {
            let begun = provider.begin(&self.runtime);
            begun.map_err(|why| unreadable("provider".to_owned(), &why))?;
        }
        Ok(())
    }

    /// What there was before the storm, as far as anybody said.
    pub(super) fn at_opening(&self) -> AtOpening {
        let canary = self.canary.as_ref().map(|(item, pieces)| (item.as_str(), *pieces));
        closing::at_opening(&self.catalogue, &self.opening, canary)
    }

    /// Reads both ledgers for the last time and writes them down.
    pub(super) fn close(&mut self, sinks: &mut LedgerSinks) -> Closed {
        let mut closed = Closed::default();
        self.close_provider(sinks, &mut closed);
        self.close_shop(sinks, &mut closed);
        closed
    }

    fn close_provider(&mut self, sinks: &mut LedgerSinks, closed: &mut Closed) {
        let Some(provider) = &mut self.provider else {
            closed.absent.push("provider: the scenario has no `[ledger.provider]`".to_owned());
            return;
        };
        let written = provider.look(&self.runtime).and_then(|lines| {
            for line in lines {
                let mut text = serde_json::to_vec(line).expect("a line of a ledger is JSON");
                text.push(b'\n');
                let unwritten = |error| format!("its file cannot be written: {error}");
                sinks.provider.write_all(&text).map_err(unwritten)?;
            }
            sinks.provider.flush().map_err(|error| format!("its file cannot be written: {error}"))
        });
        match written {
            Ok(()) => {
                let columns = provider.columns().clone();
                closed.ledgers.columns.insert(word(Kind::Payments).to_owned(), columns);
                closed.ledgers.told = provider.tells();
            }
            Err(why) => closed.unreadable.push(format!("provider: {why}")),
        }
    }

    fn close_shop(&mut self, sinks: &mut LedgerSinks, closed: &mut Closed) {
        let Some(shop) = &self.shop else {
            closed.absent.push("shop: the scenario has no `[ledger.shop]`".to_owned());
            return;
        };
        if !shop.asks(Kind::Orders) {
            closed.absent.push("shop: `[ledger.shop]` has no query `orders`".to_owned());
            return;
        }
        closed.ledgers.ends = shop.ends();
        let mut closing = Closing::new(&self.catalogue, &mut self.opening, sinks.shop.as_mut());
        let take = &mut |row, shift| closing.take(row, shift);
        let looked = match shop.read(&self.runtime, self.clock, take) {
            Ok(looked) => looked,
            Err(error) => {
                closed.unreadable.push(format!("shop: {}", with_causes(&error)));
                return;
            }
        };
        tell(&looked, closed);
        let canary = self.canary.as_ref().map(|(item, pieces)| (item.as_str(), *pieces));
        match closing.end(canary, &mut closed.ledgers) {
            Ok(doubts) => closed.doubts.extend(doubts),
            Err(why) => closed.unreadable.push(format!("shop: {why}")),
        }
    }
}

/// Tells how far a reading of the shop's ledger went.
fn tell(looked: &Looked, closed: &mut Closed) {
    closed.ledgers.clock = looked.shift.clock;
    for (kind, columns) in &looked.columns {
        let columns: BTreeSet<String> = columns
            .iter()
            .filter(|name| mapping::COLUMNS.contains(&name.as_str()))
            .cloned()
            .collect();
        closed.ledgers.columns.insert(word(*kind).to_owned(), columns);
    }
    for (kind, why) in &looked.lacking {
        let name = word(*kind);
        closed.ledgers.lacking.insert(name.to_owned(), why.clone());
        closed.unreadable.push(match kind {
            // Without its orders, the shop's ledger says nothing.
            Kind::Orders => format!("shop: its orders: {why}"),
            _ => format!("the shop's {name}: {why}"),
        });
    }
}

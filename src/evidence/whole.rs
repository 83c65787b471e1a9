//! All that the judge reads, in little memory: lines on tapes, their names each kept once.

use std::io;

use domain::database::DatabaseView;
use domain::provider::PaymentLine;
use domain::shop::{Catalogue, ShopLine, ShopSnapshot};

use crate::evidence::names::Spaces;
use crate::evidence::rows::{AttemptRow, OrderRow, PaymentRow, PurchaseRow, ShopRow};
use crate::evidence::tape::{Scratch, Tape};
use crate::evidence::{Ending, PurchaseLine, record};

/// All that the judge reads. Ledgers are absent where they could not be read.
#[derive(Debug)]
pub struct Evidence {
    /// All that was for sale.
    pub catalogue: Catalogue,
    /// What the shop said of itself during the run, oldest first.
    pub snapshots: Vec<ShopSnapshot>,
    /// What the shop's database said of itself before the first request and after the drain; nothing
    /// where its ledger does not say.
    pub database: Option<[DatabaseView; 2]>,
    /// How the run ended.
    pub ending: Ending,
    names: Spaces,
    purchases: Tape,
    shop: Option<Tape>,
    provider: Option<Tape>,
}

impl Evidence {
    /// None but what was for sale.
    pub fn of(catalogue: Catalogue, scratch: Option<Box<dyn Scratch>>) -> Self {
        Self {
            catalogue,
            snapshots: Vec::new(),
            database: None,
            ending: Ending::default(),
            names: Spaces::default(),
            purchases: Tape::new(scratch),
            shop: None,
            provider: None,
        }
    }

    /// Takes another line of what the clients saw.
    pub fn add_purchase(&mut self, line: &PurchaseLine) {
        let names = &mut self.names;
        self.purchases.push(|bytes| record::put_purchase(bytes, line, names));
    }

    /// Begins the shop's ledger, with room for it.
    pub fn begin_shop(&mut self, scratch: Option<Box<dyn Scratch>>) {
        self.shop = Some(Tape::new(scratch));
    }

    /// Takes another line of the shop's ledger, if one was begun.
    pub fn add_shop(&mut self, line: &ShopLine) {
        if let ShopLine::Database { before, after } = line {
            self.database = Some([before, after].map(|view| (**view).clone()));
            return;
        }
        let names = &mut self.names;
        if let Some(tape) = &mut self.shop {
            tape.push(|bytes| record::put_shop(bytes, line, names));
        }
    }

    /// Does without the shop's ledger, which could not be read whole.
    pub fn give_up_shop(&mut self) {
        (self.shop, self.database) = (None, None);
    }

    /// Begins the provider's ledger, with room for it.
    pub fn begin_provider(&mut self, scratch: Option<Box<dyn Scratch>>) {
        self.provider = Some(Tape::new(scratch));
    }

    /// Takes another line of the provider's ledger, if one was begun.
    pub fn add_payment(&mut self, line: &PaymentLine) {
        let names = &mut self.names;
        if let Some(tape) = &mut self.provider {
            tape.push(|bytes| record::put_payment(bytes, line, names));
        }
    }

    /// Does without the provider's ledger, which could not be read whole.
    pub fn give_up_provider(&mut self) {
        self.provider = None;
    }

    /// Whether the shop's ledger could be read.
    pub const fn has_shop(&self) -> bool {
        self.shop.is_some()
    }

    /// Whether the provider's ledger could be read.
    pub const fn has_provider(&self) -> bool {
        self.provider.is_some()
    }

    /// Why not all lines could be read back from where they were put, if they could not.
    pub fn lost(&self) -> Option<&io::Error> {
        let ledgers = self.shop.iter().chain(&self.provider);
        std::iter::once(&self.purchases).chain(ledgers).find_map(Tape::lost)
    }

    /// All names in it.
    pub(crate) const fn names(&self) -> &Spaces {
        &self.names
    }

    /// What the clients saw, in order.
    pub(crate) fn purchases(&self) -> impl Iterator<Item = PurchaseRow<'_>> {
        self.purchases.read(|bytes| record::purchase(bytes, &self.names))
    }

    /// What the clients asked for by the operations of a purchase, in the order of the answers.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = AttemptRow<'_>> {
        self.purchases().filter_map(|row| match row {
            PurchaseRow::Attempt(attempt) => Some(attempt),
            PurchaseRow::Seen { .. } | PurchaseRow::Departed { .. } => None,
        })
    }

    /// The shop's ledger; nothing where it is absent.
    pub(crate) fn shop_rows(&self) -> impl Iterator<Item = ShopRow<'_>> {
        let tape = self.shop.iter();
        tape.flat_map(move |tape| tape.read(move |bytes| record::shop(bytes, &self.names)))
    }

    /// The orders of the shop's ledger, row by row.
    pub(crate) fn order_rows(&self) -> impl Iterator<Item = OrderRow<'_>> {
        self.shop_rows().filter_map(|row| match row {
            ShopRow::Order(order) => Some(order),
            _ => None,
        })
    }

    /// The provider's ledger; nothing where it is absent.
    pub(crate) fn payment_rows(&self) -> impl Iterator<Item = PaymentRow<'_>> {
        let tape = self.provider.iter();
        tape.flat_map(move |tape| tape.read(move |bytes| record::payment(bytes, &self.names)))
    }
}

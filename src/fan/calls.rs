//! The calls that an operation makes: one, or for a reload several in a row, of the embedded shop or
//! of a foreign one. Both worlds make those of the embedded shop.

use domain::id::{FanId, ItemId, SlotId, key_of};
use domain::outcome::{Operation, Outcome};
use domain::shop::{Catalogue, Checkout, ShopRequest};

use super::Request;
use super::behaviour::Reload;

/// Where a population's sale stands in the catalogue: places in the sale become numbers across the
/// sales.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SaleNumbers {
    /// The sale's place in the catalogue.
    pub sale: u16,
    /// Its first item's number.
    pub first_item: ItemId,
    /// Its first slot's number.
    pub first_slot: SlotId,
}

impl SaleNumbers {
    /// The numbers of the sale at `sale` in `catalogue`.
    ///
    /// # Panics
    /// When there is no such sale.
    pub fn of(catalogue: &Catalogue, sale: usize) -> Self {
        Self {
            first_item: catalogue.first_item(sale),
            first_slot: catalogue.first_slot(sale),
            sale: u16::try_from(sale).expect("a scenario has fewer than 65,536 sales"),
        }
    }
}

impl Reload {
    /// Whether call number `call` of a reload is a cacheable part of the page: the parts come
    /// first; the last call always asks for the sale's status. A foreign page has parts only where
    /// `cacheable` says so.
    pub const fn is_part(&self, call: u16) -> bool {
        call < self.cacheable && call + 1 < self.calls
    }
}

impl Request {
    /// Whether another call of the same operation follows call number `call` (from 0), which ended
    /// with `outcome`. Otherwise that answer is the operation's.
    pub fn goes_on(&self, call: u16, outcome: Outcome, reload: &Reload) -> bool {
        let is_fit = if reload.is_part(call) {
            // A part that is not there is a failed reload.
            outcome == Outcome::Ok
        } else {
            // Before the opening a status is `not_open`, which is no failure.
            use Outcome::{Error, RateLimited, Shed, Unknown};
            !matches!(outcome, Error | Unknown | Shed | RateLimited)
        };
        self.operation == Operation::Reload && call + 1 < reload.calls && is_fit
    }

    /// What call number `call` (from 0) asks of the shop in the name of `fan`.
    ///
    /// # Panics
    /// When the operation is a step of a foreign funnel, which the embedded shop's fans never take.
    pub fn call(
        &self,
        call: u16,
        fan: FanId,
        reload: &Reload,
        numbers: SaleNumbers,
    ) -> ShopRequest {
        let sale = numbers.sale;
        let item = ItemId(numbers.first_item.0 + u16::from(self.item));
        let slot = self.slot.map(|slot| SlotId(numbers.first_slot.0 + u16::from(slot)));
        let quantity = u32::from(self.quantity);
        match self.operation {
            Operation::Reload if reload.is_part(call) => ShopRequest::Page { sale, part: call },
            Operation::Reload => ShopRequest::Status { sale },
            Operation::Login => ShopRequest::Login { sale },
            Operation::Slots => ShopRequest::Slots { sale },
            Operation::Item => ShopRequest::Item { item },
            Operation::Cart => ShopRequest::Cart { item, slot, quantity },
            Operation::Entry => ShopRequest::Enter(self.checkout(fan, item, slot)),
            Operation::Result => ShopRequest::Drawn { sale, fan },
            Operation::Checkout => ShopRequest::Checkout(self.checkout(fan, item, slot)),
            Operation::Poll => ShopRequest::Order { key: key_of(fan, self.purchase) },
            Operation::Other => {
                unreachable!("the embedded shop's funnel has no such step")
            }
        }
    }

    fn checkout(&self, fan: FanId, item: ItemId, slot: Option<SlotId>) -> Checkout {
        Checkout {
            fan,
            intent: fan.to_string(),
            key: key_of(fan, self.purchase),
            item,
            slot,
            quantity: u32::from(self.quantity),
            card: u32::from(self.purchase),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;

    use super::*;

    const NUMBERS: SaleNumbers =
        SaleNumbers { sale: 1, first_item: ItemId(2), first_slot: SlotId(4) };

    fn request(operation: Operation) -> Request {
        Request {
            operation,
            stage: 0,
            intended: Time::ZERO,
            deadline: Time::NEVER,
            item: 1,
            slot: Some(0),
            quantity: 2,
            purchase: 1,
        }
    }

    #[test]
    fn a_reload_loads_the_parts_and_then_asks_for_the_status() {
        let reload = Reload { calls: 3, cacheable: 2, ..Reload::default() };
        let asked = [0, 1, 2]
            .map(|call| request(Operation::Reload).call(call, FanId::default(), &reload, NUMBERS));
        let page = |part| ShopRequest::Page { sale: 1, part };
        assert_eq!(asked, [page(0), page(1), ShopRequest::Status { sale: 1 }]);
    }

    #[test]
    fn a_reload_ends_with_its_last_call_or_the_first_that_fails() {
        let reload = Reload { calls: 4, cacheable: 2, ..Reload::default() };
        let goes_on = |call, outcome| request(Operation::Reload).goes_on(call, outcome, &reload);
        assert!(goes_on(0, Outcome::Ok) && goes_on(1, Outcome::Ok));
        assert!(!goes_on(0, Outcome::NotOpen) && !goes_on(1, Outcome::Error));
        assert!(goes_on(2, Outcome::NotOpen) && !goes_on(2, Outcome::RateLimited));
        assert!(!goes_on(3, Outcome::Ok));
        assert!(!request(Operation::Slots).goes_on(0, Outcome::Ok, &reload));
    }

    #[test]
    fn of_a_page_without_parts_every_request_but_a_failed_one_leads_to_the_next() {
        let reload = Reload { calls: 3, cacheable: 0, ..Reload::default() };
        let goes_on = |call, outcome| request(Operation::Reload).goes_on(call, outcome, &reload);
        for outcome in Outcome::ALL {
            use Outcome::{Error, RateLimited, Shed, Unknown};
            let failed = matches!(outcome, Error | Unknown | Shed | RateLimited);
            assert_eq!([0, 1, 2].map(|call| goes_on(call, outcome)), [!failed, !failed, false]);
        }
    }

    #[test]
    fn items_and_slots_are_asked_for_by_their_numbers_across_the_sales() {
        let asked = request(Operation::Cart).call(0, FanId::default(), &Reload::default(), NUMBERS);
        let expected = ShopRequest::Cart { item: ItemId(3), slot: Some(SlotId(4)), quantity: 2 };
        assert_eq!(asked, expected);
    }
}

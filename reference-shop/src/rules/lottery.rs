//! Ticket lotteries: who enters, who is drawn, who must have paid by when, and who is drawn in the
//! place of those who have not.
//!
//! - An entry is taken from the opening until entries close, one of each fan, and as often as it is sent
//!   it is one entry.
//! - A draw goes down all entries that have not won, by a hash of seed, fan and draw, which knows
//!   nothing of when they came, and gives each its pieces as long as there are enough. What is won is
//!   reserved without end, and nobody hears of it before the inventory has answered for all.
//! - A winner pays by an ordinary checkout. Whose payment is refused may try again until the deadline, as
//!   far as there is a piece free, and there is, for nobody else is given any before the next draw.
//! - At the deadline each reservation that nobody began to pay for is released, once; when the inventory
//!   has answered for all of them, what is neither sold nor being paid is drawn again.
//!
//! Entries live in memory: of a shop that died the winners' orders end, as any that had no payment yet.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::draw::{Purpose, draw};
use domain::id::{FanId, OrderId};
use domain::outcome::Outcome;
use domain::shop::{Checkout, Lottery, Redraw, Sale, ShopReply, Short};
use domain::time::Time;

use crate::rules::admission::Admission;
use crate::rules::order::{Event, Order, Prize, new_row};
use crate::rules::shop::Shop;
use crate::rules::{Effect, Ticket, Wake};

/// The entries of one sale, and how far its draws are.
#[derive(Debug, Default)]
pub(super) struct Draws {
    entries: Vec<Entry>,
    by_fan: HashMap<FanId, usize>,
    /// The sale's draws so far, the one under way included.
    begun: u32,
    /// Those whose results are out.
    released: u32,
    /// Orders of which the inventory has not said yet whether their pieces are reserved.
    reserving: HashSet<OrderId>,
    /// Unpaid orders of which it has not said yet that their pieces are free.
    releasing: HashSet<OrderId>,
}

#[derive(Debug)]
struct Entry {
    checkout: Checkout,
    standing: Standing,
}

/// How an entry stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// It has not won.
    Drawable,
    /// It won draw number `round`; its latest order.
    Won { round: u32, order: OrderId },
}

/// Every sale's draws, where it has a lottery.
pub(super) type Lotteries = BTreeMap<u16, Draws>;

/// The draws of all lotteries among `sales`.
pub(super) fn lotteries(sales: &[Sale]) -> Lotteries {
    let numbered = (0_u16..).zip(sales).filter(|(_, sale)| sale.lottery.is_some());
    numbered.map(|(number, _)| (number, Draws::default())).collect()
}

impl Shop {
    /// The moments of all draws and deadlines, each draw but the first being a deadline.
    pub(super) fn draws_to_come(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for sale in self.lotteries.keys().copied() {
            let (opens, terms) = (self.sale(sale).opens, self.terms(sale));
            for round in 0..=terms.redraws + 1 {
                let wake = Wake::Draw { sale, round };
                effects.push(Effect::Wake { at: opens + terms.draw(round), wake });
            }
        }
        effects
    }

    fn terms(&self, sale: u16) -> Lottery {
        self.sale(sale).lottery.expect("only sales with a lottery have draws")
    }

    fn draws(&mut self, sale: u16) -> &mut Draws {
        self.lotteries.get_mut(&sale).expect("only sales with a lottery have draws")
    }

    /// Whether a sale's pieces are given out by lot.
    pub(super) fn draws_lots(&self, sale: u16) -> bool {
        self.lotteries.contains_key(&sale)
    }

    /// Takes an entry.
    pub(super) fn enter(&mut self, at: Time, entry: Checkout) -> Outcome {
        let wish = self.sale_of(entry.item, entry.slot, entry.quantity);
        let Some(sale) = wish.map(|(sale, _)| sale).filter(|sale| self.draws_lots(*sale)) else {
            return Outcome::Rejected;
        };
        if let Some(closed) = self.closed(at, sale) {
            return closed.outcome;
        }
        let until = self.sale(sale).opens + self.terms(sale).entries_close.0;
        let draws = self.draws(sale);
        if let Some(known) = draws.by_fan.get(&entry.fan) {
            let again = draws.entries[*known].checkout == entry;
            return if again { Outcome::Ok } else { Outcome::Rejected };
        }
        if at >= until {
            return Outcome::Rejected;
        }
        draws.by_fan.insert(entry.fan, draws.entries.len());
        draws.entries.push(Entry { checkout: entry, standing: Standing::Drawable });
        Outcome::Ok
    }

    /// Says whether the entry of a fan has won.
    pub(super) fn drawn(&self, at: Time, sale: u16, fan: FanId) -> ShopReply {
        match self.closed(at, sale) {
            Some(closed) => closed,
            None if self.draws_lots(sale) => self.result(at, sale, fan),
            None => ShopReply::of(Outcome::Rejected),
        }
    }

    fn result(&self, at: Time, sale: u16, fan: FanId) -> ShopReply {
        let draws = &self.lotteries[&sale];
        let Some(known) = draws.by_fan.get(&fan) else {
            return ShopReply::of(Outcome::Rejected);
        };
        let standing = draws.entries[*known].standing;
        if let Standing::Won { round, order } = standing
            && round < draws.released
        {
            let won = self.is_taken(order) || at < self.deadline(sale, round);
            return ShopReply::of(if won { Outcome::Ok } else { Outcome::Rejected });
        }
        if draws.begun == draws.released && draws.releasing.is_empty() && draws.released > 0 {
            return ShopReply { short: Some(Short::Item), ..ShopReply::of(Outcome::SoldOut) };
        }
        let wait = self.sale(sale).draw_at(draws.released).since(at);
        let whole_s = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let wait_s = u32::try_from(whole_s.max(1)).unwrap_or(u32::MAX);
        ShopReply { retry_after_s: Some(wait_s), ..ShopReply::of(Outcome::Waiting) }
    }

    fn deadline(&self, sale: u16, round: u32) -> Time {
        self.sale(sale).opens + self.terms(sale).deadline(round)
    }

    /// Whether an order's pieces are sold, or may still be.
    fn is_taken(&self, order: OrderId) -> bool {
        let order = self.order(order);
        !order.is_over() || order.row.status.is_paid()
    }

    /// Whether a checkout of a lottery's sale may go on: who won begins to pay, or tries again.
    pub(super) fn may_pay(&self, at: Time, sale: u16, checkout: &Checkout) -> bool {
        let draws = &self.lotteries[&sale];
        let Some(entry) = draws.by_fan.get(&checkout.fan).map(|known| &draws.entries[*known])
        else {
            return false;
        };
        let wish = |of: &Checkout| (of.item, of.slot, of.quantity);
        let Standing::Won { round, order } = entry.standing else { return false };
        let in_time = self.order(order).awaits_payment() || at < self.deadline(sale, round);
        round < draws.released && in_time && wish(&entry.checkout) == wish(checkout)
    }

    /// The order of a fan's prize, if nobody has begun to pay for it.
    pub(super) fn prize(&self, sale: u16, fan: FanId) -> Option<OrderId> {
        let draws = self.lotteries.get(&sale)?;
        match draws.entries[*draws.by_fan.get(&fan)?].standing {
            Standing::Won { order, .. } if self.order(order).awaits_payment() => Some(order),
            _ => None,
        }
    }

    /// Who has won begins to pay.
    pub(super) fn pay_for(
        &mut self,
        at: Time,
        ticket: Ticket,
        checkout: Checkout,
        prize: OrderId,
    ) -> Vec<Effect> {
        self.tokens.remove(&checkout.key);
        self.by_key.insert(checkout.key.clone(), prize);
        let prepaid = self.admission.as_ref().map_or(0, Admission::prepaid);
        let order = &mut self.orders[prize];
        order.row.checkout = checkout;
        order.ticket = Some(ticket);
        order.prepaid = prepaid;
        self.advance(at, prize, Event::Pays)
    }

    /// A winner whose payment was refused has a new order.
    pub(super) fn tries_again(&mut self, sale: u16, fan: FanId, new: OrderId) {
        let Some(draws) = self.lotteries.get_mut(&sale) else { return };
        let known = draws.by_fan.get(&fan).copied();
        if let Some(Entry { standing: Standing::Won { order, .. }, .. }) =
            known.and_then(|known| draws.entries.get_mut(known))
        {
            *order = new;
        }
    }

    /// A draw is due, or the deadline of the one before, or both.
    pub(super) fn draw_due(&mut self, at: Time, sale: u16, round: u32) -> Vec<Effect> {
        let terms = self.terms(sale);
        if round == 0 {
            return self.draw_lots(at, sale);
        }
        match terms.redraw {
            Redraw::AfterRelease => {
                let mut effects = self.release_unpaid(at, sale, round);
                if self.lotteries[&sale].releasing.is_empty() {
                    effects.extend(self.draw_again(at, sale));
                }
                effects
            }
            Redraw::BeforeRelease => {
                let later = at + self.settings.shop.reservation.sweep.0;
                let wake = Wake::Lapse { sale, round };
                let mut effects = self.draw_again(at, sale);
                effects.push(Effect::Wake { at: later, wake });
                effects
            }
        }
    }

    fn draw_again(&mut self, at: Time, sale: u16) -> Vec<Effect> {
        let more = self.lotteries[&sale].begun <= self.terms(sale).redraws;
        if more { self.draw_lots(at, sale) } else { Vec::new() }
    }

    /// Lets go what was won before draw number `round` and nobody began to pay for.
    pub(super) fn release_unpaid(&mut self, at: Time, sale: u16, round: u32) -> Vec<Effect> {
        let won = |entry: &Entry| match entry.standing {
            Standing::Won { round: of, order } if of < round => Some(order),
            _ => None,
        };
        let orders: Vec<OrderId> = self.lotteries[&sale].entries.iter().filter_map(won).collect();
        let unpaid = orders.into_iter().filter(|order| self.order(*order).awaits_payment());
        let unpaid: Vec<OrderId> = unpaid.collect();
        self.draws(sale).releasing.extend(&unpaid);
        unpaid.into_iter().flat_map(|order| self.advance(at, order, Event::Lapsed)).collect()
    }

    fn draw_lots(&mut self, at: Time, sale: u16) -> Vec<Effect> {
        let round = self.lotteries[&sale].begun;
        let winners = self.winners(sale, round);
        self.draws(sale).begun += 1;
        let ids: Vec<OrderId> =
            winners.into_iter().map(|entry| self.award(at, sale, (entry, round))).collect();
        self.draws(sale).reserving.extend(&ids);
        let mut effects = Vec::new();
        for id in ids {
            effects.extend(self.advance(at, id, Event::Begun));
        }
        self.tell_results(sale);
        effects
    }

    /// The places of the entries that win draw number `round`, in the order in which they are drawn.
    fn winners(&self, sale: u16, round: u32) -> Vec<usize> {
        let draws = &self.lotteries[&sale];
        let first = self.settings.catalogue.first_item(usize::from(sale)).0;
        let place = |entry: &Entry| usize::from(entry.checkout.item.0 - first);
        let mut left: Vec<u32> = self.sale(sale).items.iter().map(|item| item.stock).collect();
        for entry in &draws.entries {
            if let Standing::Won { order, .. } = entry.standing
                && self.keeps_its_pieces(sale, order)
            {
                let left = &mut left[place(entry)];
                *left = left.saturating_sub(entry.checkout.quantity);
            }
        }
        let seed = self.settings.seed;
        let lot = |fan: FanId| draw(seed, fan, Purpose::Lot, round).below(u64::MAX);
        let all = draws.entries.iter().enumerate();
        let mut lots: Vec<(u64, FanId, usize)> = all
            .filter(|(_, entry)| entry.standing == Standing::Drawable)
            .map(|(place, entry)| (lot(entry.checkout.fan), entry.checkout.fan, place))
            .collect();
        lots.sort_unstable();
        let mut winners = Vec::new();
        for (_, _, number) in lots {
            let entry = &draws.entries[number];
            let left = &mut left[place(entry)];
            if entry.checkout.quantity <= *left {
                *left -= entry.checkout.quantity;
                winners.push(number);
            }
        }
        winners
    }

    /// Whether what an order won is not to be drawn again: it is sold, or held for it; and before the
    /// release, whose payment is not through has not paid.
    fn keeps_its_pieces(&self, sale: u16, order: OrderId) -> bool {
        match self.terms(sale).redraw {
            Redraw::AfterRelease => self.is_taken(order),
            Redraw::BeforeRelease => self.order(order).row.status.is_paid(),
        }
    }

    /// Makes an order of an entry that won: its pieces are reserved next, and paid for by its fan.
    fn award(&mut self, at: Time, sale: u16, (place, round): (usize, u32)) -> OrderId {
        let id = self.orders.next();
        let terms = self.terms(sale);
        let entry = &mut self.draws(sale).entries[place];
        entry.standing = Standing::Won { round, order: id };
        let checkout = entry.checkout.clone();
        let (_, amount) = self
            .sale_of(checkout.item, checkout.slot, checkout.quantity)
            .expect("only well-formed entries are taken");
        self.by_key.insert(checkout.key.clone(), id);
        self.by_intent.insert(checkout.intent.clone(), id);
        *self.pieces.entry((checkout.fan, sale)).or_default() += checkout.quantity;
        self.pending += 1;
        let mut order = Order::new(new_row(id, checkout, amount, at, 0), None);
        let blindly = round > 0 && terms.redraw == Redraw::BeforeRelease;
        order.prize = Some(if blindly { Prize::Counted } else { Prize::Reserved });
        self.orders.insert(order);
        id
    }

    /// Something happened to an order that may be of a draw under way: its pieces are reserved, or not,
    /// or free again.
    pub(super) fn draw_goes_on(&mut self, at: Time, id: OrderId) -> Vec<Effect> {
        let order = self.order(id);
        if order.prize.is_none() {
            return Vec::new();
        }
        let (sale, _) = self.places.item(order.checkout().item).expect("only what exists is won");
        let (awaits, over) = (order.awaits_payment(), order.is_over());
        let (place, terms) =
            (self.lotteries[&sale].by_fan[&order.checkout().fan], self.terms(sale));
        let mut effects = Vec::new();
        if (awaits || over) && self.draws(sale).reserving.remove(&id) {
            let standing = self.draws(sale).entries[place].standing;
            self.tell_results(sale);
            if over {
                self.draws(sale).entries[place].standing = Standing::Drawable;
            } else if let Standing::Won { round, .. } = standing
                && at >= self.deadline(sale, round)
            {
                // Its reservation took longer than it had to be paid in.
                self.draws(sale).releasing.insert(id);
                effects.extend(self.advance(at, id, Event::Lapsed));
            }
        }
        if over && self.draws(sale).releasing.remove(&id) {
            let released = self.lotteries[&sale].releasing.is_empty();
            if released && terms.redraw == Redraw::AfterRelease {
                effects.extend(self.draw_again(at, sale));
            }
        }
        effects
    }

    /// The results of a draw are out when the inventory has answered for all winners.
    fn tell_results(&mut self, sale: u16) {
        let draws = self.draws(sale);
        if draws.reserving.is_empty() {
            draws.released = draws.begun;
        }
    }
}

#[cfg(test)]
mod tests;

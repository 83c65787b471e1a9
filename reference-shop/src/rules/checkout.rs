//! A checkout on its way to an order: known keys, the wish, the gate, those who knock again.

use std::collections::HashMap;

use domain::id::OrderId;
use domain::money::Amount;
use domain::outcome::Outcome;
use domain::shop::{Checkout, ShopReply};
use domain::time::Time;

use crate::rules::admission::{Admission, Over, Said};
use crate::rules::fault::Fault;
use crate::rules::order::{Event, Order, new_row};
use crate::rules::question::Question;
use crate::rules::shop::{Shop, answer};
use crate::rules::token::Tokenizing;
use crate::rules::{Effect, Ticket, Toll};
use crate::settings::Tokens;

/// The longest key and intent \[bytes\]: with the operation's word they stay within the 255 that
/// payment providers allow.
pub(super) const KEY_LENGTH_MAX: usize = 200;

/// How many checkouts without a token are remembered for those who poll instead of knocking again:
/// about 200 MB. Beyond, a poll is answered `rejected`, and knocking again works as ever.
pub(super) const KNOCKS_MAX: usize = 1 << 20;

impl Shop {
    /// A checkout without a token, once it is known whether waiting is of any use.
    pub(super) fn knocked(&mut self, at: Time, checkout: Checkout, free: ShopReply) -> ShopReply {
        let Some(admission) = &mut self.admission else { return free };
        if free.outcome == Outcome::SoldOut {
            self.knocks.remove(&checkout.key);
            return free;
        }
        let (sale, _) = self.places.item(checkout.item).expect("it was looked at");
        let wait_s = admission.wait_s(at, checkout.fan, sale);
        if self.knocks.len() < KNOCKS_MAX {
            self.knocks.insert(checkout.key.clone(), checkout);
        }
        ShopReply { outcome: Outcome::Waiting, retry_after_s: Some(wait_s), ..free }
    }

    /// What became of the order under a key; a purchase that waits for a token knocks again.
    pub(super) fn poll(&mut self, at: Time, ticket: Ticket, key: &str) -> Vec<Effect> {
        if let Some(checkout) = self.knocks.get(key).cloned() {
            return self.checkout(at, ticket, checkout);
        }
        let reply = match self.by_key.get(key) {
            Some(order) => self.standing(at, *order),
            None => ShopReply::of(Outcome::Rejected),
        };
        answer(ticket, reply)
    }

    pub(super) fn checkout(&mut self, at: Time, ticket: Ticket, checkout: Checkout) -> Vec<Effect> {
        if self.settings.shop.tokens == Some(Tokens::Browser) && self.wants_a_token(&checkout) {
            return self.ask_for_a_token(ticket, checkout, Tokenizing::First);
        }
        self.arrive(at, ticket, checkout)
    }

    /// A checkout reaches the shop.
    pub(super) fn arrive(&mut self, at: Time, ticket: Ticket, checkout: Checkout) -> Vec<Effect> {
        if self.admission.as_mut().is_some_and(|gate| !gate.pass_the_edge(at, checkout.fan)) {
            return answer(ticket, ShopReply::of(Outcome::RateLimited));
        }
        let wish = match self.welcome(at, &checkout) {
            Ok(wish) => wish,
            Err(reply) => return answer(ticket, reply),
        };
        let (fan, sale) = (checkout.fan, wish.0);
        match self.admission.as_mut().map_or(Said::Passes, |gate| gate.ask(at, fan, sale)) {
            Said::Passes => self.let_in(at, ticket, checkout, wish),
            Said::Waits => self.look(at, ticket, sale, Question::Knock(checkout)),
            Said::Ask(toll) => {
                self.at_the_gate.insert(ticket, checkout);
                vec![Effect::AskGate { ticket, toll }]
            }
        }
    }

    /// Who keeps the gate answered. If it does not, nobody passes: the payment must not be overrun.
    pub(super) fn gate_said(
        &mut self,
        at: Time,
        ticket: Ticket,
        passes: Option<bool>,
    ) -> Vec<Effect> {
        let checkout = self.at_the_gate.remove(&ticket).expect("only who asked is answered");
        let (sale, _) = self.places.item(checkout.item).expect("it was looked at");
        match passes {
            Some(true) => self.passed(at, ticket, checkout, sale),
            Some(false) => self.look(at, ticket, sale, Question::Knock(checkout)),
            None => {
                let reply = self.knocked(at, checkout, ShopReply::of(Outcome::Waiting));
                answer(ticket, reply)
            }
        }
    }

    /// A checkout passes, unless something came between: the same purchase by another request, or
    /// the end of the sale. Then it gives back what it took.
    fn passed(&mut self, at: Time, ticket: Ticket, checkout: Checkout, sale: u16) -> Vec<Effect> {
        let Some(gate) = &mut self.admission else { unreachable!("only a gate lets through") };
        gate.passed(checkout.fan, sale);
        match self.welcome(at, &checkout) {
            Ok(wish) => self.let_in(at, ticket, checkout, wish),
            Err(reply) => self.turn_away(at, ticket, sale, reply),
        }
    }

    /// Who was let through is no order after all, and gives back what it was let through with.
    pub(super) fn turn_away(
        &mut self,
        at: Time,
        ticket: Ticket,
        sale: u16,
        reply: ShopReply,
    ) -> Vec<Effect> {
        let back = self.admission.as_mut().and_then(|gate| {
            let tokens = gate.prepaid().cast_signed();
            gate.settle(at, sale, -tokens)
        });
        let mut effects = answer(ticket, reply);
        effects.extend(back.map(Effect::SettleGate));
        effects
    }

    pub(super) fn let_in(
        &mut self,
        at: Time,
        ticket: Ticket,
        checkout: Checkout,
        wish: (u16, Amount),
    ) -> Vec<Effect> {
        self.knocks.remove(&checkout.key);
        if self.settings.shop.tokens == Some(Tokens::Admitted) && self.wants_a_token(&checkout) {
            return self.ask_for_a_token(ticket, checkout, Tokenizing::Admitted);
        }
        self.begin(at, ticket, checkout, wish)
    }

    /// Whether a new order may begin: its sale and the money it is about, or what is answered instead.
    pub(super) fn welcome(
        &self,
        at: Time,
        checkout: &Checkout,
    ) -> Result<(u16, Amount), ShopReply> {
        let rejected = || ShopReply::of(Outcome::Rejected);
        let forgets = self.settings.shop.faults.contains(&Fault::ForgetKeys);
        let known = |orders: &HashMap<String, OrderId>, name: &str| {
            let order = orders.get(name).filter(|_| !forgets);
            let begun = order.filter(|order| !self.order(**order).awaits_payment());
            begun.map(|order| self.standing(at, *order))
        };
        if let Some(reply) = known(&self.by_key, &checkout.key).filter(|reply| binds(reply.outcome))
        {
            return Err(reply);
        }
        if checkout.key.len() > KEY_LENGTH_MAX || checkout.intent.len() > KEY_LENGTH_MAX {
            return Err(rejected());
        }
        let Checkout { item, slot, quantity, .. } = *checkout;
        let (sale, amount) = self.sale_of(item, slot, quantity).ok_or_else(rejected)?;
        if let Some(refusal) = self.closed(at, sale) {
            return Err(refusal);
        }
        if self.draws_lots(sale) && !self.may_pay(at, sale, checkout) {
            return Err(rejected());
        }
        match known(&self.by_intent, &checkout.intent) {
            Some(earlier) if earlier.outcome == Outcome::Waiting => return Err(earlier),
            Some(earlier) if earlier.outcome == Outcome::Ok => return Err(rejected()),
            _ => {}
        }
        if self.prize(sale, checkout.fan).is_some() {
            return Ok((sale, amount));
        }
        let pieces = self.pieces.get(&(checkout.fan, sale)).copied().unwrap_or(0);
        if pieces.saturating_add(quantity) > self.sale(sale).limit_per_fan {
            return Err(rejected());
        }
        Ok((sale, amount))
    }

    pub(super) fn begin(
        &mut self,
        at: Time,
        ticket: Ticket,
        checkout: Checkout,
        (sale, amount): (u16, Amount),
    ) -> Vec<Effect> {
        if let Some(prize) = self.prize(sale, checkout.fan) {
            return self.pay_for(at, ticket, checkout, prize);
        }
        let earlier = self.by_key.get(&checkout.key);
        let attempt = earlier.map_or(0, |order| self.order(*order).next_attempt(&checkout));
        let id = self.orders.next();
        self.tries_again(sale, checkout.fan, id);
        self.tokens.remove(&checkout.key);
        self.by_key.insert(checkout.key.clone(), id);
        self.by_intent.insert(checkout.intent.clone(), id);
        *self.pieces.entry((checkout.fan, sale)).or_default() += checkout.quantity;
        self.pending += 1;
        let mut order = Order::new(new_row(id, checkout, amount, at, attempt), Some(ticket));
        order.prepaid = self.admission.as_ref().map_or(0, Admission::prepaid);
        self.orders.insert(order);
        self.advance(at, id, Event::Begun)
    }

    /// Settles with the gate what an order calls beside what it was let through with, or did not need.
    pub(super) fn settle(
        &mut self,
        at: Time,
        id: OrderId,
        effects: &[Effect],
        over: Over,
    ) -> Option<Toll> {
        let gate = self.admission.as_mut()?;
        let made = effects.iter().filter(|effect| matches!(effect, Effect::CallProvider { .. }));
        let made = u32::try_from(made.count()).expect("a step makes a call or two");
        let order = &mut self.orders[id];
        let (sale, _) =
            self.places.item(order.checkout().item).expect("only what exists is ordered");
        let tokens = gate.charge(&mut order.prepaid, made, over);
        gate.settle(at, sale, tokens)
    }
}

/// Whether a key stands by this answer for ever.
const fn binds(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ok | Outcome::Declined | Outcome::Rejected | Outcome::Waiting)
}

//! Money that is given back, and never more than was taken.

use std::sync::Arc;

use domain::money::Amount;

use super::{Intent, Status};
use crate::rules::directory::Kind;
use crate::rules::reply::Fault;
use crate::rules::request::{Currency, NewRefund, Terms};

/// Money given back.
#[derive(Clone, Debug, PartialEq)]
pub struct Refund {
    /// Its number among all refunds, from 1.
    pub number: u64,
    /// Of which payment.
    pub intent: u64,
    /// Its place among the payment's refunds, from 1.
    pub place: u16,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Of which charge, from 1.
    pub charge: u16,
    /// When, in nanoseconds of UTC \[ns\].
    pub created_utc_ns: u64,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// What else the merchant says.
    pub terms: Option<Box<Terms>>,
}

/// How many refunds one payment may have: each is a line of its own.
const REFUNDS_MAX: usize = 99;

impl Intent {
    /// Gives money back.
    pub(in crate::rules) fn refund(
        &mut self,
        utc_ns: u64,
        number: u64,
        new: NewRefund,
    ) -> Result<Arc<Refund>, Fault> {
        if self.status != Status::Succeeded {
            return Err(self.unexpected("refund"));
        }
        let left = self.received.less(self.refunded);
        if left == Amount::ZERO || self.refunds.len() >= REFUNDS_MAX {
            return Err(Fault::AlreadyRefunded);
        }
        let amount = new.amount.unwrap_or(left);
        if amount == Amount::ZERO {
            return Err(Fault::AmountTooSmall { param: "amount" });
        }
        if amount > left {
            return Err(Fault::AmountTooLarge { most: left, param: "amount" });
        }
        self.refunded = self.refunded.plus(amount).expect("no more than was received");
        let refund = Arc::new(Refund {
            number,
            intent: self.number,
            place: u16::try_from(self.refunds.len() + 1).expect("at most 99"),
            amount,
            currency: self.currency,
            charge: self.charges,
            created_utc_ns: utc_ns,
            reason: new.reason,
            terms: new.terms,
        });
        self.refunds.push(Arc::clone(&refund));
        Ok(refund)
    }

    /// Takes over what else the merchant says of a refund.
    pub(in crate::rules) fn say_of_refund(
        &mut self,
        place: u16,
        terms: Terms,
    ) -> Result<Arc<Refund>, Fault> {
        let place = usize::from(place).checked_sub(1);
        let known = place.and_then(|place| self.refunds.get_mut(place));
        let known = known.ok_or(Fault::Missing(Kind::Refund))?;
        let mut changed = Refund::clone(known);
        changed.terms.get_or_insert_default().change(terms)?;
        *known = Arc::new(changed);
        Ok(Arc::clone(known))
    }
}

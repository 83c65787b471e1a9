//! Authorizations: reserved money that is captured once or let go, never both.

use domain::id::AuthorizationId;
use domain::money::Amount;

/// An authorization, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The merchant account that made it.
    pub account: String,
    /// The merchant's reference: the purchase intent.
    pub reference: String,
    /// How much was reserved.
    pub amount: Amount,
    /// Where it stands.
    pub state: State,
}

/// Where an authorization stands: `Open` goes to `Captured` or `Voided`, and nothing else goes
/// anywhere.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The money is reserved.
    Open,
    /// This much was taken, at most what was reserved; the rest was let go.
    Captured(Amount),
    /// All was let go.
    Voided,
}

/// Why an authorization cannot be captured or voided: the codes of Stripe's error reference.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The account has none of that name.
    Missing,
    /// It was captured or voided before.
    UnexpectedState,
    /// More is to be captured than was reserved.
    AmountTooLarge,
}

impl Refusal {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Missing => "resource_missing",
            Self::UnexpectedState => "payment_intent_unexpected_state",
            Self::AmountTooLarge => "amount_too_large",
        }
    }
}

/// All authorizations, numbered from 1. It grows with every one that is made: about 150 bytes.
#[derive(Debug, Default)]
pub(super) struct Book {
    made: Vec<Authorization>,
    open: u64,
}

impl Book {
    /// How many are neither captured nor voided.
    pub(super) const fn open(&self) -> u64 {
        self.open
    }

    pub(super) fn get(&self, id: AuthorizationId) -> Option<&Authorization> {
        self.made.get(place_of(id)?)
    }

    /// Reserves money.
    pub(super) fn authorize(
        &mut self,
        account: &str,
        reference: &str,
        amount: Amount,
    ) -> AuthorizationId {
        let (account, reference) = (account.to_owned(), reference.to_owned());
        self.made.push(Authorization { account, reference, amount, state: State::Open });
        self.open += 1;
        AuthorizationId(u64::try_from(self.made.len()).expect("a length fits 64 bits"))
    }

    /// Takes `amount` of the money, once.
    pub(super) fn capture(
        &mut self,
        account: &str,
        id: AuthorizationId,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let authorization = self.open_one(account, id)?;
        if amount > authorization.amount {
            return Err(Refusal::AmountTooLarge);
        }
        authorization.state = State::Captured(amount);
        self.open -= 1;
        Ok(())
    }

    /// Lets the money go, once.
    pub(super) fn void(&mut self, account: &str, id: AuthorizationId) -> Result<(), Refusal> {
        self.open_one(account, id)?.state = State::Voided;
        self.open -= 1;
        Ok(())
    }

    fn open_one(
        &mut self,
        account: &str,
        id: AuthorizationId,
    ) -> Result<&mut Authorization, Refusal> {
        place_of(id)
            .and_then(|place| self.made.get_mut(place))
            .filter(|authorization| authorization.account == account)
            .ok_or(Refusal::Missing)
            .and_then(|authorization| match authorization.state {
                State::Open => Ok(authorization),
                State::Captured(_) | State::Voided => Err(Refusal::UnexpectedState),
            })
    }
}

fn place_of(id: AuthorizationId) -> Option<usize> {
    usize::try_from(id.0.checked_sub(1)?).ok()
}

//! Carrying out a call that passed the limiters and is new.

use std::borrow::Cow;
use std::sync::Arc;

use domain::money::Amount;
use domain::provider::{PaymentLine, PaymentOperation, PaymentOutcome};
use domain::time::Time;

use super::card::Fate;
use super::directory::Kind;
use super::event::About;
use super::fate;
use super::intent::{Answer, Intent, Refund, Word};
use super::reply::{Fault, Reply};
use super::request::{
    AMOUNT_MAX, Call, Confirm, Confirmation, Currency, Face, NewIntent, NewRefund, Presence,
    Request, Terms,
};
use super::{Now, Provider};

/// What truly happened, what is answered, and the payment it is about.
type Done = (PaymentOutcome, Reply, Option<Arc<Intent>>);

impl Provider {
    /// Carries out the operation.
    pub(super) fn perform(&mut self, now: Now, request: &Request<'_>) -> Done {
        let account = request.account;
        let done = match &request.call {
            Call::Create(new) => self.create(now, request, new),
            Call::Confirm { intent, with } => self.confirm(now, request, *intent, with),
            Call::Update { intent, change } => {
                self.update(now, request, *intent, change).map(accepted)
            }
            Call::Capture { intent, amount, terms } => {
                self.capture(now, request, (*intent, *amount), terms.as_deref())
            }
            Call::Cancel { intent, reason } => {
                self.cancel(now, request, *intent, reason.as_deref().unwrap_or_default())
            }
            Call::Refund(new) => self.refund(now, request, new),
            Call::UpdateRefund { intent, place, terms } => {
                self.update_refund(now, request, (*intent, *place), terms)
            }
            Call::Retrieve { intent } => {
                self.book.of(account, *intent).map(|intent| accepted(Arc::clone(intent)))
            }
            Call::List(wanted) => {
                let (page, more) = self.book.list(account, wanted);
                Ok((PaymentOutcome::Accepted, Reply::Intents { page, more }, None))
            }
            Call::ListRefunds(wanted) => {
                let (page, more) = self.book.list_refunds(account, wanted);
                Ok((PaymentOutcome::Accepted, Reply::Refunds { page, more }, None))
            }
            Call::Directory(errand) => {
                let errand = errand.as_ref().clone();
                let (done, news) = self.directory.perform(now.utc_ns, account, errand);
                self.spread(now, account, request.key, news);
                done.map(|reply| (PaymentOutcome::Accepted, reply, None))
            }
            Call::Tokenize => Ok((PaymentOutcome::Accepted, Reply::Tokenized, None)),
            Call::Webhook(call) => self
                .webhook(now.utc_ns, account, call)
                .map(|reply| (PaymentOutcome::Accepted, reply, None)),
            Call::Garbled { .. } => Err(Fault::Garbled),
        };
        done.unwrap_or_else(|fault| (PaymentOutcome::Refused, Reply::Refused(fault), None))
    }

    fn create(&mut self, now: Now, request: &Request<'_>, new: &NewIntent) -> Result<Done, Fault> {
        check_amount(request.face, new.amount)?;
        if request.face == Face::Gateway
            && self.book.order(request.account, request.reference).is_some()
        {
            return Err(Fault::OrderTaken);
        }
        self.check_customer(request.account, new.customer)?;
        let names = (request.reference, intent_or_reference(request));
        let owner = (request.face, request.account);
        let mut intent = Intent::new(self.book.next(), now.utc_ns, owner, names, new);
        if let Some(source) = &new.source {
            self.pay_by(now, request, &mut intent, source)?;
        }
        if new.confirm == Confirm::Now {
            intent.chargeable()?;
        }
        if request.face == Face::Stripe {
            // Of the others nobody is told, and so they need no copy of how it began.
            let made = Arc::new(intent.clone());
            self.tell(now, request.key, "payment_intent.created", &made, About::Intent);
        }
        if new.confirm == Confirm::Later {
            let intent = self.book.insert(intent);
            return Ok(accepted(intent));
        }
        self.charge(now, request.key, &mut intent);
        let intent = self.book.insert(intent);
        Ok(self.charged(now, request.key, intent))
    }

    fn confirm(
        &mut self,
        now: Now,
        request: &Request<'_>,
        number: u64,
        with: &Confirmation,
    ) -> Result<Done, Fault> {
        let known = self.book.of(request.account, number)?;
        let mut changed = Intent::clone(known);
        if let Some(source) = &with.source {
            self.pay_by(now, request, &mut changed, source)?;
        }
        changed.chargeable()?;
        self.check_payer(&changed)?;
        changed.say(with.terms.clone())?;
        changed.capture = with.capture.unwrap_or(changed.capture);
        if request.face == Face::Gateway && !request.intent.is_empty() {
            // There a merchant has no word of its own before a card is charged.
            changed.intent = request.intent.into();
        }
        self.charge(now, request.key, &mut changed);
        let (intent, ()) = self.book.change(request.account, number, |known| {
            *known = changed;
            Ok(())
        })?;
        Ok(self.charged(now, request.key, intent))
    }

    /// Asks the bank.
    fn charge(&self, now: Now, key: Option<&str>, intent: &mut Intent) {
        let source = intent.source.clone().expect("what can be charged has a card");
        let word = fate::word(
            &self.settings,
            now.at,
            &fate_name(intent, key),
            (&source, self.fate_of(intent)),
            presence(intent.terms.as_deref()),
        );
        let expires = self.expires(now.at, intent.currency);
        intent.charge(word, now.utc_ns, expires);
    }

    /// What follows from the bank's word.
    fn charged(&mut self, now: Now, key: Option<&str>, intent: Arc<Intent>) -> Done {
        use super::intent::Status;
        self.due.note(&intent);
        self.note_paid(now, key, &intent);
        let tell = |this: &mut Self, kind, about: fn(Arc<Intent>) -> About| {
            this.tell(now, key, kind, &intent, about);
        };
        let outcome = match intent.status {
            Status::RequiresCapture => {
                tell(self, "charge.succeeded", About::Charge);
                tell(self, "payment_intent.amount_capturable_updated", About::Intent);
                PaymentOutcome::Authorized
            }
            Status::Succeeded => {
                tell(self, "charge.succeeded", About::Charge);
                tell(self, "payment_intent.succeeded", About::Intent);
                // A card that was only checked paid nothing.
                match intent.amount {
                    Amount::ZERO => PaymentOutcome::Accepted,
                    _ => PaymentOutcome::Captured,
                }
            }
            Status::RequiresAction => {
                tell(self, "payment_intent.requires_action", About::Intent);
                PaymentOutcome::Challenged
            }
            _ => {
                // Where the cardholder failed the challenge, no bank was asked.
                if intent.last_decline.is_some_and(|decline| decline.charge > 0) {
                    tell(self, "charge.failed", About::Charge);
                }
                tell(self, "payment_intent.payment_failed", About::Intent);
                PaymentOutcome::Declined
            }
        };
        let reply = match (outcome, intent.last_decline) {
            (PaymentOutcome::Declined, Some(decline)) => {
                Reply::Declined { intent: Arc::clone(&intent), decline }
            }
            _ => Reply::Intent(Arc::clone(&intent)),
        };
        (outcome, reply, Some(intent))
    }

    /// The cardholder has answered a challenge on a page: no call of the merchant. The line to
    /// append to the ledger comes with the payment as it stands. What has fallen due by then must
    /// have been settled: see [`Provider::settle`].
    ///
    /// # Errors
    /// When there is no such payment, or nobody is asked about it.
    pub fn authenticate(
        &mut self,
        at: Time,
        utc_ns: u64,
        number: u64,
        answer: Answer,
    ) -> Result<(Arc<Intent>, PaymentLine), Fault> {
        let (intent, line) = self.answer(Now { at, utc_ns, call: None }, number, answer)?;
        self.dispatch(at, at);
        Ok((intent, line))
    }

    pub(super) fn answer(
        &mut self,
        now: Now,
        number: u64,
        answer: Answer,
    ) -> Result<(Arc<Intent>, PaymentLine), Fault> {
        let known = self.book.get(number).ok_or(Fault::Missing(Kind::Intent))?;
        let expires = self.expires(now.at, known.currency);
        let account = known.account.clone();
        let then = self.fate_of(known);
        let (intent, ()) = self.book.change(&account, number, |intent| {
            if let Some(Fate::ChallengedThenDeclined { code, decline_code }) = then
                && answer == Answer::Passed
                && intent.challenge.is_some()
            {
                intent.charge(Word::Declined { code, decline_code }, now.utc_ns, expires);
                return Ok(());
            }
            intent.authenticate(answer, now.utc_ns, expires)
        })?;
        let (outcome, _, _) = self.charged(now, None, Arc::clone(&intent));
        let operation = PaymentOperation::Authenticate;
        let line = super::line::unasked(now.utc_ns, operation, outcome, &intent);
        Ok((intent, line))
    }

    fn capture(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (number, amount): (u64, Option<Amount>),
        terms: Option<&Terms>,
    ) -> Result<Done, Fault> {
        let terms = terms.cloned().map(Box::new);
        let (intent, _) = self.book.change(request.account, number, |intent| {
            let taken = intent.capture(amount)?;
            intent.say(terms)?;
            Ok(taken)
        })?;
        self.tell(now, request.key, "charge.captured", &intent, About::Charge);
        self.tell(now, request.key, "payment_intent.succeeded", &intent, About::Intent);
        Ok((PaymentOutcome::Captured, Reply::Intent(Arc::clone(&intent)), Some(intent)))
    }

    fn cancel(
        &mut self,
        now: Now,
        request: &Request<'_>,
        number: u64,
        reason: &str,
    ) -> Result<Done, Fault> {
        let known = self.book.of(request.account, number)?;
        let held = known.is_open();
        // Only Stripe knows payments that hold no money and can be let go all the same.
        if request.face != Face::Stripe && !held && known.challenge.is_none() {
            return Err(Fault::UnexpectedState { status: known.status, operation: "void" });
        }
        let (intent, ()) = self
            .book
            .change(request.account, number, |intent| intent.cancel(now.utc_ns, reason.into()))?;
        if held {
            // What was reserved goes back, and Stripe tells of a refund of the charge although
            // none was captured (seen in github.com/odoo/odoo/pull/259230).
            self.tell(now, request.key, "charge.refunded", &intent, About::Charge);
        }
        self.tell(now, request.key, "payment_intent.canceled", &intent, About::Intent);
        let outcome = if held { PaymentOutcome::Voided } else { PaymentOutcome::Accepted };
        Ok((outcome, Reply::Intent(Arc::clone(&intent)), Some(intent)))
    }

    fn refund(&mut self, now: Now, request: &Request<'_>, new: &NewRefund) -> Result<Done, Fault> {
        let number = self.book.next_refund();
        let (intent, refund) = self.book.change(request.account, new.intent, |intent| {
            intent.refund(now.utc_ns, number, new.clone())
        })?;
        self.book.note_refund(&refund);
        let given = Arc::clone(&refund);
        let about = move |intent| About::Refund(given, intent);
        self.tell(now, request.key, "refund.created", &intent, about);
        self.tell(now, request.key, "charge.refunded", &intent, About::Charge);
        let reply = Reply::Refund(refund, Arc::clone(&intent));
        Ok((PaymentOutcome::Refunded, reply, Some(intent)))
    }

    fn update_refund(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (intent, place): (u64, u16),
        terms: &Terms,
    ) -> Result<Done, Fault> {
        let account = request.account;
        let before = Arc::clone(self.book.of(account, intent)?);
        let (intent, refund) =
            self.book.change(account, intent, |it| it.say_of_refund(place, terms.clone()))?;
        let before = usize::from(place).checked_sub(1).and_then(|place| before.refunds.get(place));
        for kind in ["refund.updated", "charge.refund.updated"] {
            let about = |refund: &Arc<Refund>| About::Refund(Arc::clone(refund), intent.clone());
            self.tell_of(now, request, kind, about(&refund), before.map(about));
        }
        let reply = Reply::Refund(refund, Arc::clone(&intent));
        Ok((PaymentOutcome::Accepted, reply, Some(intent)))
    }

    fn expires(&self, at: Time, currency: Currency) -> Time {
        let holds = &self.settings.holds;
        at + if currency == Currency::JPY { holds.jpy.0 } else { holds.other.0 }
    }
}

/// The payment as it stands; no money moved.
fn accepted(intent: Arc<Intent>) -> Done {
    (PaymentOutcome::Accepted, Reply::Intent(Arc::clone(&intent)), Some(intent))
}

fn check_amount(face: Face, amount: Amount) -> Result<(), Fault> {
    // The gateway's check of a card is a payment of nothing.
    if amount == Amount::ZERO && face != Face::Gateway {
        return Err(Fault::AmountTooSmall { param: "amount" });
    }
    if amount > AMOUNT_MAX {
        return Err(Fault::AmountTooLarge { most: AMOUNT_MAX, param: "amount" });
    }
    Ok(())
}

fn presence(terms: Option<&Terms>) -> Presence {
    terms.map_or_else(Presence::default, |terms| terms.presence)
}

/// What a payment's fate hangs on: the purchase, or the call's key where no purchase is named, or
/// else the payment.
fn fate_name<'name>(intent: &'name Intent, key: Option<&'name str>) -> Cow<'name, str> {
    let names = [&*intent.intent, &*intent.reference, key.unwrap_or_default()];
    let name = names.into_iter().find(|name| !name.is_empty());
    name.map_or_else(|| super::line::unnamed(intent.number).into(), Cow::Borrowed)
}

fn intent_or_reference<'call>(request: &Request<'call>) -> &'call str {
    if request.intent.is_empty() { request.reference } else { request.intent }
}

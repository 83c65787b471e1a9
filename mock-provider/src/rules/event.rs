//! Events: what happened, as a merchant who listens is told.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::draw::number_of;

use super::directory::Object;
use super::intent::{Intent, Refund};
use super::request::{Face, PageOf, Request};
use super::{Now, Provider};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// The merchant account it concerns.
    pub account: Box<str>,
    /// When, in nanoseconds of UTC \[ns\].
    pub utc_ns: u64,
    /// What, in Stripe's words, such as `payment_intent.succeeded`.
    pub kind: &'static str,
    /// The object as it stood then.
    pub about: About,
    /// The object as it stood before, where a merchant changed it.
    pub before: Option<About>,
    /// What the object names and a face may show with it, as it stood then.
    pub companions: Vec<Object>,
    /// The number of the call that caused it, if a call did.
    pub call: Option<u64>,
    /// The idempotency key of that call, if it had one.
    pub key: Option<Box<str>>,
    /// Which of the events of the same change it is.
    pub telling: Telling,
}

/// Which of the events of one change an event is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Telling {
    /// The only one, or the first.
    First,
    /// One more of the same change, with an id of its own: providers do that now and then.
    Again,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A payment.
    Intent(Arc<Intent>),
    /// Money given back.
    Refund(Arc<Refund>, Arc<Intent>),
    /// A charge: the payment's last.
    Charge(Arc<Intent>),
    /// Anything else.
    Object(Object),
}

impl About {
    /// The payment it concerns, if it concerns one.
    pub const fn intent(&self) -> Option<&Arc<Intent>> {
        match self {
            Self::Intent(intent) | Self::Refund(_, intent) | Self::Charge(intent) => Some(intent),
            Self::Object(_) => None,
        }
    }
}

impl Event {
    /// A number for what happened, whenever it did: the same payment's same change has the same
    /// number in every run.
    ///
    /// A payment is known by its purchase, its merchant reference or the call's key, in this
    /// order; whatever has none of them is known by the event's number.
    pub fn identity(&self) -> u64 {
        let names = self.about.intent().map(|intent| [&*intent.intent, &*intent.reference]);
        let key = self.key.as_deref().unwrap_or_default();
        let name = names.into_iter().flatten().chain([key]).find(|name| !name.is_empty());
        let place = self.about.intent().map_or((0, 0), |it| (it.charges, it.refunds.len()));
        let (kind, telling) = (self.kind, self.telling);
        number_of(&match name {
            Some(name) => format!("{name}\n{kind}\n{place:?}\n{telling:?}"),
            None => format!("{}\n{kind}\n{place:?}\n{telling:?}", self.number),
        })
    }
}

/// How many events are remembered; the oldest are forgotten first. Stripe lists those of 30 days
/// (docs.stripe.com/api/events); here it is the quarter of an hour of 10 payments per second with
/// 5 events each, in about 50 MB.
pub(super) const EVENTS_MAX: usize = 50_000;

/// The newest events, the oldest first.
#[derive(Debug, Default)]
pub struct Events {
    log: VecDeque<Arc<Event>>,
    made: u64,
}

/// Which events are looked for; the newest come first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListEvents {
    /// The page.
    pub page: PageOf,
    /// Only those of these kinds; none: of all. `*` stands for any word.
    pub kinds: Vec<String>,
    /// Only those that all endpoints took, or only those that not all did; none: both.
    pub delivered: Option<Delivered>,
}

/// Whether all endpoints that wanted an event took it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// They did.
    ToAll,
    /// At least one has not, or not yet.
    NotToAll,
}

impl Events {
    /// Writes down an event under the next number.
    pub(super) fn note(&mut self, event: Event) {
        self.made += 1;
        if self.log.len() == EVENTS_MAX {
            self.log.pop_front();
        }
        self.log.push_back(Arc::new(Event { number: self.made, ..event }));
    }

    /// How many there were: the number of the newest.
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// The number of the oldest that is remembered; one more than there were if none is.
    pub(super) fn first(&self) -> u64 {
        self.log.front().map_or(self.made + 1, |event| event.number)
    }

    /// The event of that number, if it is remembered.
    pub fn get(&self, number: u64) -> Option<&Arc<Event>> {
        self.log.get(usize::try_from(number.checked_sub(self.first())?).ok()?)
    }

    /// The events after number `after` that are remembered, the oldest first.
    pub fn after(&self, after: u64) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        let skip = after.saturating_add(1).saturating_sub(self.first());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.log.range(skip.min(self.log.len())..)
    }

    /// The account's events that `fits` admits besides, the newest first, and whether there are
    /// more.
    pub(super) fn list(
        &self,
        account: &str,
        wanted: &ListEvents,
        fits: impl Fn(&Event) -> bool,
    ) -> (Vec<Arc<Event>>, bool) {
        let ListEvents { page, kinds, .. } = wanted;
        let numbers = page.numbers();
        let fits = |event: &&Arc<Event>| {
            event.number < numbers.end
                && *event.account == *account
                && page.covers(event.utc_ns)
                && (kinds.is_empty() || kinds.iter().any(|kind| matches_kind(kind, event.kind)))
                && fits(event)
        };
        page.cut(self.after(numbers.start.saturating_sub(1)).filter(fits).map(Arc::clone))
    }
}

/// Whether a kind is meant by `wanted`, in which a `*` stands for any text: `charge.*`.
fn matches_kind(wanted: &str, kind: &str) -> bool {
    match wanted.split_once('*') {
        None => wanted == kind,
        Some((begin, end)) => {
            kind.len() >= begin.len() + end.len() && kind.starts_with(begin) && kind.ends_with(end)
        }
    }
}

impl Provider {
    /// Writes down an event about a payment, which only merchants of the Stripe-compatible face
    /// can hear of.
    pub(super) fn tell(
        &mut self,
        now: Now,
        key: Option<&str>,
        kind: &'static str,
        intent: &Arc<Intent>,
        about: impl FnOnce(Arc<Intent>) -> About,
    ) {
        if intent.face == Face::Stripe {
            let about = about(Arc::clone(intent));
            self.tell_anyway(now, (&intent.account, key), kind, about, None);
        }
    }

    /// Writes down an event that a call caused, about anything; `before` is the object before a
    /// merchant changed it.
    pub(super) fn tell_of(
        &mut self,
        now: Now,
        request: &Request<'_>,
        kind: &'static str,
        about: About,
        before: Option<About>,
    ) {
        if request.face == Face::Stripe {
            let who = (request.account, request.key);
            self.tell_anyway(now, who, kind, about, before);
        }
    }

    /// Writes down an event of that account, whichever face it came through.
    pub(super) fn tell_anyway(
        &mut self,
        now: Now,
        (account, key): (&str, Option<&str>),
        kind: &'static str,
        about: About,
        before: Option<About>,
    ) {
        let companions = self.companions_about(&about);
        let event = Event {
            number: self.events.made() + 1,
            account: account.into(),
            utc_ns: now.utc_ns,
            kind,
            about,
            before,
            companions,
            call: now.call,
            key: key.map(Into::into),
            telling: Telling::First,
        };
        let again = self.dispatcher.tells_twice(&event);
        self.events.note(event.clone());
        if again {
            self.events.note(Event { telling: Telling::Again, ..event });
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::law::Law;
    use domain::money::Amount;
    use domain::time::Time;

    use super::*;
    use crate::rules::card::by_name;
    use crate::rules::intent::Answer;
    use crate::rules::request::{
        Call, CaptureMethod, Confirm, Currency, NewIntent, NewRefund, Source, Terms,
    };
    use crate::settings::{Challenges, Overrides, Settings};

    fn settings() -> Settings {
        let limits = Vec::new();
        Settings { limits, declines: 0.0, ..Overrides::default().resolve(7).unwrap() }
    }

    fn new(capture: CaptureMethod, card: &str) -> Call {
        Call::Create(Box::new(NewIntent {
            amount: Amount::new(4_500),
            currency: Currency::JPY,
            capture,
            confirm: Confirm::Now,
            source: by_name(card).map(Source::Test),
            customer: None,
            terms: None,
        }))
    }

    fn refund() -> Call {
        let amount = Some(Amount::new(500));
        Call::Refund(Box::new(NewRefund { intent: 1, amount, reason: None, terms: None }))
    }

    fn ask(provider: &mut Provider, at: Time, face: Face, call: Call) {
        let request = Request {
            face,
            account: "shop",
            key: None,
            fingerprint: 0,
            reference: "order-1",
            intent: "",
            call,
        };
        provider.handle(at, at.nanos(), &request);
    }

    fn kinds(provider: &Provider) -> Vec<&'static str> {
        provider.events().after(0).map(|event| event.kind).collect()
    }

    /// The kinds of events that calls cause, an hour apart.
    fn told(calls: impl IntoIterator<Item = Call>) -> Vec<&'static str> {
        let mut provider = Provider::new(settings());
        for (call, hour) in calls.into_iter().zip(0..) {
            ask(&mut provider, Time::from_millis(hour * 3_600_000), Face::Stripe, call);
        }
        kinds(&provider)
    }

    #[test]
    fn each_step_of_a_payment_is_told() {
        use CaptureMethod::{Automatic, Manual};
        let capture = || Call::Capture { intent: 1, amount: None, terms: None };
        let cancel = || Call::Cancel { intent: 1, reason: None };
        let created = "payment_intent.created";
        let held = [created, "charge.succeeded", "payment_intent.amount_capturable_updated"];
        let taken = [created, "charge.succeeded", "payment_intent.succeeded"];
        assert_eq!(told([new(Automatic, "pm_card_visa")]), taken);
        assert_eq!(
            told([new(Manual, "pm_card_visa"), capture(), capture()]),
            [&held[..], &["charge.captured", "payment_intent.succeeded"]].concat()
        );
        assert_eq!(
            told([new(Manual, "pm_card_visa"), cancel(), cancel()]),
            [&held[..], &["charge.refunded", "payment_intent.canceled"]].concat()
        );
        let declined = [created, "charge.failed", "payment_intent.payment_failed"];
        assert_eq!(
            told([new(Manual, "pm_card_chargeDeclined"), cancel()]),
            [&declined[..], &["payment_intent.canceled"]].concat()
        );
        let terms = Box::<Terms>::default();
        assert_eq!(
            told([
                new(Automatic, "pm_card_visa"),
                refund(),
                Call::UpdateRefund { intent: 1, place: 1, terms },
            ]),
            [
                &taken[..],
                &["refund.created", "charge.refunded"],
                &["refund.updated", "charge.refund.updated"]
            ]
            .concat()
        );
    }

    #[test]
    fn what_is_refused_is_not_told() {
        assert_eq!(told([new(CaptureMethod::Manual, "no card")]), [""; 0]);
        assert_eq!(told([refund()]), [""; 0]);
    }

    #[test]
    fn what_the_cardholder_answers_is_told_and_causes_no_request() {
        let takes = Law::default();
        let challenges = Challenges { share: 1.0, takes, failed: 0.0, abandoned: 1.0 };
        let cards = crate::settings::Cards::Drawn;
        let asks = Settings { cards, challenges, ..settings() };
        for (answer, then) in [
            (Answer::Passed, &["charge.succeeded", "payment_intent.succeeded"][..]),
            // No bank was asked.
            (Answer::Failed, &["payment_intent.payment_failed"][..]),
        ] {
            let mut provider = Provider::new(asks.clone());
            let call = new(CaptureMethod::Automatic, "pm_card_visa");
            ask(&mut provider, Time::ZERO, Face::Stripe, call);
            provider.authenticate(Time::ZERO, 0, 1, answer).unwrap();
            let asked = ["payment_intent.created", "payment_intent.requires_action"];
            assert_eq!(kinds(&provider), [&asked[..], then].concat());
            let calls: Vec<_> = provider.events().after(0).map(|event| event.call).collect();
            assert_eq!(calls, [&[Some(1), Some(1)][..], &vec![None; then.len()]].concat());
        }
    }

    #[test]
    fn what_runs_out_is_told() {
        let mut provider = Provider::new(settings());
        let call = new(CaptureMethod::Manual, "pm_card_visa");
        ask(&mut provider, Time::ZERO, Face::Stripe, call);
        let runs_out = provider.next_due().unwrap();
        provider.settle(runs_out, 0);
        assert_eq!(kinds(&provider)[3..], ["charge.expired", "payment_intent.canceled"]);
    }

    #[test]
    fn other_faces_tell_nothing() {
        let mut provider = Provider::new(settings());
        let call = new(CaptureMethod::Automatic, "pm_card_visa");
        ask(&mut provider, Time::ZERO, Face::Native, call);
        assert_eq!(kinds(&provider), [""; 0]);
    }

    #[test]
    fn only_the_newest_events_are_remembered() {
        let mut provider = Provider::new(settings());
        let payments = EVENTS_MAX / 3 + 2;
        for _ in 0..payments {
            let call = new(CaptureMethod::Automatic, "pm_card_visa");
            ask(&mut provider, Time::ZERO, Face::Stripe, call);
        }
        let events = provider.events();
        let made = 3 * payments as u64;
        assert_eq!((events.made(), events.first()), (made, made - EVENTS_MAX as u64 + 1));
        assert_eq!(events.get(events.first() - 1), None);
        assert_eq!(events.get(made).map(|event| event.number), Some(made));
        assert_eq!(events.after(0).count(), EVENTS_MAX);
        assert_eq!(events.after(made - 2).count(), 2);
        assert_eq!(events.after(u64::MAX).count(), 0);
    }
}

//! The idempotency layer: the first result under a key is the result, failures included.
//!
//! What a limiter refused, what makes no sense and what met a call still under way is never kept
//! under the key. Keys
//! are kept for as long as the settings say (24 hours, as Stripe promises), but never more than
//! [`KEYS_MAX`]: then the oldest goes, so that memory does not grow with the run.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use domain::provider::PaymentOutcome;
use domain::time::{Duration, Time};

use super::directory::Object;
use super::intent::Intent;
use super::reply::Reply;
use super::request::{Face, Request};

/// How many keys are remembered: 83 minutes of 100 executed calls per second. With the payments as
/// their answers tell of them that is about 350 MB: see `benches/rules.rs`.
pub(super) const KEYS_MAX: usize = 500_000;

/// What is known of the calls that were executed, by merchant account and key.
#[derive(Debug)]
pub(super) struct Store {
    keeps: Duration,
    known: HashMap<Name, Box<Executed>, BuildHasherDefault<Hashed>>,
    /// Every name of `known` once, the oldest first, with the time it may be forgotten.
    ages: VecDeque<(Time, Name)>,
}

/// Account and key as a hash of 128 bits, so that a name costs no memory of its own: among
/// [`KEYS_MAX`] two are the same with a probability of 10^-27.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(u64, u64);

impl Name {
    fn of(account: &str, key: &str) -> Self {
        let hash = |half: u8| {
            let mut hasher = DefaultHasher::new();
            (half, account, key).hash(&mut hasher);
            hasher.finish()
        };
        Self(hash(0), hash(1))
    }
}

/// A hasher for what is a hash already: the last number alone counts.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("names are numbers")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A call that was executed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Executed {
    pub(super) fingerprint: u64,
    /// The number of the call.
    pub(super) call: u64,
    /// The answer, also when it was never sent.
    pub(super) reply: Reply,
    /// What the answer names, as it stood then.
    pub(super) companions: Vec<Object>,
    /// What truly happened.
    pub(super) outcome: PaymentOutcome,
    /// The payment that was meant or made, and the face that names it.
    pub(super) payment: Option<(Face, u64)>,
    /// The payment as it stood, where the call was refused.
    pub(super) stands: Option<Arc<Intent>>,
    /// When the answer leaves, or would leave if it did not get lost.
    pub(super) leaves: Time,
}

/// What the store knows about a call.
#[derive(Debug, PartialEq)]
pub(super) enum Known<'store> {
    /// Nothing: the key is new, or there is none. Under the name its result is to be kept.
    New(Option<Name>),
    /// The first call under the key is still under way.
    UnderWay,
    /// The key was used for something else.
    Reused,
    /// The call was executed.
    Executed(&'store Executed),
}

impl Store {
    /// A store that keeps each key this long.
    pub(super) fn new(keeps: Duration) -> Self {
        Self { keeps, known: HashMap::default(), ages: VecDeque::new() }
    }

    /// What is known `at` that time about the call.
    pub(super) fn look_up(&mut self, at: Time, request: &Request<'_>) -> Known<'_> {
        let Some(key) = request.key else { return Known::New(None) };
        self.forget(at);
        let name = Name::of(request.account, key);
        match self.known.get(&name) {
            None => Known::New(Some(name)),
            Some(executed) if executed.fingerprint != request.fingerprint => Known::Reused,
            Some(executed) if at < executed.leaves => Known::UnderWay,
            Some(executed) => Known::Executed(executed),
        }
    }

    /// Keeps the result of a call whose key is new.
    pub(super) fn keep(&mut self, at: Time, name: Name, executed: Executed) {
        if self.known.len() >= KEYS_MAX {
            self.forget_oldest();
        }
        let before = self.known.insert(name, Box::new(executed));
        assert!(before.is_none(), "a call under a known key is not executed");
        self.ages.push_back((at + self.keeps, name));
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    fn forget(&mut self, at: Time) {
        while self.ages.front().is_some_and(|(until, _)| *until <= at) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, name)) = self.ages.pop_front() {
            self.known.remove(&name);
        }
    }
}

//! What fans remember of servers' TLS sessions, so that they may resume them: each fan its own.
//!
//! A crowd of browsers shares nothing: a ticket that one fan was given is never another's, or every
//! handshake but the first would be a cheap one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// The most fans of a loop whose tickets are kept; beyond it those are forgotten who were given one
/// first. A kept ticket takes about 2 KB, so this bounds a loop's tickets to 128 MB.
const FANS_MAX: usize = 65_536;
/// The most tickets kept for one fan: servers give two (RFC 8446 §C.4), and each serves once.
const EACH_MAX: usize = 2;

/// The tickets of one loop's fans.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<u64, OneFans>,
    /// Who is in `of`, in the order of coming.
    order: VecDeque<u64>,
}

/// What one fan keeps; there is only one server.
#[derive(Debug, Default)]
struct OneFans {
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl Tickets {
    /// What the fan called `fan` keeps here.
    pub(super) fn of(self: &Arc<Self>, fan: u64) -> Arc<dyn ClientSessionStore> {
        Arc::new(Purse { tickets: Arc::clone(self), fan })
    }

    fn look<T>(&self, fan: u64, look: impl FnOnce(&mut OneFans) -> Option<T>) -> Option<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.of.get_mut(&fan).and_then(look)
    }

    fn note(&self, fan: u64, note: impl FnOnce(&mut OneFans)) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.of.contains_key(&fan) {
            if kept.order.len() == FANS_MAX
                && let Some(first) = kept.order.pop_front()
            {
                kept.of.remove(&first);
            }
            kept.order.push_back(fan);
        }
        note(kept.of.entry(fan).or_default());
    }
}

/// One fan's part of the tickets.
#[derive(Debug)]
struct Purse {
    tickets: Arc<Tickets>,
    fan: u64,
}

impl ClientSessionStore for Purse {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.tickets.note(self.fan, |one| one.group = Some(group));
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.tickets.look(self.fan, |one| one.group)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.tickets.note(self.fan, |one| one.tls12 = Some(value));
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.tickets.look(self.fan, |one| one.tls12.clone())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.tickets.look(self.fan, |one| one.tls12.take());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.tickets.note(self.fan, |one| {
            if one.tls13.len() == EACH_MAX {
                one.tls13.pop_front();
            }
            one.tls13.push_back(value);
        });
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.tickets.look(self.fan, |one| one.tls13.pop_back())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_finds_only_what_it_was_given_itself() {
        let tickets = Arc::new(Tickets::default());
        let name = ServerName::try_from("shop.test").unwrap();
        tickets.of(1).set_kx_hint(name.clone(), NamedGroup::X25519);
        assert_eq!(tickets.of(1).kx_hint(&name), Some(NamedGroup::X25519));
        assert_eq!(tickets.of(2).kx_hint(&name), None);
    }

    #[test]
    fn the_first_are_forgotten_when_too_many_remember() {
        let tickets = Arc::new(Tickets::default());
        let name = ServerName::try_from("shop.test").unwrap();
        let crowd = u64::try_from(FANS_MAX).unwrap();
        for fan in 0..=crowd {
            tickets.of(fan).set_kx_hint(name.clone(), NamedGroup::X25519);
        }
        assert_eq!(tickets.of(0).kx_hint(&name), None);
        assert_eq!(tickets.of(crowd).kx_hint(&name), Some(NamedGroup::X25519));
        assert_eq!(tickets.kept.lock().unwrap().of.len(), FANS_MAX);
    }
}

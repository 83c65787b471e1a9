//! The steps of a foreign shop's funnel, compiled: what every fan says there, and how the answers
//! are read.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::capture::Kept;
use super::message::Message;
use super::rule::Rules;
use super::{Name, Names};

/// A funnel: what its fans' names are, whom it speaks to, and its steps.
#[derive(Clone, Debug)]
pub struct Funnel {
    /// All names that its templates know.
    pub names: Names,
    /// Those that every fan has from the beginning.
    pub given: Given,
    /// Whom it speaks to; the first is the shop itself.
    pub hosts: Vec<Host>,
    /// The requests of each stage of the fans' route, in their order: one, or for a reload several.
    pub stages: Vec<Vec<Step>>,
}

/// The names that every fan has from the beginning, and those of the columns of its data.
#[derive(Clone, Debug)]
pub struct Given {
    /// `{{fan}}`: who it is, `0-417`.
    pub fan: Name,
    /// `{{intent}}`: its purchase intent, which no other run has: `k3f9a2-0-417`.
    pub intent: Name,
    /// `{{key}}`: the idempotency key of its present purchase: `k3f9a2-0-417-0`.
    pub key: Name,
    /// `{{item}}`: the item that it wants, by its id.
    pub item: Name,
    /// `{{quantity}}`: the pieces that it wants.
    pub quantity: Name,
    /// `{{slot}}`: the slot that it chose, by its id; empty before that.
    pub slot: Name,
    /// `{{run}}`: the run: `k3f9a2`.
    pub run: Name,
    /// The columns of its row of data, in their order.
    pub columns: Vec<Name>,
}

impl Given {
    /// The words of what every fan has whatever its data.
    pub const WORDS: [&str; 7] = ["fan", "intent", "key", "item", "quantity", "slot", "run"];

    /// Gives all of them, and the `columns` of the fans' data, their numbers in `names`.
    pub fn define(names: &mut Names, columns: &[String]) -> Self {
        let [fan, intent, key, item, quantity, slot, run] =
            Self::WORDS.map(|word| names.define(word));
        let columns = columns.iter().map(|column| names.define(column)).collect();
        Self { fan, intent, key, item, quantity, slot, run, columns }
    }
}

/// Somebody whom a funnel speaks to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Host {
    /// Whether over TLS.
    pub scheme: Scheme,
    /// Its name or address, in lower case, an IPv6 address without brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

/// What is spoken with a host.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scheme {
    /// HTTP over TCP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// One request of a funnel, and how its answer is read.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name in the scenario.
    pub name: Box<str>,
    /// Whom it asks, by the place in [`Funnel::hosts`].
    pub host: usize,
    /// What is sent.
    pub message: Message,
    /// What is kept of the answer.
    pub captures: Vec<Kept>,
    /// What an answer means.
    pub rules: Rules,
    /// How many redirects are followed.
    pub redirects: u8,
}

impl Scheme {
    /// The port that is meant where none is named.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// What stands before `://`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Whether a host's name, or its address with or without brackets, is this machine itself. Other
/// names are not looked up: whoever answers for them could name any machine.
pub fn is_loopback(host: &str) -> bool {
    let address = || host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address().is_ok_and(|address| address.is_loopback())
}

impl Host {
    /// Whether it is this machine by its very name.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.name)
    }

    /// The beginning of its URLs: `https://shop.example:8443`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.authority())
    }

    /// What stands in the field `Host`: the name, and the port unless it is the scheme's own.
    pub fn authority(&self) -> String {
        let name =
            if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() };
        if self.port == self.scheme.port() { name } else { format!("{name}:{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_names_its_port_only_where_it_is_unusual() {
        let host = |scheme, name: &str, port| Host { scheme, name: name.to_owned(), port };
        assert_eq!(host(Scheme::Http, "shop.test", 80).authority(), "shop.test");
        assert_eq!(host(Scheme::Https, "shop.test", 443).authority(), "shop.test");
        assert_eq!(host(Scheme::Https, "shop.test", 80).authority(), "shop.test:80");
        assert_eq!(host(Scheme::Http, "::1", 8080).authority(), "[::1]:8080");
    }
}

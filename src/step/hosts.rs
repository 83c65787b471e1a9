//! Whom the fans of one load loop speak to: the hosts of the funnel, and those that redirects lead
//! to, as far as they may.

use super::funnel::Host;

/// The most hosts: a fan's way to a purchase leads over a handful.
const HOSTS_MAX: usize = 64;

/// Hosts by number: those of the funnel first, in their order.
#[derive(Clone, Debug)]
pub struct Hosts {
    known: Vec<(Host, String)>,
    allowed: Vec<String>,
    forbidden: fn(&str) -> bool,
}

/// A host that nobody is sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It sells payments.
    #[error("`{0}` is a provider of payments")]
    TakesPayments(String),
    /// It is another machine and nobody allowed it.
    #[error("`{0}` does not stand in `allow_hosts`")]
    NotAllowed(String),
    /// There are too many.
    #[error("there are more than {HOSTS_MAX} hosts")]
    TooMany,
}

impl Hosts {
    /// The hosts of a funnel; others may be this machine or have a name in `allowed` (in lower
    /// case). Those that are `forbidden` by name are refused whatever else is said.
    pub fn new(funnel: &[Host], allowed: &[String], forbidden: fn(&str) -> bool) -> Self {
        let known = funnel.iter().map(|host| (host.clone(), host.authority())).collect();
        Self { known, allowed: allowed.to_vec(), forbidden }
    }

    /// The host of that number.
    ///
    /// # Panics
    /// When there is none.
    pub fn host(&self, number: usize) -> &Host {
        &self.known[number].0
    }

    /// What stands in the field `Host` for that number.
    ///
    /// # Panics
    /// When there is none.
    pub fn authority(&self, number: usize) -> &str {
        &self.known[number].1
    }

    /// The number of `host`, if fans may be sent there.
    ///
    /// # Errors
    /// When they may not.
    pub fn admit(&mut self, host: Host) -> Result<usize, Refusal> {
        if let Some(place) = self.known.iter().position(|(known, _)| *known == host) {
            return Ok(place);
        }
        if (self.forbidden)(&host.name) {
            return Err(Refusal::TakesPayments(host.name));
        }
        if !host.is_loopback() && !self.allowed.contains(&host.name) {
            return Err(Refusal::NotAllowed(host.name));
        }
        if self.known.len() >= HOSTS_MAX {
            return Err(Refusal::TooMany);
        }
        let authority = host.authority();
        self.known.push((host, authority));
        Ok(self.known.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::funnel::Scheme;

    fn host(name: &str, port: u16) -> Host {
        Host { scheme: Scheme::Https, name: name.to_owned(), port }
    }

    #[test]
    fn fans_go_where_they_may_and_nowhere_else() {
        let allowed = ["shop.example".to_owned(), "pay.example".to_owned()];
        let mut hosts =
            Hosts::new(&[host("shop.example", 443)], &allowed, |name| name == "pay.example");
        assert_eq!(hosts.admit(host("shop.example", 443)), Ok(0));
        assert_eq!(hosts.admit(host("shop.example", 8443)), Ok(1));
        assert_eq!(hosts.admit(host("127.0.0.1", 80)), Ok(2));
        assert_eq!(hosts.admit(host("shop.example", 8443)), Ok(1));
        assert_eq!(hosts.authority(1), "shop.example:8443");
        let refused = |name: &str| name.to_owned();
        assert_eq!(
            hosts.admit(host("pay.example", 443)),
            Err(Refusal::TakesPayments(refused("pay.example")))
        );
        assert_eq!(
            hosts.admit(host("cdn.example", 443)),
            Err(Refusal::NotAllowed(refused("cdn.example")))
        );
        let admitted = (0..100).filter(|port| hosts.admit(host("localhost", *port)).is_ok());
        assert_eq!(admitted.count(), HOSTS_MAX - 3);
    }
}

//! Whom the fans of one load loop speak to: the hosts of the funnel, and those that redirects lead
//! to, as far as they may.

use std::fmt;

use super::funnel::Host;

/// The most hosts: a fan's way to a purchase leads over a handful.
const HOSTS_MAX: usize = 64;

/// Hosts by number: those of the funnel first, in their order.
pub struct Hosts {
    known: Vec<(Host, String)>,
    admits: Admits,
}

/// Whether fans may be sent to the host of that name; if not, why.
pub type Admits = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// A host that nobody is sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It must not be.
    #[error("`{name}`: {why}")]
    Forbidden {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// There are too many.
    #[error("there are more than {HOSTS_MAX} hosts")]
    TooMany,
}

impl fmt::Debug for Hosts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hosts").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Hosts {
    /// The hosts of a funnel, and others that `admits` lets in by their names.
    pub fn new(funnel: &[Host], admits: Admits) -> Self {
        let known = funnel.iter().map(|host| (host.clone(), host.authority())).collect();
        Self { known, admits }
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
        if let Err(why) = (self.admits)(&host.name) {
            return Err(Refusal::Forbidden { name: host.name, why });
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
        let admits = |name: &str| match name {
            "evil.example" => Err("never".to_owned()),
            _ => Ok(()),
        };
        let mut hosts = Hosts::new(&[host("shop.example", 443)], Box::new(admits));
        assert_eq!(hosts.admit(host("shop.example", 443)), Ok(0));
        assert_eq!(hosts.admit(host("shop.example", 8443)), Ok(1));
        assert_eq!(hosts.admit(host("127.0.0.1", 80)), Ok(2));
        assert_eq!(hosts.admit(host("shop.example", 8443)), Ok(1));
        assert_eq!(hosts.authority(1), "shop.example:8443");
        let refused = hosts.admit(host("evil.example", 443)).unwrap_err();
        assert_eq!(refused.to_string(), "`evil.example`: never");
        let admitted = (0..100).filter(|port| hosts.admit(host("localhost", *port)).is_ok());
        assert_eq!(admitted.count(), HOSTS_MAX - 3);
    }
}

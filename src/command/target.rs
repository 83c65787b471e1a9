//! Where a run's fans go: to the embedded shop, or to one that is running already.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context as _;

use reqwest::Url;

use super::embedded::Embedded;
use crate::live::Target;
use crate::live::abroad::Abroad;
use crate::live::clock::Clock;
use crate::scenario::Scenario;
use crate::step::funnel::Host;

/// Where a run's fans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To a shop of the run's own, started for it.
    Embedded,
    /// To a shop that is running already and speaks the reference shop's interface.
    Running(Target),
    /// To the foreign shop of the scenario.
    Foreign(Abroad),
}

/// A target that fans are not sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TargetError {
    /// It is no URL, or one of another kind.
    #[error(
        "read the target `{text}`: {why}\nhint: name a shop as `http://127.0.0.1:PORT`, the line \
         that `spike shop` prints"
    )]
    Unreadable {
        /// As it was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is somebody else's machine.
    #[error(
        "send fans to `{host}`: it is not an address of this machine, and the scenario has no \
         `[target]` whose `allow_hosts` could name other machines\nhint: run `spike` beside the \
         shop, and name it as `http://127.0.0.1:PORT`, or describe the shop in `[target]`"
    )]
    Elsewhere {
        /// Its host.
        host: String,
    },
}

/// The place that a URL names: a shop on this machine, over plain HTTP, with nothing after its port.
///
/// # Errors
/// When fans are not sent there.
pub(super) fn place(text: &str) -> Result<Place, TargetError> {
    let unreadable = |why: &str| TargetError::Unreadable { text: text.to_owned(), why: why.into() };
    let url = Url::parse(text).map_err(|error| unreadable(&error.to_string()))?;
    if url.scheme() != "http" {
        return Err(unreadable("only `http://` can be spoken"));
    }
    let Some(host) = url.host_str() else { return Err(unreadable("it names no host")) };
    let Some(address) = loopback(host) else {
        return Err(TargetError::Elsewhere { host: host.to_owned() });
    };
    if url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
        return Err(unreadable("only a host and a port can be named"));
    }
    let port = url.port_or_known_default().unwrap_or(80);
    Ok(Place::Running(Target {
        shop: SocketAddr::new(address, port),
        host: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        provider: None,
        provider_ledger: None,
        certificate: None,
        abroad: None,
    }))
}

/// The address of a host that is this machine itself. Names are not looked up: whoever answers for
/// them could name any machine.
fn loopback(host: &str) -> Option<IpAddr> {
    if host == "localhost" {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
    address.is_loopback().then_some(address)
}

impl Place {
    /// The address of the shop there.
    pub(super) fn shop(&self) -> IpAddr {
        match self {
            Self::Embedded => Ipv4Addr::LOCALHOST.into(),
            Self::Running(target) => target.shop.ip(),
            Self::Foreign(abroad) => first_way(abroad).ip(),
        }
    }

    /// The target there; the embedded servers live as long as what is returned beside it.
    ///
    /// # Errors
    /// When they cannot be started.
    pub(super) fn open(
        &self,
        scenario: &Scenario,
        folder: &Path,
        clock: Clock,
    ) -> anyhow::Result<(Target, Option<Embedded>)> {
        match self {
            Self::Running(target) => Ok((target.clone(), None)),
            Self::Foreign(abroad) => {
                let shop = first_way(abroad);
                let host = abroad.hosts.first().map(Host::authority).unwrap_or_default();
                let abroad = Some(abroad.clone());
                Ok((
                    Target {
                        shop,
                        host,
                        provider: None,
                        provider_ledger: None,
                        certificate: None,
                        abroad,
                    },
                    None,
                ))
            }
            Self::Embedded => {
                let binary =
                    std::env::current_exe().context("failed to find this program's own file")?;
                let embedded = Embedded::start(&binary, scenario, folder, clock)?;
                let target = Target {
                    shop: embedded.shop,
                    host: embedded.shop.to_string(),
                    provider: Some(embedded.provider),
                    provider_ledger: Some(embedded.provider_ledger.clone()),
                    certificate: embedded.certificate.clone(),
                    abroad: None,
                };
                Ok((target, Some(embedded)))
            }
        }
    }
}

/// Where the first connection to a foreign shop goes.
fn first_way(abroad: &Abroad) -> SocketAddr {
    let ways = abroad.hosts.first().map(|host| abroad.ways(host)).unwrap_or_default();
    ways.first().copied().unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_on_this_machine_is_a_place() {
        for (text, shop, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://localhost:8080/", "127.0.0.1:8080", "localhost:8080"),
            ("http://[::1]:8080", "[::1]:8080", "[::1]:8080"),
            ("http://127.8.0.1", "127.8.0.1:80", "127.8.0.1"),
        ] {
            let shop = shop.parse().unwrap();
            let target = Target {
                shop,
                host: host.to_owned(),
                provider: None,
                provider_ledger: None,
                certificate: None,
                abroad: None,
            };
            assert_eq!(place(text), Ok(Place::Running(target)), "{text}");
        }
    }

    #[test]
    fn fans_are_sent_to_no_other_machine() {
        for text in ["http://shop.example", "http://10.0.0.1:80", "http://localhost.example/"] {
            assert!(matches!(place(text), Err(TargetError::Elsewhere { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_not_guessed_at() {
        for text in
            ["127.0.0.1:8080", "https://127.0.0.1", "http://127.0.0.1/shop", "http://", "shop"]
        {
            assert!(matches!(place(text), Err(TargetError::Unreadable { .. })), "{text}");
        }
    }
}

//! Where a foreign shop's hosts are, whom they must prove to be, and what stands between.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

use crate::step::funnel::Host;

/// The ways to a foreign shop. Names are looked up once, before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abroad {
    /// The hosts of the funnel, in its order.
    pub hosts: Vec<Host>,
    /// The addresses of the names that fans may be sent to; tried in turn when one refuses.
    pub addresses: BTreeMap<String, Vec<IpAddr>>,
    /// Who goes elsewhere than to its own address.
    pub pins: Vec<Pin>,
    /// Whom certificates must lead to.
    pub trust: Trust,
    /// Through whom everything goes.
    pub proxy: Option<Proxy>,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Where it is, tried in turn.
    pub addresses: Vec<SocketAddr>,
    /// What it is shown so that it lets one through.
    pub credentials: Option<Credentials>,
}

/// The value of `Proxy-Authorization`, which nobody but the proxy is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials(String);

impl Credentials {
    /// Those of a user with that password (RFC 7617); the user's name is without a colon.
    pub fn basic(user: &str, password: &str) -> Self {
        Self(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
    }

    /// The line of a head that shows them, with its end.
    pub fn line(&self) -> String {
        format!("Proxy-Authorization: {}\r\n", self.0)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

/// Whom the certificates of a foreign shop must lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Somebody whom this machine trusts, or one of these (PEM).
    System {
        /// Further certificates.
        besides: Option<Vec<u8>>,
    },
    /// Nobody: every certificate will do.
    Anyone,
}

impl Default for Trust {
    fn default() -> Self {
        Self::System { besides: None }
    }
}

/// A host that is connected to elsewhere, as `--connect-to` says; what fans say stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Which name; absent: any.
    pub name: Option<String>,
    /// Which port; absent: any.
    pub port: Option<u16>,
    /// The name that is connected to; absent: its own.
    pub to_name: Option<String>,
    /// The port that is connected to; absent: its own.
    pub to_port: Option<u16>,
}

impl Pin {
    /// Whether it is meant for `host`.
    fn fits(&self, host: &Host) -> bool {
        self.name.as_ref().is_none_or(|name| *name == host.name)
            && self.port.is_none_or(|port| port == host.port)
    }
}

impl Abroad {
    /// The name and port that `host` is connected to by.
    pub fn place(&self, host: &Host) -> (String, u16) {
        let pin = self.pins.iter().find(|pin| pin.fits(host));
        let name = pin.and_then(|pin| pin.to_name.clone()).unwrap_or_else(|| host.name.clone());
        (name, pin.and_then(|pin| pin.to_port).unwrap_or(host.port))
    }

    /// Where connections to `host` go; none when nobody knows.
    pub fn ways(&self, host: &Host) -> Vec<SocketAddr> {
        if let Some(proxy) = &self.proxy {
            return proxy.addresses.clone();
        }
        let (name, port) = self.place(host);
        let known = self.addresses.get(&name).cloned().or_else(|| literal(&name));
        known.unwrap_or_default().into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
    }
}

/// The addresses of a name that need not be looked up.
pub fn literal(name: &str) -> Option<Vec<IpAddr>> {
    if name == "localhost" {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    name.parse().ok().map(|address| vec![address])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::funnel::Scheme;

    fn host(name: &str, port: u16) -> Host {
        Host { scheme: Scheme::Https, name: name.to_owned(), port }
    }

    #[test]
    fn a_host_is_where_its_pin_says_or_else_where_its_name_does() {
        let pin = Pin {
            name: Some("shop.test".to_owned()),
            port: Some(443),
            to_name: Some("127.0.0.9".to_owned()),
            to_port: None,
        };
        let addresses = BTreeMap::from([("shop.test".to_owned(), vec![[10, 0, 0, 1].into()])]);
        let abroad = Abroad { pins: vec![pin], addresses, ..Abroad::default() };
        let ways = |name, port| {
            let ways = abroad.ways(&host(name, port));
            ways.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(ways("shop.test", 443), ["127.0.0.9:443"]);
        assert_eq!(ways("shop.test", 444), ["10.0.0.1:444"]);
        assert_eq!(ways("::1", 80), ["[::1]:80"]);
        assert_eq!(ways("localhost", 80), ["127.0.0.1:80", "[::1]:80"]);
        assert_eq!(ways("elsewhere.test", 80), [""; 0]);
        let addresses = vec![SocketAddr::from(([10, 0, 0, 2], 3128))];
        let proxy = Some(Proxy { addresses, credentials: None });
        let proxied = Abroad { proxy, ..abroad };
        assert_eq!(proxied.ways(&host("x.test", 80)), [SocketAddr::from(([10, 0, 0, 2], 3128))]);
        assert_eq!(proxied.place(&host("shop.test", 443)), ("127.0.0.9".to_owned(), 443));
    }

    #[test]
    fn what_a_proxy_is_shown_nobody_else_is() {
        let credentials = Some(Credentials::basic("Aladdin", "open sesame"));
        // The example of RFC 7617, section 2.
        let line = "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
        assert_eq!(credentials.as_ref().unwrap().line(), line);
        let proxy = Some(Proxy { addresses: Vec::new(), credentials });
        let shown = format!("{:?}", Abroad { proxy, ..Abroad::default() });
        assert!(!shown.contains("QWxhZ") && !shown.contains("sesame"), "{shown}");
    }
}

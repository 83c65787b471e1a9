//! The ways to a foreign shop: its names looked up once, and what the command line says of proxies,
//! pins and certificates.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::cli::NetworkArgs;
use crate::live::abroad::{Abroad, Credentials, Pin, Proxy, Trust, literal};
use crate::scenario::target::{Stranger, Target, admit};

/// Why there is no way to a foreign shop.
#[derive(Debug, thiserror::Error)]
pub(super) enum NetworkError {
    /// Nothing may be sent there.
    #[error("send fans to `{host}`: {why}")]
    Stranger {
        /// The host.
        host: String,
        /// Why not.
        why: Stranger,
    },
    /// Certificates cannot be read.
    #[error("read the certificates in {}: {why}", .file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// What the system says, or what is wrong with it.
        why: String,
    },
    /// No proxy has such a URL.
    #[error(
        "read the proxy `{text}`: {why}\nhint: write `http://HOST:PORT`, or `http://USER:PASSWORD@HOST:PORT`"
    )]
    Proxy {
        /// As it is written, without what stands before an `@`.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is no pin.
    #[error(
        "read `--connect-to {text}`\nhint: write HOST:PORT:ADDRESS:PORT, an IPv6 address in \
         brackets; an empty part is any host, or the same as before"
    )]
    Pin {
        /// As it is written.
        text: String,
    },
    /// A name has no address.
    #[error("look up `{name}`: {why}")]
    Lookup {
        /// The name.
        name: String,
        /// What the system says.
        why: String,
    },
}

impl NetworkError {
    /// Whether what was written is wrong, rather than the network.
    pub(super) const fn is_written(&self) -> bool {
        !matches!(self, Self::Lookup { .. })
    }
}

/// The ways to the hosts of `target`.
///
/// # Errors
/// When one of its hosts is nobody's whom fans may be sent to, or cannot be found.
pub(super) fn abroad(target: &Target, args: &NetworkArgs) -> Result<Abroad, NetworkError> {
    for host in &target.funnel.hosts {
        admit(&host.name, &target.allow_hosts)
            .map_err(|why| NetworkError::Stranger { host: host.name.clone(), why })?;
    }
    let proxy = args.proxy.as_deref().map(proxy).transpose()?;
    let pins: Vec<Pin> = args.connect_to.iter().map(|text| pin(text)).collect::<Result<_, _>>()?;
    let ways = Abroad {
        hosts: target.funnel.hosts.clone(),
        pins,
        trust: trust(args)?,
        ..Abroad::default()
    };
    if proxy.is_some() {
        // Who goes through a proxy lets it look up names.
        return Ok(Abroad { proxy, ..ways });
    }
    let mut addresses = BTreeMap::new();
    let own = ways.hosts.iter().map(|host| ways.place(host).0);
    for name in own.chain(ways.pins.iter().filter_map(|pin| pin.to_name.clone())) {
        let found = look_up(&name)?;
        addresses.insert(name, found);
    }
    for name in &target.allow_hosts {
        // Only a redirect would lead there.
        if !addresses.contains_key(name)
            && let Ok(found) = look_up(name)
        {
            addresses.insert(name.clone(), found);
        }
    }
    Ok(Abroad { addresses, ..ways })
}

fn look_up(name: &str) -> Result<Vec<IpAddr>, NetworkError> {
    if let Some(known) = literal(name) {
        return Ok(known);
    }
    let error = |why: String| NetworkError::Lookup { name: name.to_owned(), why };
    let found = (name, 0).to_socket_addrs().map_err(|why| error(why.to_string()))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|address| address.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(error("it has no address".to_owned())) } else { Ok(addresses) }
}

fn trust(args: &NetworkArgs) -> Result<Trust, NetworkError> {
    if args.insecure {
        return Ok(Trust::Anyone);
    }
    let Some(file) = &args.cacert else { return Ok(Trust::default()) };
    let error = |why: String| NetworkError::Certificates { file: file.clone(), why };
    let besides = std::fs::read(file).map_err(|why| error(why.to_string()))?;
    let has_some = besides.windows(27).any(|bytes| bytes == b"-----BEGIN CERTIFICATE-----");
    if !has_some {
        return Err(error("there is no certificate in it (PEM)".to_owned()));
    }
    Ok(Trust::System { besides: Some(besides) })
}

fn proxy(text: &str) -> Result<Proxy, NetworkError> {
    let shown = text.rsplit('@').next().unwrap_or_default().to_owned();
    let error = |why: &str| NetworkError::Proxy { text: shown.clone(), why: why.to_owned() };
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|why| error(&why.to_string()))?;
    if url.scheme() != "http" {
        return Err(error("only `http://` can be spoken with it"));
    }
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    if user.contains(':') {
        return Err(error("its user has a colon in the name"));
    }
    let is_named = !user.is_empty() || !password.is_empty();
    let credentials = is_named.then(|| Credentials::basic(&user, &password));
    let Some(host) = url.host_str() else { return Err(error("it names no host")) };
    let port = url.port().unwrap_or(80);
    let found = look_up(host.trim_matches(['[', ']']))?;
    let addresses = found.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    Ok(Proxy { addresses, credentials })
}

/// `HOST:PORT:ADDRESS:PORT`, each part of which may be empty.
fn pin(text: &str) -> Result<Pin, NetworkError> {
    let error = || NetworkError::Pin { text: text.to_owned() };
    let parts = parts(text).ok_or_else(error)?;
    let name = |part: &str| (!part.is_empty()).then(|| part.to_ascii_lowercase());
    let port = |part: &str| match part {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| error()),
    };
    Ok(Pin {
        name: name(parts[0]),
        port: port(parts[1])?,
        to_name: name(parts[2]),
        to_port: port(parts[3])?,
    })
}

/// Four parts with colons between; what stands in brackets is one.
fn parts(text: &str) -> Option<[&str; 4]> {
    let mut parts = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (part, after) = match text.strip_prefix('[') {
            Some(inside) => {
                let (part, after) = inside.split_once(']')?;
                (part, after.strip_prefix(':').or_else(|| after.is_empty().then_some(after)))
            }
            None => match text.split_once(':') {
                Some((part, after)) => (part, Some(after)),
                None => (text, None),
            },
        };
        parts.push(part);
        rest = after.filter(|_| parts.len() < 4 || after.is_some_and(|after| !after.is_empty()));
    }
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_curl_does() {
        let read =
            |text| pin(text).map(|pin| (pin.name, pin.port, pin.to_name, pin.to_port)).unwrap();
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(
            read("Shop.test:443:127.0.0.1:8443"),
            (name("shop.test"), Some(443), name("127.0.0.1"), Some(8443))
        );
        assert_eq!(read("::[::1]:80"), (None, None, name("::1"), Some(80)));
        assert_eq!(read("shop.test::backend:"), (name("shop.test"), None, name("backend"), None));
        for text in ["", "shop.test:443", "a:x:b:1", "a:1:b:2:c", "[::1:1:b:2"] {
            assert!(pin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_proxy_is_plain_and_its_password_is_never_told() {
        let at =
            |credentials| Proxy { addresses: vec!["127.0.0.1:3128".parse().unwrap()], credentials };
        assert_eq!(proxy("http://127.0.0.1:3128").unwrap(), at(None));
        assert_eq!(proxy("127.0.0.1:3128").unwrap(), at(None));
        let known = at(Some(Credentials::basic("me", "hu:sh@")));
        for text in ["http://me:hu%3Ash%40@127.0.0.1:3128", "me:hu%3Ash%40@127.0.0.1:3128"] {
            assert_eq!(proxy(text).unwrap(), known);
        }
        for text in ["https://127.0.0.1", "http://", "socks5://127.0.0.1"] {
            assert!(proxy(text).is_err(), "{text}");
        }
        for text in ["https://user:hush@127.0.0.1:1", "http://user:hush@:1", "user%3A:hush@a:1"] {
            let told = proxy(text).unwrap_err().to_string();
            assert!(!told.contains("hush"), "{told}");
        }
    }

    #[test]
    fn what_stands_in_no_file_is_not_trusted() {
        let args = |file: &std::path::Path| NetworkArgs {
            cacert: Some(file.to_owned()),
            ..NetworkArgs::default()
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        let told = trust(&args(file.path())).unwrap_err().to_string();
        assert!(told.contains("no certificate"), "{told}");
        let missing = trust(&args(std::path::Path::new("/nowhere/ca.pem"))).unwrap_err();
        assert!(missing.is_written() && missing.to_string().contains("/nowhere/ca.pem"));
    }
}

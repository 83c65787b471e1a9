//! TLS at the edge: a key and a certificate made at the start, and tickets for who comes back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::CertifiedKey;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring as provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::ProducesTickets;
use tokio_rustls::rustls::{self, ServerConfig};

/// How long a ticket is honoured \[s\]: longer than any run.
const TICKET_LIFETIME_S: u32 = 43_200;

/// What is offered besides TLS, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Who the edge is in TLS: what every process of it must know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The certificate, signed by its own key (PEM).
    pub(super) pem: String,
    /// Its key (PKCS #8, PEM).
    pub(super) key_pem: String,
    /// What the tickets of resumed connections are sealed with.
    ticket_key: [u8; 32],
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// The key or the certificate cannot be made.
    #[error("sign the certificate")]
    Sign(#[source] rcgen::Error),
    /// The machine has no randomness to give.
    #[error("draw the key of the tickets: the system gives no random bytes")]
    Draw,
    /// What was written down is no certificate, or no key.
    #[error("read PEM")]
    Read(#[source] rustls::pki_types::pem::Error),
    /// Key and certificate do not fit.
    #[error("use the certificate")]
    Use(#[source] rustls::Error),
}

impl Identity {
    /// A new key, and a certificate of it for localhost, 127.0.0.1, `::1` and `address`.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub(super) fn make(address: IpAddr) -> Result<Self, TlsError> {
        let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        let mut names = vec!["localhost".to_owned()];
        names.extend(addresses.iter().map(IpAddr::to_string));
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(names).map_err(TlsError::Sign)?;
        let key_pem = signing_key.serialize_pem();
        Ok(Self { pem: cert.pem(), key_pem, ticket_key: ticket_key()? })
    }

    /// The one that was written down as a certificate and its key (PEM). Tickets that it gave out before
    /// are honoured no more.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub(super) fn kept(pem: String, key_pem: String) -> Result<Self, TlsError> {
        Ok(Self { pem, key_pem, ticket_key: ticket_key()? })
    }
}

fn ticket_key() -> Result<[u8; 32], TlsError> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| TlsError::Draw)?;
    Ok(key)
}

/// What makes TLS of a connection: versions 1.2 and 1.3, HTTP/2 or HTTP/1.1 by ALPN, and tickets
/// that every process of the same identity honours.
///
/// # Errors
/// When key and certificate cannot be read, or do not fit.
pub(super) fn acceptor(identity: &Identity) -> Result<TlsAcceptor, TlsError> {
    let certificate = CertificateDer::from_pem_slice(identity.pem.as_bytes());
    let certificate = certificate.map_err(TlsError::Read)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(TlsError::Read)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Use)?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(TlsError::Use)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.ticketer = Arc::new(Tickets::new(&identity.ticket_key));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Tickets sealed under one key, so that who met one process of the edge is known to the others;
/// the library's own draws a key per process.
#[derive(Debug)]
struct Tickets {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Tickets {
    fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the cipher's keys have 32 bytes");
        Self { key: LessSafeKey::new(key), random: SystemRandom::new() }
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        TICKET_LIFETIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let by = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(by, Aad::empty(), &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = cipher.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let by = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(by, Aad::empty(), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_honoured_by_every_process_of_the_edge_and_by_no_other_shop() {
        let identity = Identity::make(Ipv4Addr::LOCALHOST.into()).unwrap();
        let stranger = Identity::make(Ipv4Addr::LOCALHOST.into()).unwrap();
        let ticket = Tickets::new(&identity.ticket_key).encrypt(b"who met one").unwrap();
        let other = Tickets::new(&identity.ticket_key);
        assert_eq!(other.decrypt(&ticket).as_deref(), Some(&b"who met one"[..]));
        assert_eq!(Tickets::new(&stranger.ticket_key).decrypt(&ticket), None);
        assert_eq!(other.decrypt(&ticket[..NONCE_LEN - 1]), None);
        assert_eq!(other.decrypt(b"whatever was sent instead"), None);
    }
}

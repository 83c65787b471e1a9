//! Whom a database connection over TLS trusts, by the words that database clients know.

use std::fs;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::live::abroad;
use crate::live::admin::with_causes;
use crate::live::connection::authorities;
use crate::live::lenient::Lenient;

/// Whom a connection trusts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whoever answers: encrypted, and no more (`sslmode=require`).
    Anyone,
    /// Whoever has a certificate that leads to a root (`verify-ca`).
    KnownToRoots,
    /// Whoever has one in the name that was asked for (`verify-full`).
    Named,
}

/// What a URL asks of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// `sslmode` or `ssl-mode`.
    pub(super) mode: Option<String>,
    /// `sslrootcert` or `ssl-ca`: a file of certificates (PEM).
    pub(super) roots: Option<String>,
}

/// A URL without what it asks of TLS, and that.
pub(super) fn split(url: &str) -> (String, Asked) {
    let Some((before, query)) = url.split_once('?') else {
        return (url.to_owned(), Asked::default());
    };
    let mut asked = Asked::default();
    let others: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            match name {
                "sslmode" | "ssl-mode" => asked.mode = Some(value.into_owned()),
                "sslrootcert" | "ssl-ca" => asked.roots = Some(value.into_owned()),
                _ => return true,
            }
            false
        })
        .collect();
    let url = if others.is_empty() {
        before.to_owned()
    } else {
        format!("{before}?{}", others.join("&"))
    };
    (url, asked)
}

/// A client that trusts so, by the certificates in the file `roots`, or else those that fans trust.
pub(super) fn client(
    trust: Trust,
    roots: Option<&str>,
    world: &abroad::Trust,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    if trust == Trust::Anyone {
        let verifier = Arc::new(Lenient::believing_all(&provider));
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth());
    }
    let store = Arc::new(store(roots, world)?);
    if trust == Trust::Named {
        return Ok(builder.with_root_certificates(store).with_no_client_auth());
    }
    let strict = WebPkiServerVerifier::builder_with_provider(store, Arc::clone(&provider))
        .build()
        .map_err(|error| error.to_string())?;
    let verifier = Arc::new(Lenient::whatever_the_name(&provider, strict));
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The certificates that fans trust.
pub(super) fn world(world: &abroad::Trust) -> Result<Vec<CertificateDer<'static>>, String> {
    authorities(world).map_err(|error| with_causes(&error))
}

fn store(roots: Option<&str>, trusted: &abroad::Trust) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let Some(path) = roots else {
        store.add_parsable_certificates(world(trusted)?);
        return Ok(store);
    };
    let pem = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| format!("{path}: {error}"))?;
        store.add(certificate).map_err(|error| format!("{path}: {error}"))?;
    }
    if store.is_empty() {
        return Err(format!("{path}: there is no certificate in it"));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_asks_of_tls_is_taken_out_of_it() {
        let (url, asked) =
            split("postgres://a@b/c?sslmode=verify-full&options=x&sslrootcert=%2Fca.pem");
        assert_eq!(url, "postgres://a@b/c?options=x");
        assert_eq!(
            (asked.mode.as_deref(), asked.roots.as_deref()),
            (Some("verify-full"), Some("/ca.pem"))
        );
        assert_eq!(split("postgres://a@b/c").1, Asked::default());
    }

    #[test]
    fn roots_that_cannot_be_read_are_named() {
        let made = rcgen::generate_simple_self_signed(["db.test".to_owned()]).unwrap();
        let besides = Some(made.cert.pem().into_bytes());
        let world = abroad::Trust::System { besides };
        let why = client(Trust::Named, Some("/nowhere/ca.pem"), &world).unwrap_err();
        assert!(why.starts_with("/nowhere/ca.pem: "), "{why}");
        for trust in [Trust::Anyone, Trust::KnownToRoots, Trust::Named] {
            assert!(client(trust, None, &world).is_ok(), "{trust:?}");
        }
    }
}

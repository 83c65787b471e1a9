//! Whom a run trusts, and what its connections agree to.

use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::tls::SecurityError;
use crate::live::abroad::Trust;
use crate::live::lenient::Lenient;
use crate::scenario::Protocol;

/// What every client of the shop agrees to: TLS 1.2 and 1.3, and certificates that lead to one of
/// those in `trusted` (PEM).
///
/// # Errors
/// When nobody can be trusted.
pub(in crate::live) fn configuration(
    trusted: Option<&[u8]>,
) -> Result<ClientConfig, SecurityError> {
    let mut roots = RootCertStore::empty();
    add(&mut roots, trusted.ok_or(SecurityError::NobodyTrusted)?)?;
    if roots.is_empty() {
        return Err(SecurityError::NobodyTrusted);
    }
    Ok(versions()?.with_root_certificates(roots).with_no_client_auth())
}

/// The certificates that others may lead to: those of this machine, as for curl (what its owner has
/// installed for staging is trusted, and nothing grows old in this program), and those besides that
/// `trust` names.
///
/// # Errors
/// When there are none, or those besides are none.
pub(in crate::live) fn authorities(
    trust: &Trust,
) -> Result<Vec<CertificateDer<'static>>, SecurityError> {
    let mut authorities = rustls_native_certs::load_native_certs().certs;
    authorities.extend(besides(trust)?);
    if authorities.is_empty() { Err(SecurityError::NoRoots) } else { Ok(authorities) }
}

/// The certificates that `trust` names besides those of this machine.
fn besides(trust: &Trust) -> Result<Vec<CertificateDer<'static>>, SecurityError> {
    let Trust::System { besides: Some(besides) } = trust else { return Ok(Vec::new()) };
    add(&mut RootCertStore::empty(), besides)?;
    Ok(CertificateDer::pem_slice_iter(besides).filter_map(Result::ok).collect())
}

/// What fans of a foreign shop agree to, who speak `protocol`.
///
/// # Errors
/// When nobody can be trusted.
pub(in crate::live) fn foreign(
    trust: &Trust,
    protocol: Protocol,
) -> Result<ClientConfig, SecurityError> {
    let mut configuration = match trust {
        Trust::Anyone => versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Lenient::believing_all(
                &ring::default_provider(),
            )))
            .with_no_client_auth(),
        Trust::System { .. } => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(authorities(trust)?);
            let provider = Arc::new(ring::default_provider());
            let roots = Arc::new(roots);
            let strict = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            let strict = strict.build().map_err(|_| SecurityError::NoRoots)?;
            let verifier = Lenient::these_themselves(&provider, strict, besides(trust)?);
            versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    configuration.alpn_protocols = vec![protocol.alpn().into()];
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, SecurityError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(SecurityError::Versions)
}

fn add(roots: &mut RootCertStore, trusted: &[u8]) -> Result<(), SecurityError> {
    for certificate in CertificateDer::pem_slice_iter(trusted) {
        let certificate = certificate.map_err(SecurityError::Unreadable)?;
        roots.add(certificate).map_err(SecurityError::Untrusted)?;
    }
    Ok(())
}

//! Certificates of which less is asked than usual: for `--insecure`, and for databases.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Believes any certificate, or any that leads to a root whatever its name. That the other side has
/// the certificate's key is checked all the same.
#[derive(Debug)]
pub(super) struct Lenient {
    algorithms: WebPkiSupportedAlgorithms,
    strict: Option<Arc<WebPkiServerVerifier>>,
}

impl Lenient {
    /// Whoever answers is believed.
    pub(super) const fn believing_all(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, strict: None }
    }

    /// Whoever `strict` believes is believed, and also where it misses nothing but the name.
    pub(super) const fn whatever_the_name(
        provider: &CryptoProvider,
        strict: Arc<WebPkiServerVerifier>,
    ) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, strict: Some(strict) }
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(strict) = &self.strict else { return Ok(ServerCertVerified::assertion()) };
        let found =
            strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match found {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            found => found,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

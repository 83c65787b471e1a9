//! Certificates of which less is asked than usual: for `--insecure`, for databases, and for shops that
//! have signed their own.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Believes certificates that others would not. That the other side has the certificate's key is
/// checked all the same.
#[derive(Debug)]
pub(super) struct Lenient {
    algorithms: WebPkiSupportedAlgorithms,
    belief: Belief,
}

#[derive(Debug)]
enum Belief {
    /// In any certificate.
    Any,
    /// In any that leads to a root, whatever its name.
    WhateverTheName(Arc<WebPkiServerVerifier>),
    /// In any that leads to a root, and in these themselves.
    These(Arc<WebPkiServerVerifier>, Vec<CertificateDer<'static>>),
}

impl Lenient {
    /// Whoever answers is believed.
    pub(super) const fn believing_all(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, belief: Belief::Any }
    }

    /// Whoever `strict` believes is believed, and also where it misses nothing but the name.
    pub(super) const fn whatever_the_name(
        provider: &CryptoProvider,
        strict: Arc<WebPkiServerVerifier>,
    ) -> Self {
        let belief = Belief::WhateverTheName(strict);
        Self { algorithms: provider.signature_verification_algorithms, belief }
    }

    /// Whoever `strict` believes is believed, and also who has one of `these` in its own name: who
    /// signs their own certificate as an authority (`openssl req -x509`) has no other, and curl takes
    /// it too.
    pub(super) const fn these_themselves(
        provider: &CryptoProvider,
        strict: Arc<WebPkiServerVerifier>,
        these: Vec<CertificateDer<'static>>,
    ) -> Self {
        let belief = Belief::These(strict, these);
        Self { algorithms: provider.signature_verification_algorithms, belief }
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
        let strict = match &self.belief {
            Belief::Any => return Ok(ServerCertVerified::assertion()),
            Belief::WhateverTheName(strict) | Belief::These(strict, _) => strict,
        };
        let found =
            strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match (found, &self.belief) {
            (
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                )),
                Belief::WhateverTheName(_),
            ) => Ok(ServerCertVerified::assertion()),
            (Err(error), Belief::These(_, these))
                if is_an_authority(&error) && these.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            (found, _) => found,
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

/// Whether nothing was found against a server's certificate but that it is one of an authority. That is
/// asked after its time, and before its name.
fn is_an_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(why)) = error else { return false };
    matches!(why.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
    use rustls::RootCertStore;
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// A certificate for `shop.test` that is its own authority, as people make them.
    fn own(until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["shop.test".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        CertificateDer::from_pem_slice(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap()
    }

    fn believed(
        named: &CertificateDer<'static>,
        shown: &CertificateDer<'static>,
        name: &'static str,
    ) -> Result<(), Error> {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(named.clone()).unwrap();
        let strict =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let strict = strict.build().unwrap();
        let lenient = Lenient::these_themselves(&provider, strict, vec![named.clone()]);
        let name = ServerName::try_from(name).unwrap();
        lenient.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn who_signs_their_own_certificate_is_believed_by_it_in_time_and_name() {
        let (mine, stale) = (own(4_000), own(2_000));
        assert_eq!(believed(&mine, &mine, "shop.test"), Ok(()));
        let wrong = believed(&mine, &mine, "other.test").unwrap_err();
        assert!(wrong.to_string().contains("not valid for name"), "{wrong}");
        let late = believed(&stale, &stale, "shop.test").unwrap_err();
        assert!(late.to_string().contains("expired"), "{late}");
        let stranger = believed(&mine, &own(4_000), "shop.test").unwrap_err();
        assert!(matches!(stranger, Error::InvalidCertificate(_)), "{stranger}");
    }
}

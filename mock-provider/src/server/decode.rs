//! The decoder of the native API's bodies: bytes in, a call's parameters out.

use domain::money::Amount;
use serde::{Deserialize, Serialize};

/// How long a body may be: the longest sensible one has a hundredth of it.
pub const BODY_BYTES_MAX: usize = 16 << 10;

/// How long an idempotency key, a reference and an account may be: 255 characters, as Stripe has
/// it for keys.
pub const NAME_BYTES_MAX: usize = 255;

/// What an authorization is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizeBody {
    /// How much is to be held.
    pub amount: Amount,
    /// Which of the fan's cards is used.
    #[serde(default)]
    pub card: u32,
    /// The merchant's name for the purchase, not yet checked by [`name`].
    pub reference: String,
}

/// What a capture is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureBody {
    /// How much of what is held is to be taken.
    pub amount: Amount,
    /// The merchant's name for the purchase, not yet checked by [`name`].
    pub reference: String,
}

/// What a void is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidBody {
    /// The merchant's name for the purchase, not yet checked by [`name`].
    pub reference: String,
}

/// What a refund is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// How much of what was taken is to be given back.
    pub amount: Amount,
    /// The merchant's name for the purchase, not yet checked by [`name`].
    pub reference: String,
}

/// What a token is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// Which of the fan's cards it stands for.
    #[serde(default)]
    pub card: u32,
    /// The merchant's name for the purchase, not yet checked by [`name`].
    pub reference: String,
}

/// A body or a name that is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The body is longer than [`BODY_BYTES_MAX`].
    #[error("body: {0} bytes, at most {BODY_BYTES_MAX}")]
    TooLong(usize),
    /// The body is no JSON, or not the one that is expected.
    #[error("body: {0}")]
    Body(serde_json::Error),
    /// A name is missing, or only blank.
    #[error("{0}: missing or empty")]
    Missing(String),
    /// A name is longer than [`NAME_BYTES_MAX`].
    #[error("{name}: {bytes} bytes, at most {NAME_BYTES_MAX}")]
    NameTooLong {
        /// What is named.
        name: String,
        /// How long its name is.
        bytes: usize,
    },
}

impl DecodeError {
    /// The code that the API answers with.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "parameter_missing",
            Self::TooLong(_) | Self::Body(_) | Self::NameTooLong { .. } => "parameter_invalid",
        }
    }
}

/// The parameters in a body of JSON.
///
/// # Errors
/// When the body is too long, no JSON, or has other fields than the call.
pub fn body<'bytes, T: Deserialize<'bytes>>(bytes: &'bytes [u8]) -> Result<T, DecodeError> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(DecodeError::TooLong(bytes.len()));
    }
    serde_json::from_slice(bytes).map_err(DecodeError::Body)
}

/// The name that was `given` for `what`, without blanks around it.
///
/// # Errors
/// When it is missing, blank, or longer than [`NAME_BYTES_MAX`].
pub fn name<'given>(what: &str, given: Option<&'given str>) -> Result<&'given str, DecodeError> {
    match given.map(str::trim).unwrap_or_default() {
        "" => Err(DecodeError::Missing(what.to_owned())),
        name if name.len() > NAME_BYTES_MAX => {
            Err(DecodeError::NameTooLong { name: what.to_owned(), bytes: name.len() })
        }
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use serde::de::DeserializeOwned;

    use super::*;

    fn assert_sound<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
        let Ok(decoded) = body::<T>(bytes) else { return };
        assert!(bytes.len() <= BODY_BYTES_MAX);
        let encoded = serde_json::to_vec(&decoded).unwrap();
        assert_eq!(body::<T>(&encoded).unwrap(), decoded);
    }

    #[test]
    fn what_a_body_is_not_is_said_with_its_place() {
        let said = |bytes: &[u8]| body::<VoidBody>(bytes).unwrap_err().to_string();
        assert_eq!(said(b"{}"), "body: missing field `reference` at line 1 column 2");
        let unknown = r#"{"reference": "r", "refrence": "r"}"#;
        assert!(said(unknown.as_bytes()).starts_with("body: unknown field `refrence`"));
        assert!(said(b"\xff").starts_with("body: expected value"));
        assert_eq!(said(&vec![b' '; BODY_BYTES_MAX + 1]), "body: 16385 bytes, at most 16384");
        assert!(body::<CaptureBody>(br#"{"amount": -1, "reference": "r"}"#).is_err());
        assert!(body::<CaptureBody>(br#"{"amount": 1.5, "reference": "r"}"#).is_err());
        assert!(said("[".repeat(BODY_BYTES_MAX).as_bytes()).starts_with("body: "));
    }

    #[test]
    fn a_name_has_at_most_255_bytes_without_the_blanks_around_it() {
        let longest = "n".repeat(NAME_BYTES_MAX);
        assert_eq!(name("reference", Some(&format!("  {longest} "))).unwrap(), longest);
        let error = name("reference", Some(&format!("{longest}n"))).unwrap_err();
        assert_eq!(error.to_string(), "reference: 256 bytes, at most 255");
        assert_eq!(error.code(), "parameter_invalid");
        for given in [None, Some(""), Some(" \t")] {
            let error = name("reference", given).unwrap_err();
            assert_eq!(error.to_string(), "reference: missing or empty");
            assert_eq!(error.code(), "parameter_missing");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_decoder_panic(bytes: Vec<u8>) {
            assert_sound::<AuthorizeBody>(&bytes);
            assert_sound::<CaptureBody>(&bytes);
            assert_sound::<RefundBody>(&bytes);
            assert_sound::<VoidBody>(&bytes);
        }

        #[test]
        fn every_body_is_decoded_from_its_encoding(amount: u64, card: u32, reference: String) {
            let sent = AuthorizeBody { amount: Amount::new(amount), card, reference };
            let encoded = serde_json::to_vec(&sent).unwrap();
            prop_assert_eq!(body::<AuthorizeBody>(&encoded).unwrap(), sent);
        }
    }
}

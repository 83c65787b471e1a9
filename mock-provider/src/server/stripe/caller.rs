//! Who asks: the key is the whole credential, and an account of its own. This is a mock.

use axum::http::{HeaderValue, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::error::ErrorObject;

/// How long a key may be \[bytes\]: real ones have about a hundred.
const KEY_BYTES_MAX: usize = 255;

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The merchant account: what follows the kind in the key, such as `test_spike`. So
    /// `sk_test_spike`, `rk_test_spike` and `pk_test_spike` are keys of one account.
    pub(super) account: Box<str>,
    /// What the key allows.
    pub(super) rights: Rights,
}

/// What a key allows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// Everything: it is the merchant.
    Secret,
    /// What a page of the shop may do in a browser.
    Publishable,
}

impl Caller {
    /// Who asks, by the header `Authorization`: `Bearer KEY`, or `Basic` with the key as the user.
    ///
    /// # Errors
    /// When there is no key, or no such key can exist (401).
    pub(super) fn of(authorization: Option<&HeaderValue>) -> Result<Self, ErrorObject> {
        let given = authorization.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, credential) = given.trim().split_once(' ').unwrap_or((given, ""));
        let key = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(credential.trim().to_owned()),
            "basic" => user_of(credential.trim()),
            _ => None,
        };
        match key.as_deref() {
            None | Some("") => Err(unauthorized(
                "You did not provide an API key. Send your secret key in the header \
                 `Authorization: Bearer sk_test_…`, or as the user name of HTTP Basic \
                 authentication."
                    .to_owned(),
            )),
            Some(key) => Self::of_key(key)
                .ok_or_else(|| unauthorized(format!("Invalid API Key provided: {}", veiled(key)))),
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        let (kind, account) = key.split_once('_')?;
        let rights = match kind {
            "sk" | "rk" => Rights::Secret,
            "pk" => Rights::Publishable,
            _ => return None,
        };
        let named = |mode| account.strip_prefix(mode).is_some_and(|name: &str| !name.is_empty());
        let sound = key.len() <= KEY_BYTES_MAX && (named("test_") || named("live_"));
        sound.then(|| Self { account: account.into(), rights })
    }
}

/// Whether an account is one of live mode.
pub(super) fn is_live(account: &str) -> bool {
    account.starts_with("live_")
}

fn user_of(credential: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credential).ok()?).ok()?;
    decoded.split(':').next().map(str::to_owned)
}

/// A key as an error may repeat it: its beginning and its end.
fn veiled(key: &str) -> String {
    let chars: Vec<_> = key.chars().take(KEY_BYTES_MAX).collect();
    let shown = if chars.len() > 12 { 4 } else { 0 };
    let (first, last) = (&chars[..shown * 2], &chars[chars.len() - shown..]);
    let stars = "*".repeat(chars.len() - first.len() - last.len());
    format!("{}{stars}{}", String::from_iter(first), String::from_iter(last))
}

fn unauthorized(message: String) -> ErrorObject {
    ErrorObject::invalid(message).status(StatusCode::UNAUTHORIZED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(header: &str) -> Result<Caller, ErrorObject> {
        Caller::of(Some(&HeaderValue::from_str(header).unwrap()))
    }

    #[test]
    fn keys_of_one_name_are_of_one_account() {
        let secret = caller("Bearer sk_test_spike").ok().unwrap();
        assert_eq!((&*secret.account, secret.rights), ("test_spike", Rights::Secret));
        let basic = BASE64_STANDARD.encode("sk_test_spike:");
        assert!(caller(&format!("Basic {basic}")).ok().unwrap() == secret);
        let browser = caller("bearer pk_test_spike").ok().unwrap();
        assert_eq!((&*browser.account, browser.rights), ("test_spike", Rights::Publishable));
    }

    #[test]
    fn what_is_no_key_is_not_repeated_whole() {
        for header in ["Bearer sk", "Bearer sk_test_", "Bearer not-a-key", "Bearer xk_test_a"] {
            let error = caller(header).err().unwrap();
            assert_eq!(error.status, StatusCode::UNAUTHORIZED, "{header}");
        }
        let error = caller("Bearer zk_test_abcdefghijkl").err().unwrap();
        assert_eq!(error.message, "Invalid API Key provided: zk_test_********ijkl");
        assert!(caller("Basic %%%").is_err() && Caller::of(None).is_err());
    }
}

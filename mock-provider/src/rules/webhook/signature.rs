//! The signature of a message, by which a merchant knows that it is the provider's.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of the header `Stripe-Signature` of a message that is sent at `utc_s` \[s of UTC\]:
/// the time, and the HMAC-SHA256 of time and body under the whole secret, in hexadecimal.
///
/// Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
///
/// # Panics
/// Never: HMAC takes a key of any length.
pub fn signature(secret: &str, utc_s: u64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(utc_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut header = format!("t={utc_s},v1=");
    for byte in mac.finalize().into_bytes() {
        write!(header, "{byte:02x}").expect("a text takes any text");
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str =
        "t=1700000000,v1=36f0e7f1724e1c497b4e82610f3c70e929c56594462faf22d541d08ae990a994";

    #[test]
    fn the_signature_is_the_one_that_python_computes() {
        // hmac.new(secret.encode(), f"{t}.{body}".encode("utf-8"), "sha256").hexdigest() of
        // Python 3, which is how the official Python SDK verifies.
        let body = "{\"id\":\"evt_1\",\"名\":\"前\"}".as_bytes();
        assert_eq!(signature("whsec_spike", 1_700_000_000, body), EXPECTED);
    }
}

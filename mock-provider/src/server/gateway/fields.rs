//! The gateway's bodies: flat, form-encoded, in UTF-8 or in the encoding of older Japanese shops.

use std::borrow::Cow;

use encoding_rs::SHIFT_JIS;
use percent_encoding::percent_decode;

/// How long a body may be \[bytes\]: the longest sensible one has a tenth of it.
pub const BODY_BYTES_MAX: usize = 16 << 10;

/// The parameters of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a body; every body can be read. Bytes that are no UTF-8 are read as Windows-31J (the
    /// Shift JIS of Windows), and what is neither becomes U+FFFD.
    pub fn decode(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        Self(pairs.map(pair_of).collect())
    }

    /// What was said under that name; the last word counts, and an empty one is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        let said = self.0.iter().rev().find(|(known, _)| known == name);
        said.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn pair_of(pair: &[u8]) -> (String, String) {
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    let value = parts.next().unwrap_or_default();
    (text_of(name), text_of(value))
}

fn text_of(encoded: &[u8]) -> String {
    let spaced: Vec<u8> =
        encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes: Cow<'_, [u8]> = percent_decode(&spaced).into();
    match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => SHIFT_JIS.decode_without_bom_handling(&bytes).0.into_owned(),
    }
}

/// A text in the encoding of the answers; none where that has no letter for it.
pub(super) fn encoded(text: &str) -> Option<Cow<'_, [u8]>> {
    let (bytes, _, has_unknown) = SHIFT_JIS.encode(text);
    (!has_unknown).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn older_shops_may_speak_shift_jis_and_younger_ones_utf_8() {
        let shift_jis = Fields::decode(b"ClientField1=%91%81%82%AF&a=1");
        let utf_8 = Fields::decode("ClientField1=%E6%97%A9%E3%81%91&a=1".as_bytes());
        assert_eq!(shift_jis, utf_8);
        assert_eq!(shift_jis.text("ClientField1"), Some("早け"));
        assert_eq!(encoded("早け").unwrap(), b"\x91\x81\x82\xAF".as_slice());
        assert_eq!(encoded("🎫"), None);
    }

    #[test]
    fn the_last_word_counts_and_an_empty_one_is_none() {
        let fields = Fields::decode(b"a=1&&b&a=2&=3&c=x%3Dy+z=%");
        assert_eq!(fields.text("a"), Some("2"));
        assert_eq!(fields.text("b"), None);
        assert_eq!(fields.text("c"), Some("x=y z=%"));
        assert_eq!(Fields::decode(b"a=1&a=").text("a"), None);
    }

    proptest! {
        #[test]
        fn every_body_can_be_read(bytes: Vec<u8>) {
            let Fields(pairs) = Fields::decode(&bytes);
            prop_assert!(pairs.len() <= bytes.len());
        }

        #[test]
        fn every_value_is_read_as_it_was_meant(value: String) {
            let body: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("a", &value).finish();
            let fields = Fields::decode(body.as_bytes());
            prop_assert_eq!(fields.text("a").unwrap_or_default(), value);
        }
    }
}

//! What a merchant says of a payment that moves no money.

use serde_json::{Map, Value};

use crate::rules::reply::Fault;

/// How many keys an object's metadata may have (docs.stripe.com/api/metadata).
pub const METADATA_KEYS_MAX: usize = 50;

/// What a merchant says of a payment that moves no money: kept and told again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Metadata: at most 50 keys; in a change, an empty value takes its key away.
    pub metadata: Vec<(String, String)>,
    /// In a change: whether the metadata known so far goes first.
    pub metadata_anew: bool,
    /// Other fields, under the names and in the shapes of the answer that tells them again.
    pub fields: Map<String, Value>,
    /// Whether the cardholder is away, so that nobody could pass a challenge.
    pub presence: Presence,
}

/// Whether the cardholder is there.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// On the page.
    #[default]
    OnSession,
    /// Away: a card that asks for its holder is declined.
    OffSession,
}

impl Terms {
    /// Takes over what `change` says.
    ///
    /// # Errors
    /// When there would be more metadata than [`METADATA_KEYS_MAX`] keys.
    pub fn change(&mut self, change: Self) -> Result<(), Fault> {
        if change.metadata_anew {
            self.metadata.clear();
        }
        for (key, value) in change.metadata {
            self.metadata.retain(|(known, _)| *known != key);
            if !value.is_empty() {
                self.metadata.push((key, value));
            }
        }
        if self.metadata.len() > METADATA_KEYS_MAX {
            let keys = self.metadata.len();
            return Err(Fault::Parameter {
                param: "metadata".into(),
                code: "",
                message: format!(
                    "Metadata can have up to {METADATA_KEYS_MAX} keys, but there would be {keys}."
                ),
            });
        }
        self.fields.extend(change.fields);
        self.presence = change.presence;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(pairs: impl IntoIterator<Item = (String, &'static str)>) -> Terms {
        let metadata = pairs.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
        Terms { metadata, ..Terms::default() }
    }

    #[test]
    fn metadata_is_set_unset_and_begun_anew() {
        let pair = |key: &str, value| (key.to_owned(), value);
        let mut terms = metadata([pair("a", "1"), pair("b", "2")]);
        terms.change(metadata([pair("a", ""), pair("注文", "七"), pair("none", "")])).unwrap();
        assert_eq!(terms, metadata([pair("b", "2"), pair("注文", "七")]));
        terms.change(Terms { metadata_anew: true, ..metadata([pair("c", "3")]) }).unwrap();
        assert_eq!(terms, metadata([pair("c", "3")]));
    }

    #[test]
    fn metadata_has_fifty_keys_in_all() {
        let keys = |keys: std::ops::Range<u32>| metadata(keys.map(|key| (key.to_string(), "1")));
        let mut terms = keys(0..50);
        assert!(terms.clone().change(keys(50..51)).is_err());
        terms.change(keys(0..50)).unwrap();
        assert_eq!(terms, keys(0..50));
    }
}

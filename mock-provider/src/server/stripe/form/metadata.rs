//! Metadata: what a merchant hangs on an object, in any language.

use std::collections::BTreeMap;

use super::{Field, FieldError, Fields};

pub use crate::rules::request::METADATA_KEYS_MAX;

/// How long a key may be, in characters (docs.stripe.com/api/metadata).
pub const METADATA_KEY_CHARS_MAX: usize = 40;

/// How long a value may be, in characters (same source).
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// What a request does to the metadata of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataChange {
    /// All of it goes: `metadata=`.
    Clear,
    /// Keys with a value are set, keys without one go (`metadata[key]=`), others stay.
    Merge(BTreeMap<String, Option<String>>),
}

impl MetadataChange {
    /// What the table given under the name `param` does.
    pub(super) fn read(param: &str, fields: &Fields) -> Result<Self, FieldError> {
        let mut merged = BTreeMap::new();
        for (key, field) in fields {
            let Field::Text(value) = field else {
                return Err(FieldError::InvalidString { param: format!("{param}[{key}]") });
            };
            check(param, key, value)?;
            merged.insert(key.clone(), Some(value.clone()).filter(|value| !value.is_empty()));
        }
        let keys = merged.values().flatten().count();
        if keys > METADATA_KEYS_MAX {
            return Err(FieldError::MetadataTooMany { param: param.to_owned(), keys });
        }
        Ok(Self::Merge(merged))
    }
}

fn check(param: &str, key: &str, value: &str) -> Result<(), FieldError> {
    let param = || param.to_owned();
    if key.chars().count() > METADATA_KEY_CHARS_MAX {
        return Err(FieldError::MetadataKeyTooLong { param: param(), key: key.to_owned() });
    }
    if value.chars().count() > METADATA_VALUE_CHARS_MAX {
        return Err(FieldError::MetadataValueTooLong { param: param(), value: value.to_owned() });
    }
    Ok(())
}

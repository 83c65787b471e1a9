//! Purchases and complaints on their way between processes: as the JSON that will stand in the run's
//! folder, for a line says its own kind or leaves out what there is not, which the frames' format cannot.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes `lines` as one text.
///
/// # Errors
/// When the serializer fails.
pub(in crate::live) fn serialize<T: Serialize, S: Serializer>(
    lines: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde_json::to_string(lines).map_err(S::Error::custom)?.serialize(serializer)
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// When it is something else.
pub(in crate::live) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

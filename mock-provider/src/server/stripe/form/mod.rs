//! The decoder of form-encoded bodies and query strings with nested keys: bytes in, a tree out.
//!
//! `metadata[order_id]=7` is an entry of a table, `expand[]=x` and `expand[0]=x` are the first
//! entry of a list. Only the reader knows whether `a[0]` means a list or a table whose key is `0`,
//! so the tree has tables alone, and [`Parameters`] reads them as what they are meant to be.

mod metadata;
mod parameters;
mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use percent_encoding::percent_decode;

pub use metadata::{
    METADATA_KEY_CHARS_MAX, METADATA_KEYS_MAX, METADATA_VALUE_CHARS_MAX, MetadataChange,
};
pub use parameters::{Change, Parameters, required};
pub use problem::FieldError;

/// How long a body or query may be. Fifty entries of metadata with 540 characters each, all of
/// them four bytes that are percent-encoded, take 324 kB; the rest of a call needs far less.
pub const BODY_BYTES_MAX: usize = 512 << 10;

/// How many pairs a body may have: a call with fifty entries of metadata and a hundred lines of
/// nine parameters each stays below.
pub const PAIRS_MAX: usize = 1024;

/// How deep a key may nest, its name included. The deepest that is documented has six:
/// `line_items[0][price_data][product_data][metadata][key]`.
pub const DEPTH_MAX: usize = 8;

/// How long a decoded key may be: eight names of a hundred bytes fit, and a key of metadata far
/// over its own limit still gets the error documented for it.
pub const KEY_BYTES_MAX: usize = 1024;

/// The parameters under one name, by key.
type Fields = BTreeMap<String, Field>;

/// What was given for one parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Field {
    Text(String),
    /// Never empty. An entry appended with `[]` has the next number for its key.
    Table(Fields),
}

/// The parameters of one request, decoded.
///
/// Two forms are equal when the requests mean the same: the order of their pairs does not count,
/// except among entries of a list that have no index. Of a repeated key the last value counts, as
/// Rack has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Form {
    fields: Fields,
}

impl Form {
    /// Decodes a body or a query string (without its question mark).
    ///
    /// A `%` that begins no escape stands for itself, as the URL standard says.
    ///
    /// # Errors
    /// When a limit of this module is exceeded, a name is empty or its brackets do not match,
    /// something is not UTF-8, or a parameter is given both as a text and as a table.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        if bytes.len() > BODY_BYTES_MAX {
            return Err(FieldError::BodyTooLong { bytes: bytes.len() });
        }
        let mut form = Self::default();
        let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        for (index, pair) in pairs.enumerate() {
            let (key, value) = halves(pair);
            let key = decode_key(key)?;
            if index >= PAIRS_MAX {
                return Err(FieldError::TooManyPairs { param: key });
            }
            let value =
                decode_text(value).ok_or_else(|| FieldError::NotUtf8 { param: key.clone() });
            put(&mut form.fields, &path_of(&key)?, value?)
                .map_err(|_| FieldError::TextAndTable { param: key })?;
        }
        Ok(form)
    }

    /// The parameters, to be read one by one.
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters::all(&self.fields)
    }

    /// A number for all parameters: equal for equal forms, and for different ones equal only by
    /// an accident of 64 bits. It is to be compared within one process, not kept.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// The form as a client could have sent it: keys sorted, every entry of a list with its index.
    pub fn encode(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, field) in &self.fields {
            encode_field(&mut pairs, name, field);
        }
        pairs.finish()
    }
}

fn encode_field(pairs: &mut form_urlencoded::Serializer<'_, String>, name: &str, field: &Field) {
    match field {
        Field::Text(text) => drop(pairs.append_pair(name, text)),
        Field::Table(fields) => {
            for (key, field) in fields {
                encode_field(pairs, &format!("{name}[{key}]"), field);
            }
        }
    }
}

/// The key and the value of a pair; without `=` the value is empty.
fn halves(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(equals) => (&pair[..equals], &pair[equals + 1..]),
        None => (pair, b""),
    }
}

fn decode_key(key: &[u8]) -> Result<String, FieldError> {
    let lossy = || String::from_utf8_lossy(key).into_owned();
    let key = decode_text(key).ok_or_else(|| FieldError::NotUtf8 { param: lossy() })?;
    if key.len() > KEY_BYTES_MAX {
        return Err(FieldError::KeyTooLong { bytes: key.len(), param: key });
    }
    Ok(key)
}

/// The text that was percent-encoded, or `None` when it is not UTF-8.
fn decode_text(encoded: &[u8]) -> Option<String> {
    let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let encoded: Vec<u8> = encoded.iter().map(space).collect();
    percent_decode(&encoded).decode_utf8().ok().map(String::from)
}

/// The names in a key: `a[b][]` has `a`, `b` and an empty one, which appends.
fn path_of(key: &str) -> Result<Vec<&str>, FieldError> {
    let malformed = || FieldError::Malformed { param: key.to_owned() };
    let (first, mut rest) = key.split_at(key.find('[').unwrap_or(key.len()));
    if first.is_empty() || first.contains(']') {
        return Err(malformed());
    }
    let mut path = vec![first];
    while !rest.is_empty() {
        let (name, after) =
            rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(malformed)?;
        if name.contains('[') {
            return Err(malformed());
        }
        if path.len() == DEPTH_MAX {
            return Err(FieldError::TooDeep { param: key.to_owned() });
        }
        path.push(name);
        rest = after;
    }
    Ok(path)
}

/// A parameter that is a text here and a table there.
struct TextAndTable;

fn put(fields: &mut Fields, path: &[&str], text: String) -> Result<(), TextAndTable> {
    let (name, rest) = path.split_first().expect("a key has a name");
    let name = if name.is_empty() { appended(fields, rest) } else { (*name).to_owned() };
    if rest.is_empty() {
        return match fields.insert(name, Field::Text(text)) {
            Some(Field::Table(_)) => Err(TextAndTable),
            Some(Field::Text(_)) | None => Ok(()),
        };
    }
    match fields.entry(name).or_insert_with(|| Field::Table(Fields::new())) {
        Field::Table(fields) => put(fields, rest, text),
        Field::Text(_) => Err(TextAndTable),
    }
}

/// The key of the entry that `[]` means: a new one, or the last one while it lacks what follows,
/// so that `a[][x]=1&a[][y]=2&a[][x]=3` are two entries, as Rack reads them.
fn appended(fields: &Fields, rest: &[&str]) -> String {
    let last = fields.len().checked_sub(1).map(|index| index.to_string());
    if let Some(key) = last
        && let Some(Field::Table(last)) = fields.get(&key)
        && !rest.is_empty()
        && !has(last, rest)
    {
        return key;
    }
    // Only a list that has indices as well needs more than one look.
    let mut keys = (fields.len()..).map(|index| index.to_string());
    keys.find(|key| !fields.contains_key(key)).expect("numbers do not run out")
}

fn has(fields: &Fields, path: &[&str]) -> bool {
    let Some((name, rest)) = path.split_first() else { return true };
    match fields.get(*name) {
        None => false,
        Some(Field::Table(fields)) => has(fields, rest),
        Some(Field::Text(_)) => true,
    }
}

//! What is wrong with a parameter, in the provider's words: the text of an error is the `message`
//! that its API sends, so that a shop's logs read as they will.

/// A parameter that is not as it must be.
///
/// Messages and codes are those of the real API where it was seen to send them; those about limits
/// of this decoder are its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "`param` is the parameter as the API spells it, everywhere")]
pub enum FieldError {
    /// The whole is too long.
    #[error("Request body is too long: {bytes} bytes, at most {}.", super::BODY_BYTES_MAX)]
    BodyTooLong { bytes: usize },
    /// There are too many parameters; this is the first of those too many.
    #[error("Received more than {} parameters.", super::PAIRS_MAX)]
    TooManyPairs { param: String },
    /// The key has too many brackets.
    #[error("Parameter is nested too deeply: at most {} levels.", super::DEPTH_MAX)]
    TooDeep { param: String },
    /// The key is too long.
    #[error("Parameter name is too long: {bytes} bytes, at most {}.", super::KEY_BYTES_MAX)]
    KeyTooLong { param: String, bytes: usize },
    /// The key or the value is not UTF-8.
    #[error("Invalid UTF-8 in parameter: {}", cut(param))]
    NotUtf8 { param: String },
    /// The key has no name, or brackets that do not match.
    #[error("Invalid parameter name: {}", cut(param))]
    Malformed { param: String },
    /// The key is used for a value and for nested values.
    #[error("Received both a value and nested values for one parameter: {}", cut(param))]
    TextAndTable { param: String },
    /// It must be there, and is not.
    #[error("Missing required param: {param}.")]
    Missing { param: String },
    /// Nobody knows these; there is at least one.
    #[error("{}", unknown(params))]
    Unknown { params: Vec<String> },
    /// It is empty, and cannot be unset.
    #[error(
        "You passed an empty string for '{param}'. We assume empty values are an attempt to unset \
         a parameter; however '{param}' cannot be unset. You should remove '{param}' from your \
         request or supply a non-empty value."
    )]
    Empty { param: String },
    /// It is not an integer, or one beyond 64 bits.
    #[error("Invalid integer: {}", cut(value))]
    InvalidInteger { param: String, value: String },
    /// It is an integer, and too small.
    #[error("This value must be greater than or equal to {least}.")]
    TooSmall { param: String, least: i64 },
    /// It is an integer, and too large.
    #[error("This value must be less than or equal to {most}.")]
    TooLarge { param: String, most: i64 },
    /// It is an amount of more than eight digits.
    #[error("Amount must be no more than {}.", crate::rules::request::AMOUNT_MAX.minor())]
    AmountTooLarge { param: String },
    /// It is neither `true` nor `false`.
    #[error("Invalid boolean: {}", cut(value))]
    InvalidBoolean { param: String, value: String },
    /// It is none of the words that can stand there.
    #[error("Invalid {param}: must be one of {}", listed(known))]
    InvalidChoice { param: String, known: &'static [&'static str] },
    /// It has nested values, and must be a text.
    #[error("Invalid string: {param} has nested values")]
    InvalidString { param: String },
    /// It is no list.
    #[error("Invalid array")]
    InvalidArray { param: String },
    /// It is no table.
    #[error("Invalid object")]
    InvalidObject { param: String },
    /// A key of metadata is too long.
    #[error(
        "Metadata keys can have up to {} characters, but you passed in a key that is {} \
         characters. Invalid key: {}", super::METADATA_KEY_CHARS_MAX, key.chars().count(), cut(key)
    )]
    MetadataKeyTooLong { param: String, key: String },
    /// A value of metadata is too long.
    #[error(
        "Metadata values can have up to {} characters, but you passed in a value that is {} \
         characters. Invalid value: {}",
        super::METADATA_VALUE_CHARS_MAX, value.chars().count(), cut(value)
    )]
    MetadataValueTooLong { param: String, value: String },
    /// There would be too many keys of metadata.
    #[error(
        "Metadata can have up to {} keys, but there would be {keys}.",
        super::METADATA_KEYS_MAX
    )]
    MetadataTooMany { param: String, keys: usize },
}

/// How much of what was sent an error repeats: as long as a value of metadata may be, twice.
const ECHO_CHARS_MAX: usize = 1000;

impl FieldError {
    /// The parameter as the API spells it (`card[exp_month]`), cut when it is very long; `None`
    /// when it is about the whole request.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::BodyTooLong { .. } => None,
            Self::Unknown { params } => params.first().map(|param| cut(param)),
            Self::TooManyPairs { param }
            | Self::TooDeep { param }
            | Self::KeyTooLong { param, .. }
            | Self::NotUtf8 { param }
            | Self::Malformed { param }
            | Self::TextAndTable { param }
            | Self::Missing { param }
            | Self::Empty { param }
            | Self::InvalidInteger { param, .. }
            | Self::TooSmall { param, .. }
            | Self::TooLarge { param, .. }
            | Self::AmountTooLarge { param }
            | Self::InvalidBoolean { param, .. }
            | Self::InvalidChoice { param, .. }
            | Self::InvalidString { param }
            | Self::InvalidArray { param }
            | Self::InvalidObject { param }
            | Self::MetadataKeyTooLong { param, .. }
            | Self::MetadataValueTooLong { param, .. }
            | Self::MetadataTooMany { param, .. } => Some(cut(param)),
        }
    }

    /// The documented code (docs.stripe.com/error-codes), or `None`: most errors about a
    /// parameter's type have none.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("parameter_missing"),
            Self::Unknown { .. } => Some("parameter_unknown"),
            Self::Empty { .. } => Some("parameter_invalid_empty"),
            Self::InvalidInteger { .. } | Self::TooSmall { .. } | Self::TooLarge { .. } => {
                Some("parameter_invalid_integer")
            }
            Self::AmountTooLarge { .. } => Some("amount_too_large"),
            _ => None,
        }
    }
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(ECHO_CHARS_MAX).map_or(text.len(), |(index, _)| index);
    &text[..end]
}

fn unknown(params: &[String]) -> String {
    let plural = if params.len() == 1 { "" } else { "s" };
    format!("Received unknown parameter{plural}: {}", cut(&params.join(", ")))
}

/// `a`, `a or b`, `a, b, or c`.
fn listed(known: &[&str]) -> String {
    match known {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} or {other}"),
        [many @ .., last] => format!("{}, or {last}", many.join(", ")),
    }
}

//! What belongs to the person who was recorded, and must not be in a scenario: by the name of the
//! field that held it, and by what it looks like wherever it stood.

/// What a value is to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Private {
    /// Something about a person: each fan has its own, in a column of this name.
    Personal(String),
    /// Something that opens a door: it comes from the environment.
    Secret,
}

/// Words in the names of fields, and the column that stands for them.
const PERSONAL: [(&str, &str); 22] = [
    ("email", "email"),
    ("e-mail", "email"),
    ("mail", "email"),
    ("phone", "phone"),
    ("mobile", "phone"),
    ("tel", "phone"),
    ("firstname", "first_name"),
    ("first_name", "first_name"),
    ("given", "first_name"),
    ("lastname", "last_name"),
    ("last_name", "last_name"),
    ("surname", "last_name"),
    ("family", "last_name"),
    ("fullname", "name"),
    ("full_name", "name"),
    ("birth", "birthday"),
    ("street", "street"),
    ("address", "street"),
    ("line1", "street"),
    ("postal", "postcode"),
    ("postcode", "postcode"),
    ("zip", "postcode"),
];

/// Words in the names of fields that hold secrets.
const SECRET: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "authorization",
    "api_key",
    "apikey",
    "api-key",
    "token",
    "cvc",
    "cvv",
    "card",
    "iban",
    "credential",
];

/// What `value` of the field `name` is, if it is somebody's own.
pub(super) fn private(name: &str, value: &str) -> Option<Private> {
    if value.is_empty() {
        return None;
    }
    by_name(name).or_else(|| by_looks(value)).or_else(|| by_wording(name, value))
}

/// What somebody wrote in words of its own.
fn by_wording(name: &str, value: &str) -> Option<Private> {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let column: String = name.chars().map(letter).collect::<String>().to_ascii_lowercase();
    let is_own = value.trim().contains(char::is_whitespace) || !value.is_ascii();
    (is_own && !column.is_empty()).then_some(Private::Personal(column))
}

fn by_name(name: &str) -> Option<Private> {
    let name = name.to_ascii_lowercase();
    if name.contains("password") || name.contains("passwd") {
        return Some(Private::Secret);
    }
    let personal = PERSONAL.iter().find(|(word, _)| name.contains(word));
    let secret = || SECRET.iter().any(|word| name.contains(word)).then_some(Private::Secret);
    secret().or_else(|| personal.map(|(_, column)| Private::Personal((*column).to_owned())))
}

fn by_looks(value: &str) -> Option<Private> {
    if is_email(value) {
        return Some(Private::Personal("email".to_owned()));
    }
    if is_card_number(value) || is_key(value) {
        return Some(Private::Secret);
    }
    is_phone(value).then(|| Private::Personal("phone".to_owned()))
}

fn is_email(value: &str) -> bool {
    let Some((name, host)) = value.split_once('@') else { return false };
    let fits = |letter: char| letter.is_alphanumeric() || ".-_+".contains(letter);
    !name.is_empty() && host.contains('.') && name.chars().chain(host.chars()).all(fits)
}

fn is_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let fits = value.chars().all(|letter| letter.is_ascii_digit() || "+-() ".contains(letter));
    value.starts_with(['+', '0']) && (9..=15).contains(&digits) && fits
}

/// 13 to 19 digits with the check digit of ISO/IEC 7812-1 (Luhn).
fn is_card_number(value: &str) -> bool {
    let digits: Vec<u32> = value
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-'))
        .map(|letter| letter.to_digit(10))
        .collect::<Option<_>>()
        .unwrap_or_default();
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10) && sum > 0
}

/// A bearer's word, a JSON web token, or a long word of letters and digits as only machines write.
fn is_key(value: &str) -> bool {
    let word = value.strip_prefix("Bearer ").or(value.strip_prefix("Basic ")).unwrap_or(value);
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.~+/=".contains(letter);
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    word.len() < value.len()
        || (word.len() >= 24 && word.chars().all(fits) && digits >= 3 && letters >= 3)
}

/// A text of which nothing may be left over: every word that looks private is taken out.
pub(super) fn scrubbed(text: &str) -> String {
    let words = text.split_inclusive(|letter: char| "\"'<>,;&=() \n\t".contains(letter));
    let scrub = |piece: &str| {
        let word = piece.trim_end_matches(|letter: char| "\"'<>,;&=() \n\t".contains(letter));
        if by_looks(word).is_some() { piece.replacen(word, "…", 1) } else { piece.to_owned() }
    };
    words.map(scrub).collect()
}

/// A stand-in for row `row` of a column: nobody's (RFC 2606 keeps `example` free; 555-01xx and
/// 03-0000 are in nobody's hands).
pub(super) fn stand_in(column: &str, row: usize) -> String {
    match column {
        "email" => format!("fan-{row}@shop.example"),
        "phone" => format!("+1-555-01{:02}", row % 100),
        "birthday" => "2000-01-01".to_owned(),
        "postcode" => "100-0000".to_owned(),
        "street" => format!("{row} Example Street"),
        other => format!("{other}-{row}"),
    }
}

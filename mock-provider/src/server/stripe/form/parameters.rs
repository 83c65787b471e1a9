//! Reading parameters as what they are meant to be.
//!
//! Parameters are named as the API spells them: `card[exp_month]`, `items[0][price]`. `None` is
//! what was not given. A reader who does not expect a parameter never sees it, so every operation
//! begins with [`Parameters::known_only`].

use std::ops::RangeInclusive;

use domain::money::Amount;

use super::metadata::MetadataChange;
use super::{Field, FieldError, Fields, path_of};
use crate::rules::request::AMOUNT_MAX;

/// The parameters of a request, or those nested under one name.
#[derive(Clone, Debug)]
pub struct Parameters<'form> {
    /// What stands before a name in errors; empty for the whole request.
    within: String,
    fields: &'form Fields,
}

/// What a request does to something that can be unset.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays: the parameter was not given.
    Keep,
    /// It goes: the parameter was given, and empty.
    Unset,
    /// It becomes this.
    Set(T),
}

/// What was given under that name.
///
/// # Errors
/// When nothing was.
pub fn required<T>(param: &str, given: Option<T>) -> Result<T, FieldError> {
    given.ok_or_else(|| FieldError::Missing { param: param.to_owned() })
}

impl<'form> Parameters<'form> {
    pub(super) const fn all(fields: &'form Fields) -> Self {
        Self { within: String::new(), fields }
    }

    /// Checks that no others were given than those `known`. A known name stands for all that is
    /// nested under it; `[]` stands for any key: `items[][price]`.
    ///
    /// # Errors
    /// When others were: all of them, each by the shortest name under which nothing is known.
    ///
    /// # Panics
    /// When one of the names `known` is malformed, which is an error of the program.
    pub fn known_only(&self, known: &[&str]) -> Result<(), FieldError> {
        let paths: Vec<Vec<&str>> = known.iter().map(|name| known_path(name)).collect();
        let known: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
        let mut params = Vec::new();
        for (name, field) in self.fields {
            find_unknown(&self.spelled(name), name, field, &known, &mut params);
        }
        if params.is_empty() { Ok(()) } else { Err(FieldError::Unknown { params }) }
    }

    /// Whether anything was given under that name.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_ok_and(|field| field.is_some())
    }

    /// A text.
    ///
    /// # Errors
    /// When it is empty, or has nested values.
    pub fn text(&self, name: &str) -> Result<Option<&'form str>, FieldError> {
        match self.text_or_empty(name)? {
            Some("") => Err(FieldError::Empty { param: self.spelled(name) }),
            text => Ok(text),
        }
    }

    /// A text that can be unset.
    ///
    /// # Errors
    /// When it has nested values.
    pub fn text_change(&self, name: &str) -> Result<Change<&'form str>, FieldError> {
        Ok(match self.text_or_empty(name)? {
            None => Change::Keep,
            Some("") => Change::Unset,
            Some(text) => Change::Set(text),
        })
    }

    /// An amount of money: one minor unit at least.
    ///
    /// # Errors
    /// When it is no integer, less than one, or more than [`AMOUNT_MAX`].
    pub fn amount(&self, name: &str) -> Result<Option<Amount>, FieldError> {
        let Some(minor) = self.integer_within(name, 1..=i64::MAX)? else { return Ok(None) };
        let amount = Amount::new(minor.unsigned_abs());
        if amount > AMOUNT_MAX {
            return Err(FieldError::AmountTooLarge { param: self.spelled(name) });
        }
        Ok(Some(amount))
    }

    /// An integer.
    ///
    /// # Errors
    /// When it is empty, no integer, or does not fit into 64 bits.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, FieldError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        // Rust takes a plus sign, the API does not.
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        number.map(Some).ok_or_else(|| FieldError::InvalidInteger {
            param: self.spelled(name),
            value: text.to_owned(),
        })
    }

    /// An integer in that range.
    ///
    /// # Errors
    /// As [`Self::integer`], and when it is outside.
    pub fn integer_within(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, FieldError> {
        let param = || self.spelled(name);
        match self.integer(name)? {
            Some(number) if number < *range.start() => {
                Err(FieldError::TooSmall { param: param(), least: *range.start() })
            }
            Some(number) if number > *range.end() => {
                Err(FieldError::TooLarge { param: param(), most: *range.end() })
            }
            number => Ok(number),
        }
    }

    /// `true` or `false`; older SDKs for Python spell them `True` and `False`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, FieldError> {
        match self.text(name)? {
            None => Ok(None),
            Some("true" | "True") => Ok(Some(true)),
            Some("false" | "False") => Ok(Some(false)),
            Some(other) => {
                let (param, value) = (self.spelled(name), other.to_owned());
                Err(FieldError::InvalidBoolean { param, value })
            }
        }
    }

    /// One of the words `known`.
    ///
    /// # Errors
    /// When it is another.
    pub fn one_of(
        &self,
        name: &str,
        known: &'static [&'static str],
    ) -> Result<Option<&'static str>, FieldError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = known.iter().find(|word| **word == text);
        found
            .map(|word| Some(*word))
            .ok_or_else(|| FieldError::InvalidChoice { param: self.spelled(name), known })
    }

    /// A list of texts, in order.
    ///
    /// # Errors
    /// When it is no list, or an entry is empty or has nested values.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&'form str>>, FieldError> {
        self.entries(name, |list, key| list.text(key).map(Option::unwrap_or_default))
    }

    /// A list of tables, in order.
    ///
    /// # Errors
    /// When it is no list, or an entry is no table.
    pub fn list(&self, name: &str) -> Result<Option<Vec<Self>>, FieldError> {
        self.entries(name, |list, key| {
            let missing = || FieldError::InvalidObject { param: list.spelled(key) };
            list.table(key)?.ok_or_else(missing)
        })
    }

    /// What is nested under that name.
    ///
    /// # Errors
    /// When it is a text.
    pub fn table(&self, name: &str) -> Result<Option<Self>, FieldError> {
        match self.find(name)? {
            None => Ok(None),
            Some(Field::Table(fields)) => Ok(Some(Self { within: self.spelled(name), fields })),
            Some(Field::Text(_)) => Err(FieldError::InvalidObject { param: self.spelled(name) }),
        }
    }

    /// A filter on moments, in seconds of the epoch: `created=5`, or `created[gte]=5` and the like
    /// with `gt`, `lt` and `lte`. The range has nothing in it when nothing can be meant.
    ///
    /// # Errors
    /// When there is another key, or a moment is no integer.
    pub fn moments(&self, name: &str) -> Result<Option<RangeInclusive<i64>>, FieldError> {
        if let None | Some(Field::Text(_)) = self.find(name)? {
            return Ok(self.integer(name)?.map(|moment| moment..=moment));
        }
        let Some(bounds) = self.table(name)? else { return Ok(None) };
        bounds.known_only(&["gt", "gte", "lt", "lte"])?;
        let after = bounds.integer("gt")?.map(|moment| moment.saturating_add(1));
        let before = bounds.integer("lt")?.map(|moment| moment.saturating_sub(1));
        let from = after.max(bounds.integer("gte")?).unwrap_or(i64::MIN);
        let until = bounds.integer("lte")?.into_iter().chain(before).min().unwrap_or(i64::MAX);
        Ok(Some(from..=until))
    }

    /// What happens to the metadata.
    ///
    /// # Errors
    /// When it is no table of texts, or beyond the limits of metadata.
    pub fn metadata(&self, name: &str) -> Result<Option<MetadataChange>, FieldError> {
        match self.find(name)? {
            None => Ok(None),
            Some(Field::Text(text)) if text.is_empty() => Ok(Some(MetadataChange::Clear)),
            Some(Field::Text(_)) => Err(FieldError::InvalidObject { param: self.spelled(name) }),
            Some(Field::Table(fields)) => {
                MetadataChange::read(&self.spelled(name), fields).map(Some)
            }
        }
    }

    fn text_or_empty(&self, name: &str) -> Result<Option<&'form str>, FieldError> {
        match self.find(name)? {
            None => Ok(None),
            Some(Field::Text(text)) => Ok(Some(text)),
            Some(Field::Table(_)) => Err(FieldError::InvalidString { param: self.spelled(name) }),
        }
    }

    /// The entries of a list in the order of their indices, each read from the list by its key.
    fn entries<T>(
        &self,
        name: &str,
        read: impl Fn(&Self, &str) -> Result<T, FieldError>,
    ) -> Result<Option<Vec<T>>, FieldError> {
        let invalid = || FieldError::InvalidArray { param: self.spelled(name) };
        let fields = match self.find(name)? {
            None => return Ok(None),
            Some(Field::Text(text)) if text.is_empty() => {
                return Err(FieldError::Empty { param: self.spelled(name) });
            }
            Some(Field::Text(_)) => return Err(invalid()),
            Some(Field::Table(fields)) => fields,
        };
        let list = Self { within: self.spelled(name), fields };
        let index = |key: &'form String| key.parse::<u32>().ok().map(|index| (index, key));
        let mut keys: Vec<_> =
            fields.keys().map(index).collect::<Option<_>>().ok_or_else(invalid)?;
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| read(&list, key)).collect::<Result<_, _>>().map(Some)
    }

    /// What was given under that name, which may be nested.
    fn find(&self, name: &str) -> Result<Option<&'form Field>, FieldError> {
        let path = path_of(name)?;
        let (last, tables) = path.split_last().expect("a key has a name");
        let mut fields = self.fields;
        let mut spelled = String::new();
        for table in tables {
            spelled =
                if spelled.is_empty() { (*table).to_owned() } else { nested(&spelled, table) };
            match fields.get(*table) {
                None => return Ok(None),
                Some(Field::Table(inner)) => fields = inner,
                Some(Field::Text(_)) => {
                    return Err(FieldError::InvalidObject { param: self.spelled(&spelled) });
                }
            }
        }
        Ok(fields.get(*last))
    }

    /// The whole name of what is called `name` here.
    fn spelled(&self, name: &str) -> String {
        if self.within.is_empty() { name.to_owned() } else { nested(&self.within, name) }
    }
}

/// `b[c]` within `a` is `a[b][c]`.
fn nested(within: &str, name: &str) -> String {
    let (first, rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    format!("{within}[{first}]{rest}")
}

fn known_path(name: &str) -> Vec<&str> {
    path_of(name).expect("the names that an operation knows are well formed")
}

/// Finds what none of `known` names: each of them is the path that is left from here.
fn find_unknown(
    spelled: &str,
    key: &str,
    field: &Field,
    known: &[&[&str]],
    found: &mut Vec<String>,
) {
    let fits = |path: &&[&str]| path.first().is_some_and(|name| name.is_empty() || *name == key);
    let left: Vec<&[&str]> =
        known.iter().filter(|path| fits(path)).map(|path| &path[1..]).collect();
    if left.is_empty() {
        found.push(spelled.to_owned());
    } else if let Field::Table(fields) = field
        && left.iter().all(|path| !path.is_empty())
    {
        for (key, field) in fields {
            find_unknown(&nested(spelled, key), key, field, &left, found);
        }
    }
}

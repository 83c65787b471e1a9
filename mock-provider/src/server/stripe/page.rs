//! Lists and their pages (`docs.stripe.com/api/pagination`).

use serde_json::{Value, json};

use super::error::ErrorObject;
use super::form::Parameters;
use crate::rules::request::PageOf;

/// The parameters of every list.
pub(super) const PARAMETERS: [&str; 5] =
    ["limit", "starting_after", "ending_before", "created", "expand"];

/// The page that is asked for. `number_of` gives the number of an object by its name, if the
/// account has it; `word` is what such an object is called.
///
/// # Errors
/// When a parameter is out of range or names nothing.
pub(super) fn page_of(
    parameters: &Parameters<'_>,
    word: &str,
    number_of: impl Fn(&str) -> Option<u64>,
) -> Result<PageOf, ErrorObject> {
    let cursor = |param: &str| match parameters.text(param)? {
        None => Ok(None),
        Some(name) => match number_of(name) {
            Some(number) => Ok(Some(number)),
            None => Err(ErrorObject::missing(word, name, param)),
        },
    };
    let limit = parameters.integer_within("limit", 1..=100)?.unwrap_or(10);
    let created = parameters.moments("created")?.unwrap_or(0..=i64::MAX);
    // Before 1970 there was nothing.
    let second = |moment: i64| u64::try_from(moment).unwrap_or(0);
    let (after, before) = (cursor("starting_after")?, cursor("ending_before")?);
    if after.is_some() && before.is_some() {
        let message = "You cannot parametrize both starting_after and ending_before.";
        return Err(ErrorObject::invalid(message).param("ending_before"));
    }
    // A range that ends before 1970 holds nothing.
    let created = if *created.end() < 0 {
        std::ops::RangeInclusive::new(1, 0)
    } else {
        second(*created.start())..=second(*created.end())
    };
    let limit = usize::try_from(limit).expect("from 1 to 100");
    Ok(PageOf { limit, after, before, created })
}

/// The list object at `url`, such as `/v1/payment_intents`.
pub(super) fn list(url: &str, data: Vec<Value>, more: bool) -> Value {
    let mut list = json!({ "object": "list", "url": url, "has_more": more });
    list["data"] = Value::Array(data);
    list
}

/// The page of a whole list that is in memory, the newest first, and whether there are more.
/// `number` is an item's place in the order, which grows.
pub(super) fn cut<T>(
    newest_first: impl DoubleEndedIterator<Item = T>,
    page: &PageOf,
    number: impl Fn(&T) -> u64,
    created_utc_ns: impl Fn(&T) -> u64,
) -> (Vec<T>, bool) {
    let numbers = page.numbers();
    let fits = |item: &T| page.covers(created_utc_ns(item)) && numbers.contains(&number(item));
    page.cut(newest_first.filter(fits).rev())
}

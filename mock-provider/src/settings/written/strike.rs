//! Takes out of a tree what could not be read.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Takes the key or value at `span` out of `table`, the innermost if several match; the keys that
/// lead to it.
pub(super) fn strike(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    let mut hit = None;
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().to_string();
        if key.span() == *span {
            hit = Some(name);
            break;
        }
        if let Some(mut path) = strike_in(value, span) {
            path.insert(0, name);
            return Some(path);
        }
        if value.span() == *span {
            hit = Some(name);
            break;
        }
    }
    let name = hit?;
    table.remove(name.as_str());
    Some(vec![name])
}

fn strike_in(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Vec<String>> {
    match value.get_mut() {
        DeValue::Table(table) => strike(table, span),
        DeValue::Array(elements) => {
            let mut hit = None;
            for (place, element) in elements.iter_mut().enumerate() {
                if let Some(mut path) = strike_in(element, span) {
                    path.insert(0, place.to_string());
                    return Some(path);
                }
                if element.span() == *span {
                    hit = Some(place);
                    break;
                }
            }
            let hit = hit?;
            let others = elements.iter().enumerate().filter(|(place, _)| *place != hit);
            let others = others.map(|(_, element)| element.clone()).collect();
            *elements = others;
            Some(vec![hit.to_string()])
        }
        _ => None,
    }
}

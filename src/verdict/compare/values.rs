//! What two values of JSON do not have in common, leaf by leaf.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

/// So many differences are kept; all are counted.
const KEPT: usize = 20;

/// What two values do not have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Differences {
    /// How many leaves are not the same.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The first of them, in the order of their paths.
    pub first: Vec<Changed>,
}

/// A leaf that is not the same in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// Where it stands: `sale.0.items.1.stock`.
    pub path: String,
    /// What it is in the first; absent where it is not there.
    pub a: Option<Value>,
    /// What it is in the second.
    pub b: Option<Value>,
}

/// The leaves that are not the same in both, but for those under the paths of `left_out`.
pub(in crate::verdict) fn differences(a: &Value, b: &Value, left_out: &[&str]) -> Differences {
    let mut found = Differences::default();
    walk("", Some(a), Some(b), left_out, &mut found);
    found
}

fn walk(
    path: &str,
    a: Option<&Value>,
    b: Option<&Value>,
    left_out: &[&str],
    found: &mut Differences,
) {
    if left_out.contains(&path) {
        return;
    }
    let below = below(a, b);
    if below.is_empty() {
        found.of += 1;
        if a != b {
            found.count += 1;
            if found.first.len() < KEPT {
                let changed = Changed { path: path.to_owned(), a: a.cloned(), b: b.cloned() };
                found.first.push(changed);
            }
        }
        return;
    }
    for key in below {
        let (of_a, of_b) = (a.and_then(|a| part(a, &key)), b.and_then(|b| part(b, &key)));
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        walk(&path, of_a, of_b, left_out, found);
    }
}

/// The keys under either of two values, numbers in their order; none where the two are to be compared
/// as they are.
fn below(a: Option<&Value>, b: Option<&Value>) -> Vec<String> {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().cloned().collect()
        }
        (Some(Value::Object(table)), None) | (None, Some(Value::Object(table))) => {
            table.keys().cloned().collect()
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            (0..a.len().max(b.len())).map(|place| place.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

fn part<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(key),
        Value::Array(values) => values.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told_by_its_path() {
        let a = json!({"seed": 7, "sale": [{"stock": 6, "id": "noon"}], "shop": {"edge": "1s"}});
        let b = json!({"seed": 8, "sale": [{"stock": 6, "id": "one"}, {"id": "two"}]});
        let found = differences(&a, &b, &["seed"]);
        assert_eq!((found.count, found.of), (3, 4));
        let paths: Vec<&str> = found.first.iter().map(|changed| changed.path.as_str()).collect();
        assert_eq!(paths, ["sale.0.id", "sale.1.id", "shop.edge"]);
        assert_eq!(found.first[0].a, Some(json!("noon")));
        assert_eq!(found.first[2].b, None);
    }

    #[test]
    fn a_value_is_the_same_as_itself_and_all_differences_are_counted() {
        let many: Vec<u64> = (0..100).collect();
        let more: Vec<u64> = (1..101).collect();
        assert_eq!(differences(&json!(many), &json!(many), &[]).count, 0);
        let found = differences(&json!(many), &json!(more), &[]);
        assert_eq!((found.count, found.first.len()), (100, KEPT));
        assert_eq!(found.first[10].path, "10");
    }
}

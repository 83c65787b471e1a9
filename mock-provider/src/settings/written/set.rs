//! `--set key=value`: one value of the settings, whichever file it came from.

use toml::{Table, Value};

use super::{join, settings_of};

/// Sets one value of a table of all keys: `limits.0.rate=30`. An entry of a list is named by its
/// number, or a limit by its name; a value that is no TOML is text.
///
/// # Errors
/// When there is no such key or the value is of the wrong kind: the message. Then nothing is set.
/// Ranges are not checked. Answers with the key that was set.
pub(crate) fn set(table: &mut Table, set: &str) -> Result<String, String> {
    let wrong = |why: String| format!("--set {set}: {why}");
    let (path, value) =
        set.split_once('=').ok_or_else(|| wrong("write `--set key.key=value`".to_owned()))?;
    let path: Vec<_> = path.trim().split('.').map(str::trim).collect();
    if path.iter().any(|step| step.is_empty()) {
        return Err(wrong("write keys with dots between: `limits.0.rate`".to_owned()));
    }
    if let ["profile"] = path[..] {
        return Err(wrong("write `--profile` instead".to_owned()));
    }
    let mut changed = table.clone();
    let mut so_far = String::new();
    let (last, holders) = path.split_last().expect("a split text has a part");
    let mut holder = Holder::Table(&mut changed);
    for step in holders {
        holder = holder.step(step, &mut so_far).map_err(wrong)?;
    }
    holder.put(last, value_of(value.trim()), &mut so_far).map_err(wrong)?;
    settings_of(&changed).map_err(wrong)?;
    *table = changed;
    Ok(so_far)
}

/// What holds the value to be set.
enum Holder<'table> {
    Table(&'table mut Table),
    List(&'table mut Vec<Value>),
}

impl<'table> Holder<'table> {
    /// One step further; a table that is not there is made.
    fn step(self, step: &str, so_far: &mut String) -> Result<Self, String> {
        let value = match self {
            Self::Table(table) => {
                *so_far = join(so_far, step);
                table.entry(step).or_insert_with(|| Value::Table(Table::new()))
            }
            Self::List(list) => {
                let place = place_of(list, step, so_far)?;
                *so_far = join(so_far, &place.to_string());
                &mut list[place]
            }
        };
        match value {
            Value::Table(table) => Ok(Self::Table(table)),
            Value::Array(list) => Ok(Self::List(list)),
            other => Err(format!("`{so_far}` is {other}, and holds nothing")),
        }
    }

    fn put(self, step: &str, value: Value, so_far: &mut String) -> Result<(), String> {
        match self {
            Self::Table(table) => {
                *so_far = join(so_far, step);
                table.insert(step.to_owned(), value);
            }
            Self::List(list) => {
                let place = place_of(list, step, so_far)?;
                *so_far = join(so_far, &place.to_string());
                list[place] = value;
            }
        }
        Ok(())
    }
}

/// An entry by its number or, if it has one, its name.
fn place_of(list: &[Value], step: &str, so_far: &str) -> Result<usize, String> {
    let has_name = |entry: &Value| entry.get("name").and_then(Value::as_str) == Some(step);
    let place = step.parse().ok().or_else(|| list.iter().position(has_name));
    place.filter(|place| *place < list.len()).ok_or_else(|| match list.len() {
        0 => format!("`{so_far}` has no entries"),
        1 => format!("there is no `{so_far}.{step}`: `{so_far}.0` is its one entry"),
        many => format!("there is no `{so_far}.{step}`: its entries are 0 to {}", many - 1),
    })
}

fn value_of(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>();
    let value = parsed.ok().and_then(|mut table| table.remove("value"));
    // A date is text to the settings.
    value.filter(|value| !value.is_datetime()).unwrap_or_else(|| Value::String(text.to_owned()))
}

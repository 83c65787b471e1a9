//! The names that templates know: what every fan has, the columns of its data, what is captured.

use std::collections::BTreeMap;

use crate::scenario::check::Checker;
use crate::scenario::check::step::{Around, body};
use crate::scenario::place::Place;
use crate::scenario::written::File;
use crate::step::funnel::Given;
use crate::step::template::{self, Part};
use crate::step::{Name, Names};

/// All names of a scenario's templates.
pub(super) struct Known {
    /// All of them.
    pub(super) names: Names,
    /// Those that every fan has from the beginning.
    pub(super) given: Given,
    /// Which steps capture a name.
    pub(super) captured: BTreeMap<Name, Vec<usize>>,
}

/// Why `name` cannot be one, if it cannot.
pub(in crate::scenario::check) fn why_no_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.trim() != name || name.len() > 100 {
        Some("must be 1 to 100 letters, without blanks at its ends")
    } else if name.contains(['{', '}', ':']) || name.contains(char::is_control) {
        Some("must be without braces and colons: templates name it `{{…}}`")
    } else if Given::WORDS.contains(&name) {
        Some("is a name that every fan has already")
    } else if name.starts_with("env.") {
        Some("must not begin with `env.`: so do names of the environment")
    } else {
        None
    }
}

/// The names of `file`'s templates; what is wrong with them is told.
pub(super) fn known(
    checker: &mut Checker,
    file: &File,
    place: Place<'_>,
    around: &Around<'_>,
) -> Known {
    let mut names = Names::default();
    let given = Given::define(&mut names, around.columns.unwrap_or_default());
    let mut captured = BTreeMap::<Name, Vec<usize>>::new();
    for (index, table) in file.step.iter().enumerate() {
        for name in table.capture.keys() {
            let here = place.index(index).key("capture").key(name);
            if let Some(why) = why_no_name(name) {
                checker.wrong(here, format!("{name:?} cannot name what is captured")).mark(why);
                names.define(name);
                continue;
            }
            if around.columns.unwrap_or_default().contains(name) {
                checker
                    .wrong(here, format!("`{name}` is a column of the fans' data"))
                    .mark("would hide what each fan has there");
            }
            captured.entry(names.define(name)).or_default().push(index);
        }
    }
    believe(file, place, around, &mut names);
    Known { names, given, captured }
}

/// Where the data cannot be read, any name may be one of its columns; and one that was struck out
/// with its capture is not unknown.
fn believe(file: &File, place: Place<'_>, around: &Around<'_>, names: &mut Names) {
    for (index, table) in file.step.iter().enumerate() {
        let is_struck = |index| place.index(index).struck("capture");
        let loses_names = place.lacks_elements() || (0..file.step.len()).any(is_struck);
        if around.columns.is_some() && !loses_names {
            return;
        }
        for (_, text) in body::texts(table, place.index(index)) {
            for part in template::parts(text) {
                let Ok(Part::Hole(hole)) = part else { continue };
                let name = hole.split(':').next().unwrap_or_default().trim();
                if !name.starts_with("env.") {
                    names.define(name);
                }
            }
        }
    }
}

//! From as written to as meant: what is missing, out of range, doubled, or does not fit together.

mod arrive;
mod balancer;
mod database;
mod devices;
mod edge;
mod fans;
mod fidelity;
mod forecast;
mod live;
mod lottery;
mod nodes;
mod objectives;
mod outage;
mod queue;
mod region;
mod rooms;
mod sale;
mod shop;
mod stack;
mod step;
mod target;
mod uncertain;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use domain::shop::Catalogue;
use domain::time::Duration;

use crate::scenario::place::Place;
use crate::scenario::problem::{Problem, nearest};
use crate::scenario::recover::Syntax;
use crate::scenario::wording::grouped;
use crate::scenario::written::File;
use crate::scenario::{Context, Phases, Scenario};
use crate::verdict::objective::Objective;

pub(super) use arrive::{lead, needed};
pub(super) use sale::Opening;

/// How many people, pieces or places one entry may have: at the largest scale the count still
/// fits 32 bits, and 20 million fans of 64 bytes are more memory than one machine lends.
pub(super) const COUNT_MAX: u32 = 20_000_000;
/// The largest scale: see [`COUNT_MAX`].
pub(super) const SCALE_MAX: f64 = 100.0;
/// The latest opening and the longest sale: no rehearsal runs longer than a week.
const RUN_MAX: Duration = Duration::from_hours(7 * 24);
/// How many sales, and how many populations, a scenario may have: 64 items each still fit the
/// 65,535 of an item's number.
const TABLES_MAX: usize = 1_000;

/// What a scenario needs of the world around it.
pub(super) struct Surroundings<'a> {
    /// Reads a file that the scenario names, relative to it.
    pub(super) read: &'a dyn Fn(&str) -> io::Result<String>,
    /// Whether a time zone is known; if not, the ones that are.
    pub(super) zone: &'a dyn Fn(&str) -> Result<(), Vec<String>>,
    /// A variable of the environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the data and variables that it names are there.
    pub(super) beside: Beside,
}

/// Whether what stood beside a scenario, its data and variables, is still there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// It is, and what is missing is a problem.
    Here,
    /// It is not: a run that was recorded is judged without it.
    Gone,
}

impl Surroundings<'_> {
    /// Whether data and variables are not to be had any more.
    pub(super) fn are_gone(&self) -> bool {
        self.beside == Beside::Gone
    }
}

/// A scenario at scale 1 whose openings are not yet placed in the run.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    /// When each sale opens.
    pub(super) openings: Vec<Opening>,
    /// All else; each sale opens at the run's beginning.
    pub(super) scenario: Scenario,
}

/// When and where a scenario is read.
#[derive(Copy, Clone)]
struct Setting<'a> {
    context: &'a Context,
    surroundings: &'a Surroundings<'a>,
    /// `--scale`.
    scale: Option<f64>,
}

/// Collects problems while the file is read.
pub(super) struct Checker {
    problems: Vec<Problem>,
    syntax: Syntax,
}

/// Whether there is something that is lived beside a sale, and neither a sale nor people for one: a
/// textbook's queues, devices, rooms.
fn stands_without_a_sale(root: Place<'_>) -> bool {
    let is_written = |key: &str| root.has(key) || root.struck(key);
    let is_beside = ["queue", "devices", "rooms"].into_iter().any(is_written);
    is_beside && !is_written("sale") && !is_written("fans")
}

/// The scenario that `file` means, if nothing is wrong with it here, and all that is.
pub(super) fn check(
    file: &File,
    root: Place<'_>,
    syntax: Syntax,
    (context, scale): (&Context, Option<f64>),
    surroundings: &Surroundings<'_>,
) -> (Option<Meant>, Vec<Problem>) {
    let mut checker = Checker { problems: Vec::new(), syntax };
    let setting = Setting { context, surroundings, scale };
    let name = checker.name(file, root);
    let sales = sale::sales(&mut checker, file, root, setting);
    let foreign = target::foreign(&mut checker, file, root, setting);
    let around = fans::Around { sales: &sales, foreign: foreign.as_ref(), setting };
    let seed = file.seed.unwrap_or(1);
    let populations = fans::populations(&mut checker, file, root, seed, around);
    if let Some(foreign) = &foreign {
        checker.rows_for_all(foreign, &populations, file, (root, setting));
    }
    let an_instant = sales.iter().find_map(|sale| match sale.opening {
        Some(Opening::At { utc_ns }) => Some(utc_ns),
        _ => None,
    });
    let devices = devices::devices(&mut checker, file, root);
    let rooms = rooms::rooms(&mut checker, file, root);
    let objectives = checker.objectives(&file.objectives, root.key("objectives"));
    objectives::objectives(&mut checker, &objectives, (file, &devices, &rooms), root);
    let scenario = Scenario {
        title: file.title.clone().unwrap_or_else(|| name.clone()),
        name,
        seed,
        scale: 1.0,
        timezone: checker.timezone(file, root, surroundings),
        live: checker.live(file, root, foreign.as_ref()),
        phases: checker.phases(file, root.key("phases")),
        catalogue: Catalogue { sales: sales.iter().map(|sale| sale.sale.clone()).collect() },
        populations,
        shop: shop::shop(&mut checker, &file.shop, root.key("shop")),
        provider: shop::provider(&mut checker, file, root.key("provider"), an_instant),
        audit: shop::audit(&mut checker, &file.audit, root.key("audit")),
        queues: queue::queues(&mut checker, file, root),
        stack: stack::stack(&mut checker, &file.stack, (&sales, &file.shop), root.key("stack")),
        devices,
        rooms,
        objectives,
        uncertain: uncertain::uncertain(&mut checker, file, root),
        target: foreign.map(|foreign| Arc::new(foreign.target)),
    };
    fidelity::fidelity(&mut checker, &scenario, root);
    // What was struck out before can be absent without a problem of this pass.
    let openings: Option<Vec<_>> = sales.into_iter().map(|sale| sale.opening).collect();
    let meant = openings.map(|openings| Meant { openings, scenario });
    (meant.filter(|_| checker.problems.is_empty()), checker.problems)
}

impl Checker {
    /// Something is wrong with the value at `place`.
    fn wrong(&mut self, place: Place<'_>, message: impl Into<String>) -> &mut Problem {
        let message = message.into();
        self.problems.push(match place.span() {
            Some(span) => Problem::at(span, message),
            None => Problem::nowhere(message),
        });
        self.problems.last_mut().expect("one was just pushed")
    }

    /// `key` must be in the table at `place`, which a person calls `table`. A default stands in
    /// where it is not: its value is never used, for there is a problem.
    fn required<T: Clone + Default>(
        &mut self,
        value: Option<&T>,
        place: Place<'_>,
        table: &str,
        key: &str,
    ) -> T {
        if value.is_none() && !place.struck(key) && self.syntax == Syntax::Sound {
            self.wrong(place, format!("missing key `{key}` in {table}"))
                .mark(format!("has no `{key}`"));
        }
        value.cloned().unwrap_or_default()
    }

    /// The list `key` must have at least one element.
    fn required_list(&mut self, length: usize, place: Place<'_>, table: &str, key: &str) {
        let list = place.key(key);
        if length > 0 || list.lacks_elements() {
            return;
        }
        if place.span().is_none() && !place.has(key) && !place.struck(key) {
            if self.syntax == Syntax::Sound {
                self.wrong(place, format!("missing table `[[{key}]]` in {table}"));
            }
        } else if place.has(key) {
            self.wrong(list, format!("`{key}` of {table} is empty"));
        } else {
            self.required::<()>(None, place, table, key);
        }
    }

    /// `value` of `key` must lie in \[0, 1\].
    fn chance(&mut self, value: f64, place: Place<'_>, key: &str) {
        if !(0.0..=1.0).contains(&value) {
            self.wrong(place.key(key), format!("`{key}` is a share of 1, and {value} is not"))
                .mark("must be from 0 to 1");
        }
    }

    /// `value` of `key` must be from `least` to `most`.
    fn count(&mut self, value: u32, (least, most): (u32, u32), place: Place<'_>, key: &str) {
        if value < least || value > most {
            self.wrong(place.key(key), format!("`{key}` is {}", grouped(value.into()))).mark(
                match most {
                    u32::MAX => format!("must be {least} or more"),
                    _ => format!("must be from {least} to {}", grouped(most.into())),
                },
            );
        }
    }

    /// `value` of `key` must be finite and more than 0.
    fn positive(&mut self, value: f64, place: Place<'_>, key: &str) {
        if !(value.is_finite() && value > 0.0) {
            self.wrong(place.key(key), format!("`{key}` is {value}")).mark("must be more than 0");
        }
    }

    /// `value` of `key` must be longer than nothing.
    fn lasting(&mut self, value: Duration, place: Place<'_>, key: &str) {
        if value.is_zero() {
            self.wrong(place.key(key), format!("`{key}` is no time at all"))
                .mark("must be longer than 0");
        }
    }

    /// A name must be something a report can hold: not empty, without blanks at its ends and
    /// control characters, and unique among `seen`.
    fn identifier(&mut self, id: &str, kind: &str, seen: &mut Seen, place: Place<'_>, key: &str) {
        let here = place.key(key);
        if !place.has(key) {
            return;
        }
        if id.is_empty() || id.len() > 100 || id.trim() != id || id.contains(char::is_control) {
            self.wrong(here, format!("{id:?} cannot name a {kind}"))
                .mark("must be 1 to 100 letters, without blanks at its ends");
        }
        if !seen.insert(id) {
            self.wrong(here, format!("a second {kind} named `{id}`")).mark("must be unique");
        }
    }

    /// A `name` with which objectives begin: one word besides.
    fn spoken_of(&mut self, name: &str, kind: &str, seen: &mut Seen, place: Place<'_>) {
        self.identifier(name, kind, seen, place, "name");
        if name.contains(char::is_whitespace) {
            self.wrong(place.key("name"), format!("{name:?} has a blank in it"))
                .advise("objectives begin with the name, as one word: write `-` instead");
        }
    }

    /// A key that is given, though it is of another strategy.
    fn of_another(&mut self, place: Place<'_>, key: &str, strategy: &str) {
        self.wrong(place.key(key), format!("`{key}` is of another strategy"))
            .advise(format!("write `strategy = \"{strategy}\"`, or leave `{key}` out"));
    }

    fn name(&mut self, file: &File, root: Place<'_>) -> String {
        let name = self.required(file.name.as_ref(), root, "the scenario", "name");
        if let Some(version) = file.schema.filter(|version| *version != 1) {
            self.wrong(root.key("schema"), format!("`schema` is {version}"))
                .mark("this version of spike reads schema 1");
        }
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let right = name.len() <= 100 && name.chars().all(allowed) && !name.starts_with(['.', '-']);
        if root.has("name") && (!right || name.is_empty()) {
            let slug: String =
                name.chars().map(|letter| if allowed(letter) { letter } else { '-' }).collect();
            let slug = slug.trim_matches(['-', '.']).to_owned();
            let problem = self.wrong(root.key("name"), format!("{name:?} cannot name a scenario"));
            problem.mark("letters, digits, `-`, `_` and `.`: a folder bears this name");
            problem.hint =
                (!slug.is_empty()).then(|| format!("write \"{slug}\", and this as `title`"));
        }
        name
    }

    fn timezone(&mut self, file: &File, root: Place<'_>, around: &Surroundings<'_>) -> String {
        let name = file.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
        if let Err(known) = (around.zone)(&name) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let hint = nearest(&name, known.iter().copied())
                .map_or("write a name such as `Asia/Tokyo`".to_owned(), |zone| {
                    format!("did you mean `{zone}`?")
                });
            self.wrong(root.key("timezone"), format!("unknown time zone `{name}`")).advise(hint);
        }
        name
    }

    fn phases(&mut self, file: &File, place: Place<'_>) -> Phases {
        let opening = file.phases.opening.map_or(Phases::default().opening, |span| span.0);
        self.lasting(opening, place, "opening");
        Phases { opening }
    }

    fn objectives(&mut self, all: &BTreeMap<String, String>, place: Place<'_>) -> Vec<Objective> {
        let mut objectives: Vec<_> = all
            .iter()
            .map(|(key, value)| (place.key_span(key).map(|span| span.start), key, value))
            .collect();
        objectives.sort();
        let parsed = objectives.into_iter().map(|(_, key, value)| {
            let objective = Objective::parse(key, value);
            if let Err(problem) = &objective {
                self.wrong(place.key(key), problem.message.as_str()).advise(problem.hint.clone());
            }
            objective
        });
        parsed.filter_map(Result::ok).collect()
    }
}

/// Names that were seen, to find the second of a kind.
#[derive(Default)]
struct Seen(std::collections::BTreeSet<String>);

impl Seen {
    /// Notes `name`; false when it was there already.
    fn insert(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }
}

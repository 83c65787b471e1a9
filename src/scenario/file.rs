//! A scenario's file: the one place where it, and the files it names, are opened.

mod changed;
mod too_near;
mod uncertain;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use domain::time::{Duration, Time};
use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use crate::scenario::check::{self, Beside, Meant, Surroundings};
use crate::scenario::overrides::{self, Overrides};
use crate::scenario::place::Place;
use crate::scenario::problem::{Problem, Problems};
use crate::scenario::recover::{self, Syntax};
use crate::scenario::{Context, Late, Scenario, scale};
use crate::verdict::World;

pub use too_near::TooNear;

/// How large a scenario, and each file it names, may be \[bytes\]: far beyond any written by hand.
const SIZE_MAX: u64 = 64 * 1024 * 1024;
/// How early the simulated run begins before an opening that is given as an instant, at least.
const LEAD_MIN: Duration = Duration::from_mins(1);

/// A scenario as it is run: all that another process needs to live the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsRun {
    /// The run's own copy of the text.
    text: String,
    /// What the files that it names are relative to.
    folder: PathBuf,
    /// When the run began \[ns of UTC\].
    began_utc_ns: u64,
}

impl AsRun {
    /// The scenario as the live world lives it.
    ///
    /// # Errors
    /// All that is wrong with it: only a file that it names, and that has changed since, can be.
    pub fn scenario(&self) -> Result<Scenario, Problems> {
        let context = Context { now_utc_ns: Some(self.began_utc_ns), late: Late::Allowed };
        let read = |file: &str| read(&self.folder.join(file));
        let surroundings =
            Surroundings { read: &read, zone: &|_| Ok(()), env: &variable, beside: Beside::Here };
        let none = Overrides::default();
        let loaded = read_in("the scenario as run", &self.text, &none, &context, &surroundings)?;
        Ok(loaded.at_scale(None, World::Live))
    }
}

/// A scenario that was read and found right; it becomes a [`Scenario`] at a scale.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The text with its overrides, without the head comment.
    text: String,
    overrides: Overrides,
    /// What the files that it names are relative to.
    folder: PathBuf,
    meant: Meant,
    began_utc_ns: Option<u64>,
}

/// Reads the scenario at `path` with `overrides`.
///
/// # Errors
/// All that is wrong with it, or that it cannot be read.
pub fn load(path: &Path, overrides: &Overrides, context: &Context) -> Result<Loaded, Problems> {
    load_beside(path, overrides, context, Beside::Here)
}

/// Reads the scenario of a recorded run, its own copy at `path`: the fans' data and
/// the variables of the environment are not asked for any more.
///
/// # Errors
/// All that is wrong with it, or that it cannot be read.
pub fn recorded(path: &Path, context: &Context) -> Result<Loaded, Problems> {
    load_beside(path, &Overrides::default(), context, Beside::Gone)
}

fn load_beside(
    path: &Path,
    overrides: &Overrides,
    context: &Context,
    beside: Beside,
) -> Result<Loaded, Problems> {
    let name = path.display().to_string();
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = read(path).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("the file cannot be read: {error}"),
        };
        Problems::new(&name, "", vec![Problem::nowhere(message)])
    })?;
    let surroundings = Surroundings {
        read: &|file| read(&folder.join(file)),
        zone: &known_time_zone,
        env: &variable,
        beside,
    };
    let loaded = read_in(&name, &text, overrides, context, &surroundings)?;
    let loaded = uncertain::borne_out(&name, loaded, context, &surroundings)?;
    Ok(Loaded { folder: folder.to_owned(), ..loaded })
}

/// A variable of the environment. What it holds goes into templates, and nowhere else.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads the scenario `text`, called `name`, without opening any file: a trace cannot be read, the
/// environment is empty, and every time zone is believed.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(
    name: &str,
    text: &str,
    overrides: &Overrides,
    context: &Context,
) -> Result<Loaded, Problems> {
    let read = |_: &str| Err(io::Error::other("the scenario is not in a folder"));
    let surroundings =
        Surroundings { read: &read, zone: &|_| Ok(()), env: &|_| None, beside: Beside::Here };
    let loaded = read_in(name, text, overrides, context, &surroundings)?;
    uncertain::borne_out(name, loaded, context, &surroundings)
}

fn read(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.len() > SIZE_MAX {
        return Err(io::Error::other(format!("it is larger than {SIZE_MAX} bytes")));
    }
    std::fs::read_to_string(path)
}

/// Whether the machine's time zone database has `name`. Where there is no database, every name is
/// believed: instants carry their own offset, and only their display needs the zone.
fn known_time_zone(name: &str) -> Result<(), Vec<String>> {
    let database = jiff::tz::db();
    if name == "UTC" || database.is_definitively_empty() || database.get(name).is_ok() {
        return Ok(());
    }
    Err(database.available().map(|zone| zone.as_str().to_owned()).collect())
}

fn read_in(
    name: &str,
    original: &str,
    overrides: &Overrides,
    context: &Context,
    surroundings: &Surroundings<'_>,
) -> Result<Loaded, Problems> {
    let (text, mut problems) = overrides::apply(original, overrides);
    let recovered = recover::recover(&text);
    let broken: Vec<usize> = match recovered.syntax {
        Syntax::Sound => Vec::new(),
        Syntax::Broken => lines_of(&recovered.problems, &text),
    };
    let root = Place::root(recovered.tree.get_ref(), &recovered.struck);
    let (meant, more) = check::check(
        &recovered.file,
        root,
        recovered.syntax,
        (context, overrides.scale),
        surroundings,
    );
    problems.extend(recovered.problems);
    // What a broken line seems to say is not worth a second complaint.
    let told =
        |problem: &Problem| line_of(problem, &text).is_some_and(|line| broken.contains(&line));
    problems.extend(more.into_iter().filter(|problem| !told(problem)));
    let name =
        if text == original { name.to_owned() } else { format!("{name} (with its overrides)") };
    match meant {
        Some(meant) if problems.is_empty() => Ok(Loaded {
            text,
            overrides: overrides.clone(),
            folder: PathBuf::new(),
            meant,
            began_utc_ns: context.now_utc_ns,
        }),
        _ => Err(Problems::new(&name, &text, problems)),
    }
}

fn lines_of(problems: &[Problem], text: &str) -> Vec<usize> {
    problems.iter().filter_map(|problem| line_of(problem, text)).collect()
}

/// The line on which a problem begins, from 0.
fn line_of(problem: &Problem, text: &str) -> Option<usize> {
    let start = problem.span.as_ref()?.start.min(text.len());
    Some(text.get(..start)?.matches('\n').count())
}

impl Loaded {
    /// What the files that it names are relative to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether its fans are sent to a foreign shop.
    pub fn is_foreign(&self) -> bool {
        self.meant.scenario.target.is_some()
    }

    /// The scenario's name.
    pub fn name(&self) -> &str {
        &self.meant.scenario.name
    }

    /// The same for a run that began at `utc_ns` \[ns of UTC\]: openings that are instants count
    /// from there in the live world. Without this it is the moment the scenario was read.
    #[must_use]
    pub fn began_at(mut self, utc_ns: u64) -> Self {
        self.began_utc_ns = Some(utc_ns);
        self
    }

    /// Why the scenario, called `file`, cannot be lived in virtual time, if it cannot: nobody but
    /// the shop itself knows how it answers, or the simulator would acquit what it asks for.
    pub fn only_live(&self, file: &str) -> Option<Problems> {
        let (tree, _) = DeTable::parse_recoverable(&self.text);
        let scenario = &self.meant.scenario;
        let (span, said, hint) = if scenario.target.is_some() {
            let span = tree.get_ref().get_key_value("target").map(|(key, _)| key.span());
            let said = "a shop of your own is lived against a real shop alone".to_owned();
            let hint =
                "`spike run` lives it; without `[target]` the embedded shop can be simulated";
            (span, said, hint.to_owned())
        } else {
            let misfit = scenario.shop.only_live()?;
            let shop = tree.get_ref().get("shop").and_then(|shop| shop.get_ref().as_table());
            let span = shop.and_then(|shop| shop.get_key_value(misfit.key));
            (span.map(|(key, _)| key.span()), misfit.message, misfit.hint)
        };
        let problem = match span {
            Some(span) => Problem::at(span, said),
            None => Problem::nowhere(said),
        };
        Some(Problems::new(file, &self.text, vec![problem.hint(hint)]))
    }

    /// Why the scenario, called `file`, cannot be lived live, if it cannot: plain queues, devices and rooms have
    /// no server that could be asked.
    pub fn only_simulated(&self, file: &str) -> Option<Problems> {
        let scenario = &self.meant.scenario;
        let (tree, _) = DeTable::parse_recoverable(&self.text);
        let problem = |(key, what, hint): (&str, &str, &str)| {
            let message = format!("{what} lived in virtual time alone");
            let span = tree.get_ref().get_key_value(key).map(|(key, _)| key.span());
            let problem = match span {
                Some(span) => Problem::at(span, message),
                None => Problem::nowhere(message),
            };
            problem.hint(hint)
        };
        let queue = ("queue", "a plain queue is", "`spike simulate` lives it");
        let devices = ("devices", "devices are", "`spike simulate` lives them");
        let rooms = ("rooms", "rooms of a warm pool are", "`spike simulate` lives them");
        let found = [
            (!scenario.queues.is_empty()).then_some(queue),
            (!scenario.devices.is_empty()).then_some(devices),
            (!scenario.rooms.is_empty()).then_some(rooms),
        ];
        let found: Vec<Problem> = found.into_iter().flatten().map(problem).collect();
        (!found.is_empty()).then(|| Problems::new(file, &self.text, found))
    }

    /// The scale that `world` uses: `--scale`, else `[live] scale` in the live world and 1 in the
    /// simulated one.
    pub fn scale(&self, world: World) -> f64 {
        self.overrides.scale.unwrap_or(match world {
            World::Live => self.meant.scenario.live.scale,
            World::Simulated => 1.0,
        })
    }

    /// The scenario as `world` lives it, at `scale`, or at [`Loaded::scale`] where none is given.
    ///
    /// # Panics
    /// When `scale` is not more than 0 and at most 100.
    pub fn at_scale(&self, scale: Option<f64>, world: World) -> Scenario {
        let scale = scale.unwrap_or_else(|| self.scale(world));
        assert!(scale > 0.0 && scale <= check::SCALE_MAX, "a scale is more than 0, at most 100");
        let mut scenario = self.meant.scenario.clone();
        self.place_openings(&mut scenario, world);
        scale::scale(&mut scenario, scale);
        scenario
    }

    /// The run's own copy of the file: with all overrides, each named in the head comment, and
    /// with the scale of this run as `[live] scale`, so that the copy read again is this run.
    pub fn text_as_run(&self, world: World) -> String {
        let scale = self.scale(world);
        let mut head = String::new();
        for line in self.overrides.lines() {
            writeln!(head, "#   {line}").expect("text can be appended to");
        }
        let differs = (scale - self.meant.scenario.live.scale).abs() > 0.0;
        let text = if differs {
            writeln!(head, "#   live.scale = {scale}").expect("text can be appended to");
            overrides::set_scale(&self.text, scale)
        } else {
            self.text.clone()
        };
        if head.is_empty() { text } else { format!("# As run, changed by:\n{head}\n{text}") }
    }

    /// The scenario of a run that began at `utc_ns` \[ns of UTC\], for another process to live.
    pub fn as_run(&self, utc_ns: u64) -> AsRun {
        AsRun {
            text: self.text_as_run(World::Live),
            folder: self.folder.clone(),
            began_utc_ns: utc_ns,
        }
    }

    /// Places the openings and the provider's schedule in the run, and tells every crowd when its
    /// sale opens and closes.
    fn place_openings(&self, scenario: &mut Scenario, world: World) {
        let began = match (world, self.began_utc_ns) {
            (World::Live, Some(began_utc_ns)) => began_utc_ns,
            _ => self.virtual_beginning(),
        };
        for (sale, opening) in scenario.catalogue.sales.iter_mut().zip(&self.meant.openings) {
            let lasts = sale.closes - sale.opens;
            (sale.opens, sale.closes) = match *opening {
                check::Opening::After(after) => (Time::ZERO + after, Time::ZERO + after + lasts),
                check::Opening::At { utc_ns } => {
                    let closes = Time::from_nanos(utc_ns) + lasts;
                    let began = Time::from_nanos(began);
                    (
                        Time::ZERO + Time::from_nanos(utc_ns).since(began),
                        Time::ZERO + closes.since(began),
                    )
                }
            };
        }
        scenario.provider = scenario.provider.clone().anchored(began);
        for population in &mut scenario.populations {
            let sale = &scenario.catalogue.sales[population.sale];
            population.crowd.opens = sale.opens;
            population.crowd.closes = sale.closes;
        }
    }

    /// Where the simulated run begins \[ns of UTC\]: early enough for the people of every sale
    /// that opens at an instant, and a function of the file alone.
    fn virtual_beginning(&self) -> u64 {
        let beginnings = self.meant.openings.iter().enumerate().filter_map(|(sale, opening)| {
            let check::Opening::At { utc_ns } = *opening else { return None };
            let people = self.meant.scenario.populations.iter();
            let leads = people.filter(|people| people.sale == sale).map(check::lead);
            let stack = self.meant.scenario.stack.lead();
            let lead = leads.max().unwrap_or_default().max(LEAD_MIN).max(stack);
            Some(Time::from_nanos(utc_ns).before(lead).nanos())
        });
        beginnings.min().unwrap_or_default()
    }
}

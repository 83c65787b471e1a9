//! The overrides of a scenario that was read, and the same scenario with more of them.

use super::{Loaded, known_time_zone, read, read_in, variable};
use crate::scenario::check::{Beside, Surroundings};
use crate::scenario::overrides::Overrides;
use crate::scenario::problem::Problems;
use crate::scenario::{Context, Late};

impl Loaded {
    /// Whether an override says what `key` is, written as `--set` takes it.
    pub fn is_set(&self, key: &str) -> bool {
        self.overrides.sets(key)
    }

    /// The same scenario with `set` after its own overrides.
    ///
    /// # Errors
    /// All that is wrong with it then.
    pub fn changed(&self, set: &[String]) -> Result<Self, Problems> {
        let overrides = Overrides { set: set.to_vec(), seed: None, scale: self.overrides.scale };
        let context = Context { now_utc_ns: self.began_utc_ns, late: Late::Allowed };
        let read = |file: &str| read(&self.folder.join(file));
        let surroundings = Surroundings {
            read: &read,
            zone: &known_time_zone,
            env: &variable,
            beside: Beside::Here,
        };
        let changed = read_in(self.name(), &self.text, &overrides, &context, &surroundings)?;
        // Its own copy names all that it was changed by.
        let set = [self.overrides.set.as_slice(), set].concat();
        let overrides = Overrides { set, ..self.overrides.clone() };
        Ok(Self { folder: self.folder.clone(), overrides, ..changed })
    }
}

//! A scenario that was read, with more overrides.

use super::{Loaded, known_time_zone, read, read_in, variable};
use crate::scenario::check::{Beside, Surroundings};
use crate::scenario::overrides::Overrides;
use crate::scenario::problem::Problems;
use crate::scenario::{Context, Late};

impl Loaded {
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
        Ok(Self { folder: self.folder.clone(), ..changed })
    }
}

//! A scenario as meant: every reference resolved, every number in range, scaled.

use domain::shop::Catalogue;
use reference_shop::settings::Settings as ShopTable;

use crate::arrival::Arrive;
use crate::audit::AuditSettings;
use crate::fan::Crowd;
use crate::tier::Stack;

/// A scenario as meant, at one scale.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name: the folder of its reports.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Draws hang on this.
    pub seed: u64,
    /// The scale that people, stock and limits were multiplied by.
    pub scale: f64,
    /// All that is for sale, scaled; opening times count from the run's beginning.
    pub catalogue: Catalogue,
    /// The populations, scaled.
    pub populations: Vec<Population>,
    /// The shop, scaled.
    pub shop: ShopTable,
    /// The provider, scaled.
    pub provider: mock_provider::settings::Settings,
    /// What is asked of the judge.
    pub audit: AuditSettings,
    /// The stack of the simulator.
    pub stack: Stack,
}

/// A population: fans, staff, bots.
#[derive(Clone, Debug)]
pub struct Population {
    /// Its name.
    pub name: String,
    /// The place of its sale in the catalogue.
    pub sale: usize,
    /// How many people, scaled.
    pub count: u32,
    /// How they arrive.
    pub arrive: Arrive,
    /// How they behave, and what they want.
    pub crowd: Crowd,
}

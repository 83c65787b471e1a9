//! A scenario as meant: every reference resolved, every number in range, scaled.
//!
//! A file is read as written (`written`), every mistake in it is told at once (`recover`, `check`,
//! `problem`), and what remains is scaled (`scale`) to a [`Scenario`].

mod check;
pub mod devices;
pub mod file;
pub mod offer;
pub mod overrides;
mod place;
pub mod problem;
mod recover;
pub mod remedy;
pub mod rooms;
mod scale;
mod schema;
pub mod target;
pub mod uncertain;
mod wire;
mod wording;
pub mod written;

use core::net::IpAddr;
use std::sync::Arc;

use domain::shop::Catalogue;
use domain::time::{Duration, Time};
use reference_shop::settings::{Settings as ShopTable, ShopSettings};

use crate::arrival::{Arrivals, Arrive, Moments, Share};
use crate::audit::AuditSettings;
use crate::evidence::OPENING;
use crate::fan::Crowd;
use crate::tier::Stack;
use crate::tier::queue::Queue;
use crate::verdict::objective::Objective;
use devices::Devices;
use rooms::Rooms;
use target::Target;
use uncertain::Uncertain;

pub use schema::schema;
pub use wire::{Protocol, Tls, Wire};
pub use written::{Connections, Fidelity, KeepAwake, Pacing};

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
    /// The time zone in which instants are shown (IANA name).
    pub timezone: String,
    /// How the live world lives it.
    pub live: LiveSettings,
    /// How the run is divided in time.
    pub phases: Phases,
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
    /// Plain queues, which the simulated world lives beside all else.
    pub queues: Vec<Queue>,
    /// Devices that hold a connection, scaled, which the simulated world lives beside all else.
    pub devices: Vec<Devices>,
    /// Rooms that take machines of a warm pool, scaled, which the simulated world lives beside all else.
    pub rooms: Vec<Rooms>,
    /// The service level objectives, in the order of the file.
    pub objectives: Vec<Objective>,
    /// What nobody knows for sure, drawn for each of several replications.
    pub uncertain: Vec<Uncertain>,
    /// The foreign shop that fans are sent to; absent: the embedded one.
    pub target: Option<Arc<Target>>,
}

impl Scenario {
    /// When each fan of a population arrives, and its index: sorted by both.
    pub fn arrivals(&self, number: u16) -> Vec<(Time, u32)> {
        let population = &self.populations[usize::from(number)];
        let opens = self.catalogue.sales[population.sale].opens;
        let trace = population.trace.as_deref();
        population.arrive.arrivals(self.seed, number, population.count, opens, trace)
    }

    /// The same moments one by one, for whoever has no room for a list of them.
    pub fn moments(&self, number: u16) -> Moments {
        let population = &self.populations[usize::from(number)];
        let opens = self.catalogue.sales[population.sale].opens;
        let trace = population.trace.as_deref();
        population.arrive.moments(self.seed, number, population.count, opens, trace)
    }

    /// A share of the people of all populations, in the order in which they come.
    pub fn coming(&self, share: Share) -> Arrivals {
        let populations = (0_u16..).zip(&self.populations);
        Arrivals::at(populations.map(|(number, _)| (number, self.moments(number))), share)
    }

    /// Those whom the simulator tells apart from the beginning, in the order in which they come.
    pub fn coming_apart(&self) -> Arrivals {
        let populations = (0_u16..).zip(&self.populations);
        let apart = populations.filter(|(_, population)| population.fidelity == Fidelity::Event);
        Arrivals::at(apart.map(|(number, _)| (number, self.moments(number))), Share::WHOLE)
    }

    /// How many people there are.
    pub fn people(&self) -> u64 {
        self.populations.iter().map(|population| u64::from(population.count)).sum()
    }

    /// When the first sale opens; the run's beginning where there is none.
    pub fn first_opening(&self) -> Time {
        let openings = self.catalogue.sales.iter().map(|sale| sale.opens);
        openings.min().unwrap_or_default()
    }

    /// Whether it has no sale, but queues, devices or rooms alone.
    pub fn is_without_a_sale(&self) -> bool {
        self.catalogue.sales.is_empty()
    }

    /// All that the shop's rules need to know.
    pub fn shop_settings(&self) -> ShopSettings {
        ShopSettings {
            shop: self.shop.clone(),
            catalogue: self.catalogue.clone(),
            account: self.name.clone(),
            seed: self.seed,
        }
    }
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
    /// The moments of a `trace` \[s from the opening\]; absent for every other shape.
    pub trace: Option<Vec<f64>>,
    /// How they are simulated while they wait.
    pub fidelity: Fidelity,
    /// How they behave, and what they want.
    pub crowd: Crowd,
}

/// How the live world lives a scenario: the table `[live]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSettings {
    /// The scale that `spike run` uses.
    pub scale: f64,
    /// Threads that make load; absent: one per core.
    pub threads: Option<u16>,
    /// Connections to the shop.
    pub connections: Connections,
    /// Processes that make load; absent: as many as open files need.
    pub processes: Option<u16>,
    /// The local addresses that connections leave from, in turn; none: as ports need.
    pub local_ips: Vec<IpAddr>,
    /// What a connection is made of.
    pub wire: Wire,
    /// How exactly what is due is sent.
    pub pacing: Pacing,
    /// Whether cores are kept from halting.
    pub keep_awake: KeepAwake,
}

/// How the run is divided in time: the table `[phases]`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Phases {
    /// How long `opening` lasts from each opening on.
    pub opening: Duration,
}

impl Default for Phases {
    fn default() -> Self {
        Self { opening: OPENING }
    }
}

/// What the reader of a scenario must know of the moment it is read in.
#[derive(Copy, Clone, Debug)]
pub struct Context {
    /// What time it is \[ns of UTC\]; absent for virtual time, in which no opening is past.
    pub now_utc_ns: Option<u64>,
    /// Whether an opening may be past or near.
    pub late: Late,
}

/// Whether an opening may be past, or too near for its people to arrive as the file says.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// It may not.
    #[default]
    Refused,
    /// It may (`--late`): what is left of the sale is run.
    Allowed,
}

impl Context {
    /// Virtual time: no opening is past.
    pub const VIRTUAL: Self = Self { now_utc_ns: None, late: Late::Refused };
}

//! How long things take: lengths of time drawn by number, in the order in which they are asked for.

use domain::draw::{Draw, Draws, Purpose};
use domain::law::Law;
use domain::sampler::Sampler;
use domain::time::Duration;

use crate::scenario::Scenario;

/// Draws lengths of time.
#[derive(Debug)]
pub(super) struct Lengths {
    draws: Draws,
    drawn: u64,
}

impl Lengths {
    /// The draws of `scenario`.
    pub(super) const fn new(scenario: &Scenario) -> Self {
        Self { draws: Draws::under(scenario.seed), drawn: 0 }
    }

    /// The draws that its are among.
    pub(super) const fn draws(&self) -> Draws {
        self.draws
    }

    /// A length by that law; where there is none it takes no time, and no draw.
    pub(super) fn sample(&mut self, law: Option<&Sampler>) -> Duration {
        law.map_or(Duration::ZERO, |law| law.sample(self.next(Purpose::Service)))
    }

    /// The next draw, for that purpose.
    pub(super) fn next(&mut self, purpose: Purpose) -> Draw {
        self.drawn += 1;
        self.draws.draw_for(self.drawn, purpose, 0)
    }
}

/// The laws of the tiers that have one.
#[derive(Debug)]
pub(super) struct Laws {
    /// From a fan to the edge and back.
    pub(super) network: Option<Sampler>,
    /// Of a server of the application.
    pub(super) application: Option<Sampler>,
    /// Of a statement.
    pub(super) database: Option<Sampler>,
}

impl Laws {
    /// Those of `scenario`.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let stack = &scenario.stack;
        let ready = |law: Option<Law>| law.map(Sampler::new);
        Self {
            network: ready(stack.network),
            application: ready(stack.application.as_ref().map(|tier| tier.service)),
            database: ready(stack.database.as_ref().map(|tier| tier.service)),
        }
    }
}

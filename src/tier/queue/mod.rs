//! A plain queue, as textbooks have it: customers, servers, a line before them. The simulator's own
//! calendar and stations live it, so that its figures can be held against a textbook's.

mod length;
mod sharing;

pub use length::Length;
pub use sharing::Sharing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A queue as meant: the table `[[queue]]`. Lengths of time are in seconds \[s\].
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its name, unique in the scenario.
    pub name: String,
    /// Who comes.
    pub arrivals: Arrivals,
    /// How long a customer has a server.
    pub service: Length,
    /// How many servers there are, at least 1.
    pub servers: u32,
    /// How many may be there at once, in service and waiting; one more is turned away.
    pub limit: Option<u32>,
    /// How long a customer waits before he gives up.
    pub patience: Option<Length>,
    /// Who is served.
    pub order: Order,
    /// How many customers come before the simulation ends.
    pub customers: u32,
}

/// Who comes to a queue.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// They come whatever happens; the length is the gap between two of them.
    Open(Length),
    /// So many come, are served, think and come again (the machine repairman's model).
    Closed {
        /// How many.
        population: u32,
        /// How long each thinks.
        think: Length,
    },
}

/// Who is served.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// First come, first served.
    #[default]
    Fifo,
    /// All who are there, at once: n customers share c servers, and each gets min(1, c/n) of one.
    Sharing,
}

impl Queue {
    /// The servers that are asked for in the mean (the offered load a = λ·E\[S\], in erlang); absent
    /// where those who come wait for each other.
    pub fn asked(&self) -> Option<f64> {
        match self.arrivals {
            Arrivals::Open(gap) => Some(self.service.mean_s() / gap.mean_s()),
            Arrivals::Closed { .. } => None,
        }
    }

    /// Whether the line grows for ever: as much is asked for as there is, and nobody is turned away
    /// or gives up.
    pub fn grows(&self) -> bool {
        let asks_too_much = self.asked().is_some_and(|asked| asked >= f64::from(self.servers));
        asks_too_much && self.limit.is_none() && self.patience.is_none()
    }
}

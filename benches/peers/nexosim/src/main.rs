//! M/M/c by nexosim, on one thread: a source and a bank of servers. Prints the mean wait \[s\].
//!
//! Takes the servers, the customers that come per second, those that a server serves per second, how many come
//! in all and the seed.

use std::collections::VecDeque;
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::simulation::{Mailbox, SimInit, SimulationError};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

/// Longer than any run: 30 years.
const LONG: Duration = Duration::from_secs(1_000_000_000);

/// Where customers come from.
#[derive(Serialize, Deserialize)]
struct Source {
    customer: Output<()>,
    gaps: Exponential,
    to_come: u64,
}

#[Model]
impl Source {
    #[nexosim(init)]
    async fn begin(&mut self, cx: &Context<Self>) {
        cx.schedule_event(self.gaps.next(), schedulable!(Self::comes), ()).expect("a gap is long");
    }

    #[nexosim(schedulable)]
    async fn comes(&mut self, _: (), cx: &Context<Self>) {
        self.customer.send(()).await;
        self.to_come -= 1;
        if self.to_come > 0 {
            let gap = self.gaps.next();
            cx.schedule_event(gap, schedulable!(Self::comes), ()).expect("a gap is long");
        }
    }
}

/// Servers with one line before them.
#[derive(Serialize, Deserialize)]
struct Servers {
    free: u32,
    services: Exponential,
    /// When those who wait came \[ns\].
    waiting: VecDeque<u64>,
    waited_ns: u64,
    to_serve: u64,
    customers: u64,
}

#[Model]
impl Servers {
    fn customer(&mut self, _: (), cx: &Context<Self>) {
        if self.free > 0 {
            self.free -= 1;
            self.begin(cx);
        } else {
            self.waiting.push_back(nanos(cx.time()));
        }
    }

    #[nexosim(schedulable)]
    fn served(&mut self, _: (), cx: &Context<Self>) {
        match self.waiting.pop_front() {
            Some(came) => {
                self.waited_ns += nanos(cx.time()) - came;
                self.begin(cx);
            }
            None => self.free += 1,
        }
        self.to_serve -= 1;
        if self.to_serve == 0 {
            println!("{}", self.waited_ns as f64 / 1e9 / self.customers as f64);
        }
    }

    fn begin(&mut self, cx: &Context<Self>) {
        let service = self.services.next();
        cx.schedule_event(service, schedulable!(Self::served), ()).expect("a service is long");
    }
}

/// Exponential lengths of time, by the generator `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Serialize, Deserialize)]
struct Exponential {
    state: u64,
    per_s: f64,
}

impl Exponential {
    fn next(&mut self) -> Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let even = ((bits >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
        // Nothing can be scheduled for the present moment.
        Duration::from_secs_f64(-even.ln() / self.per_s).max(Duration::from_nanos(1))
    }
}

fn nanos(at: MonotonicTime) -> u64 {
    let since = at.duration_since(MonotonicTime::EPOCH);
    since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos())
}

fn main() -> Result<(), SimulationError> {
    let given: Vec<f64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let &[servers, comes_per_s, served_per_s, customers, seed] = given.as_slice() else {
        panic!("five numbers: servers, customers per second, served per second, customers, seed");
    };
    let (customers, seed) = (customers as u64, seed as u64);
    let mut source = Source {
        customer: Output::default(),
        gaps: Exponential { state: seed, per_s: comes_per_s },
        to_come: customers,
    };
    let servers = Servers {
        free: servers as u32,
        services: Exponential { state: !seed, per_s: served_per_s },
        waiting: VecDeque::new(),
        waited_ns: 0,
        to_serve: customers,
        customers,
    };
    let (source_mailbox, servers_mailbox) = (Mailbox::new(), Mailbox::new());
    source.customer.connect(Servers::customer, &servers_mailbox);
    let mut simulation = SimInit::with_num_threads(1)
        .add_model(source, source_mailbox, "source")
        .add_model(servers, servers_mailbox, "servers")
        .init(MonotonicTime::EPOCH)?;
    simulation.step_until(LONG)?;
    Ok(())
}

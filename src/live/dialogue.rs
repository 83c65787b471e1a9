//! What the fans of one loop say and hear: the embedded shop's requests and replies, or the steps of
//! a foreign shop's funnel, with what each fan keeps on its way through it.

mod complaints;
mod edges;
mod foreign;

use std::collections::BTreeMap;

use domain::id::FanId;
use domain::time::Time;

use crate::evidence::Complaint;
use crate::fan::{Reply, Request};
use crate::live::answer;
use crate::live::clock::Clock;
use crate::live::http::{Body, Head};
use crate::live::request::{self, Script};
use crate::live::{Settings, Target};
use crate::measure::edge::EdgeCounts;
use crate::scenario::Scenario;
use crate::step::funnel::Host;
use foreign::{Foreign, Form};

/// One call of one operation.
#[derive(Copy, Clone, Debug)]
pub(super) struct Call {
    /// Who makes it.
    pub(super) fan: FanId,
    /// Its number in the loop.
    pub(super) visitor: u32,
    /// The operation.
    pub(super) request: Request,
    /// Which of the operation's calls, from 0; redirects are not counted.
    pub(super) number: u16,
}

/// An answer as the connection has it.
#[derive(Copy, Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) head: &'a Head,
    /// The lines of the head, if they were asked for.
    pub(super) fields: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) at: Time,
}

/// What follows an answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer leads on to another request of the same call.
    Follow,
    /// The call is over.
    Done(Reply),
}

/// What the fans of one loop say and hear.
#[derive(Debug)]
pub(super) struct Dialogue<'run> {
    scripts: &'run [Script],
    clock: Clock,
    /// In a place of its own: most crowds visit the embedded shop.
    foreign: Option<Box<Foreign<'run>>>,
}

impl<'run> Dialogue<'run> {
    /// The dialogue of one loop: the scenario's funnel or, without one, `scripts`, one for each
    /// population.
    pub(super) fn new(
        scenario: &'run Scenario,
        target: &Target,
        scripts: &'run [Script],
        settings: &'run Settings,
    ) -> Self {
        let foreign = scenario.target.as_deref().zip(target.abroad.as_ref());
        let foreign = foreign.map(|(target, abroad)| {
            Box::new(Foreign::new(scenario, target, settings, Form::on(abroad)))
        });
        Self { scripts, clock: settings.clock, foreign }
    }

    /// Makes ready for `call`: whom its present request asks, by the number of the host. `None` when
    /// the request cannot be said.
    pub(super) fn prepare(&mut self, call: &Call) -> Option<usize> {
        match &mut self.foreign {
            None => Some(0),
            Some(foreign) => foreign.prepare(call),
        }
    }

    /// The host of that number; absent where the embedded shop is the only one.
    pub(super) fn host(&self, number: usize) -> Option<&Host> {
        self.foreign.as_ref().map(|foreign| foreign.host(number))
    }

    /// The bytes of the present request of `call`, in `out` where they have to be written first,
    /// and what becomes of the answer.
    pub(super) fn say<'out>(&mut self, call: &Call, out: &'out mut Vec<u8>) -> (&'out [u8], Body)
    where
        'run: 'out,
    {
        if let Some(foreign) = &mut self.foreign {
            let body = foreign.say(call, utc_s(self.clock, self.clock.now()), out);
            return (out, body);
        }
        let script = &self.scripts[usize::from(call.fan.population)];
        let body = script.body(call.request.operation, call.number);
        (script.render(call.fan, &call.request, call.number, out), body)
    }

    /// What the answer to the present request of `call` says.
    pub(super) fn hear(&mut self, call: &Call, told: Told<'_>) -> Heard {
        let utc_ns = self.clock.began_utc_ns().saturating_add(told.at.nanos());
        match &mut self.foreign {
            None => Heard::Done(answer::read(told.head, told.body, utc_ns)),
            Some(foreign) => foreign.hear(call, told, utc_ns),
        }
    }

    /// Whether another call follows `call`, which ended with `reply`.
    pub(super) fn goes_on(&self, call: &Call, reply: &Reply) -> bool {
        let script = &self.scripts[usize::from(call.fan.population)];
        // Who is led elsewhere does not look at the rest of the page.
        reply.then.is_none() && script.goes_on(&call.request, call.number, reply.outcome)
    }

    /// Whether asking the present request of `call` twice may take effect twice.
    pub(super) fn takes_effect(&self, call: &Call) -> bool {
        match &self.foreign {
            None => request::takes_effect(call.request.operation),
            Some(foreign) => foreign.takes_effect(call),
        }
    }

    /// Whether what becomes of the operation is unknown when `call` is not answered: it, or what it
    /// was redirected from, takes effect.
    pub(super) fn may_have_taken_effect(&self, call: &Call) -> bool {
        match &self.foreign {
            None => request::takes_effect(call.request.operation),
            Some(foreign) => foreign.may_have_taken_effect(call),
        }
    }

    /// The operation of that fan is over, whatever came of it.
    pub(super) fn settle(&mut self, visitor: u32) {
        if let Some(foreign) = &mut self.foreign {
            foreign.settle(visitor);
        }
    }

    /// That fan has left; what it kept is forgotten.
    pub(super) fn leave(&mut self, visitor: u32) {
        if let Some(foreign) = &mut self.foreign {
            foreign.leave(visitor);
        }
    }

    /// How often each step was answered, or could not be said, since this was last asked.
    pub(super) fn take_answered(&mut self) -> Vec<(String, u64)> {
        self.foreign.as_mut().map_or_else(Vec::new, |foreign| foreign.complaints.take_answered())
    }

    /// What could not be understood or said since this was last asked.
    pub(super) fn take_complaints(&mut self) -> Vec<Complaint> {
        self.foreign.as_mut().map_or_else(Vec::new, |foreign| foreign.complaints.take())
    }

    /// What the edge did with the answers since this was last asked, by step.
    pub(super) fn take_edges(&mut self) -> BTreeMap<String, EdgeCounts> {
        self.foreign.as_mut().map_or_else(BTreeMap::new, |foreign| foreign.edges.take())
    }
}

/// When that is \[s of UTC\].
fn utc_s(clock: Clock, at: Time) -> i64 {
    let utc_ns = clock.began_utc_ns().saturating_add(at.nanos());
    i64::try_from(utc_ns / 1_000_000_000).expect("2^64 ns are fewer than 2^63 s")
}

//! A foreign shop's funnel, spoken by the fans of one loop: each keeps its own values, cookies and
//! redirects, and gives them back when it leaves.

use std::io::Write;

use domain::id::{FanId, key_of};
use domain::outcome::Operation;

use super::complaints::{Complaints, words};
use super::edges::Edges;
use super::{Call, Heard, Told};
use crate::fan::{Reply, Request};
use crate::live::Settings;
use crate::live::abroad::{Abroad, Credentials};
use crate::live::http::Body;
use crate::live::transcript::Scribe;
use crate::scenario::Scenario;
use crate::scenario::target::{Target, admit};
use crate::step::funnel::{Host, Scheme, Step};
use crate::step::hosts::Hosts;
use crate::step::session::{self, Hearing, Session, Trouble};
use crate::step::{Answer, edge};

/// A foreign funnel, and what the fans of one loop keep of it.
#[derive(Debug)]
pub(super) struct Foreign<'run> {
    scenario: &'run Scenario,
    target: &'run Target,
    /// The run, by its name in the shop.
    run: String,
    /// How many fans there are before those of each population: by that a fan finds its row.
    before: Vec<usize>,
    hosts: Hosts,
    form: Form,
    /// By the fans' numbers.
    speakers: Vec<Option<Box<Speaker>>>,
    pub(super) complaints: Complaints,
    pub(super) edges: Edges,
    scribe: Option<Scribe<'run>>,
    scratch: Vec<u8>,
}

/// How what is asked for over plain HTTP is named (RFC 9112 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By its path.
    Path,
    /// By its whole URL, as a proxy must know it that is shown these.
    Url(Option<Credentials>),
}

impl Form {
    /// How it is named on the ways of `abroad`.
    pub(super) fn on(abroad: &Abroad) -> Self {
        abroad.proxy.as_ref().map_or(Self::Path, |proxy| Self::Url(proxy.credentials.clone()))
    }
}

/// What a fan keeps, and for which purchase its names were filled in last.
#[derive(Debug, Default)]
struct Speaker {
    session: Session,
    purchase: Option<u8>,
    slot: Option<u8>,
}

impl<'run> Foreign<'run> {
    pub(super) fn new(
        scenario: &'run Scenario,
        target: &'run Target,
        settings: &'run Settings,
        form: Form,
    ) -> Self {
        let allowed = target.allow_hosts.clone();
        let admits = move |name: &str| admit(name, &allowed).map_err(|error| error.to_string());
        let counts = scenario.populations.iter().map(|them| them.count as usize);
        let before =
            counts.scan(0, |before, count| Some(std::mem::replace(before, *before + count)));
        Self {
            scenario,
            target,
            run: settings.run.clone(),
            form,
            before: before.collect(),
            hosts: Hosts::new(&target.funnel.hosts, Box::new(admits)),
            speakers: Vec::new(),
            complaints: Complaints::default(),
            edges: Edges::of(&target.funnel),
            scribe: settings.transcript.as_ref().map(|out| Scribe::new(out, &target.funnel)),
            scratch: Vec::new(),
        }
    }

    pub(super) fn host(&self, number: usize) -> &Host {
        self.hosts.host(number)
    }

    pub(super) fn prepare(&mut self, call: &Call) -> Option<usize> {
        self.introduce(call);
        let (place, step) = self.step(call);
        let session = &self.speaker(call.visitor).session;
        if let Some(name) = session.lacks(step) {
            let names = &self.target.funnel.names;
            self.complaints.count(place, step, names, &Trouble::Value(name), None);
            self.complaints.answered(place, step);
            return None;
        }
        Some(session.host(step))
    }

    pub(super) fn say(&mut self, call: &Call, now_s: i64, out: &mut Vec<u8>) -> Body {
        let (_, step) = self.step(call);
        let speaker = self.speakers[call.visitor as usize].as_ref().expect("it made ready");
        speaker.session.say(step, &self.hosts, now_s, &mut self.scratch, out);
        let host = self.hosts.host(speaker.session.host(step));
        let by_proxy = match &self.form {
            Form::Url(credentials) if host.scheme == Scheme::Http => Some(credentials),
            _ => None,
        };
        if by_proxy.is_some() {
            let method = out.iter().position(|byte| *byte == b' ').map_or(0, |blank| blank + 1);
            out.splice(method..method, host.origin().into_bytes());
        }
        if let Some(scribe) = &mut self.scribe {
            scribe.said(out);
        }
        // What the proxy alone is shown is not written down.
        if let Some(Some(credentials)) = by_proxy {
            let line = out.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            out.splice(line..line, credentials.line().into_bytes());
        }
        let has_body = speaker.session.method(step) != "HEAD";
        if has_body { Body::KeepWithFields } else { Body::Absent }
    }

    pub(super) fn hear(&mut self, call: &Call, told: Told<'_>, utc_ns: u64) -> Heard {
        let (place, step) = self.step(call);
        let answer = Answer { status: told.head.status, fields: told.fields, body: told.body };
        let retry_after = told.head.retry_after.map(|asked| asked.wait(utc_ns));
        let now_s = i64::try_from(utc_ns / 1_000_000_000).expect("2^64 ns are fewer than 2^63 s");
        let hearing = Hearing { answer, retry_after, now_s };
        self.edges.count(place, &edge::of(&answer));
        let Self { speakers, hosts, complaints, target, scribe, .. } = self;
        let speaker = speakers[call.visitor as usize].as_mut().expect("it spoke");
        let names = &target.funnel.names;
        let mut troubles = Vec::new();
        let mut complain = |trouble| troubles.push(trouble);
        let heard = speaker.session.hear(step, &hearing, hosts, &mut complain);
        if let Some(scribe) = scribe {
            let troubles = troubles.iter().map(|trouble| words(trouble, names));
            scribe.heard(step, &answer, troubles.collect(), heard);
        }
        for trouble in &troubles {
            complaints.count(place, step, names, trouble, Some(&answer));
        }
        match heard {
            session::Heard::Follow => Heard::Follow,
            session::Heard::Done { outcome, then } => {
                complaints.answered(place, step);
                Heard::Done(Reply { retry_after, then, ..Reply::of(outcome) })
            }
        }
    }

    pub(super) fn takes_effect(&self, call: &Call) -> bool {
        let (_, step) = self.step(call);
        let speaker = self.speakers.get(call.visitor as usize).and_then(Option::as_ref);
        let method = speaker.map_or(step.message.method(), |speaker| speaker.session.method(step));
        changes_something(method)
    }

    pub(super) fn may_have_taken_effect(&self, call: &Call) -> bool {
        changes_something(self.step(call).1.message.method())
    }

    pub(super) fn settle(&mut self, visitor: u32) {
        if let Some(Some(speaker)) = self.speakers.get_mut(visitor as usize) {
            speaker.session.settle();
        }
    }

    pub(super) fn leave(&mut self, visitor: u32) {
        if let Some(speaker) = self.speakers.get_mut(visitor as usize) {
            *speaker = None;
        }
    }

    fn speaker(&self, visitor: u32) -> &Speaker {
        self.speakers[visitor as usize].as_ref().expect("it was introduced")
    }

    /// The step that a call makes, and its place in the funnel: its stage and its number there. Of
    /// a reload of so many calls the last is the last step.
    fn step(&self, call: &Call) -> ((u8, usize), &'run Step) {
        let stage = call.request.stage;
        let steps = &self.target.funnel.stages[usize::from(stage)];
        let number = if call.request.operation == Operation::Reload {
            let crowd = &self.scenario.populations[usize::from(call.fan.population)].crowd;
            let calls = usize::from(crowd.behaviour.reload.calls).max(1);
            (usize::from(call.number) + steps.len() - calls % steps.len()) % steps.len()
        } else {
            usize::from(call.number).min(steps.len() - 1)
        };
        ((stage, number), &steps[number])
    }

    /// Fills in what the fan's names stand for, as far as that has changed.
    fn introduce(&mut self, call: &Call) {
        let Call { fan, visitor, request, .. } = call;
        let place = *visitor as usize;
        if place >= self.speakers.len() {
            self.speakers.resize_with(place + 1, || None);
        }
        if self.speakers[place].is_none() {
            let speaker = self.newcomer(*fan, request);
            self.speakers[place] = Some(Box::new(speaker));
        }
        let Self { speakers, scratch, target, scenario, run, .. } = self;
        let speaker = speakers[place].as_mut().expect("it was put there");
        let (given, values) = (&target.funnel.given, &mut speaker.session.values);
        if speaker.purchase != Some(request.purchase) {
            speaker.purchase = Some(request.purchase);
            scratch.clear();
            write!(scratch, "{run}-{}", key_of(*fan, request.purchase))
                .expect("memory takes every byte");
            values.set(given.key, scratch);
        }
        if speaker.slot != request.slot {
            speaker.slot = request.slot;
            let sale = scenario.populations[usize::from(fan.population)].sale;
            let slots = &scenario.catalogue.sales[sale].slots;
            let slot = request.slot.map_or("", |slot| slots[usize::from(slot)].id.as_str());
            values.set(given.slot, slot.as_bytes());
        }
    }

    /// A fan that has not said anything yet: what it is called and what it wants are its own for
    /// good.
    fn newcomer(&self, fan: FanId, request: &Request) -> Speaker {
        let mut speaker = Speaker::default();
        let (given, values) = (&self.target.funnel.given, &mut speaker.session.values);
        let (name, quantity) = (fan.to_string(), request.quantity.to_string());
        let sale = self.scenario.populations[usize::from(fan.population)].sale;
        let item = &self.scenario.catalogue.sales[sale].items[usize::from(request.item)];
        let intent = format!("{}-{name}", self.run);
        for (name, value) in [
            (given.fan, name.as_str()),
            (given.intent, &intent),
            (given.item, &item.id),
            (given.quantity, &quantity),
            (given.run, &self.run),
            (given.slot, ""),
        ] {
            values.set(name, value.as_bytes());
        }
        let row = self.before[usize::from(fan.population)] + fan.index as usize;
        let row = self.target.data.as_ref().and_then(|data| data.rows.get(row));
        for (name, value) in given.columns.iter().zip(row.into_iter().flatten()) {
            values.set(*name, value.as_bytes());
        }
        speaker
    }
}

/// Whether a method is not safe (RFC 9110 §9.2.1): to ask twice may take effect twice.
fn changes_something(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

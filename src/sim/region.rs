//! A region that is lost while the simulation runs, and the one that takes over: each has the whole stack, and an
//! event belongs to the region that it happens in.
//!
//! The world looks at one region at a time; the other one is put aside until something happens there.

use std::collections::BTreeSet;

use domain::draw::{Purpose, draw};
use domain::id::OrderId;
use domain::time::{Duration, Time};
use reference_shop::inventory::memory::Memory;
use reference_shop::rules::Effect;

use super::calendar::Calendar;
use super::path::number;
use super::site::Site;
use super::{Event, World};
use crate::arrival::Moments;
use crate::evidence::RegionRecord;
use crate::scenario::Scenario;
use crate::tier::region::{Course, Named};

/// A region from when it serves until it is lost.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// The one that everybody asks at first.
    Home,
    /// The one that stood by.
    Standby,
    /// The first one when it is back.
    Back,
}

/// What happens to regions.
#[derive(Copy, Clone, Debug)]
pub(super) enum RegionEvent {
    /// The replica has heard the last of what it will have.
    Heard,
    /// The region is lost.
    Lost,
    /// The standby serves.
    Promoted,
    /// The region sells again.
    Back,
}

/// How far apart the numbers of the orders of two regions begin.
const NUMBERS_APART: u64 = 1 << 40;

impl Life {
    /// Its own orders have numbers after this one.
    const fn numbers_after(self) -> u64 {
        NUMBERS_APART * self as u64
    }
}

/// The calendar, and which region what is entered belongs to: the first one, where nothing else is said.
#[derive(Debug)]
pub(super) struct Agenda {
    calendar: Calendar<Event>,
    /// What belongs to others.
    elsewhere: slab::Slab<(Life, Event)>,
    /// The region that is looked at.
    pub(super) life: Life,
}

impl Agenda {
    pub(super) fn new() -> Self {
        Self { calendar: Calendar::new(), elsewhere: slab::Slab::new(), life: Life::Home }
    }

    /// As [`Calendar::schedule`], for the region that is looked at.
    pub(super) fn schedule(&mut self, at: Time, event: Event) {
        self.schedule_in(self.life, at, event);
    }

    /// Likewise for that region.
    pub(super) fn schedule_in(&mut self, life: Life, at: Time, event: Event) {
        let event = match life {
            Life::Home => event,
            _ => Event::Elsewhere(number(self.elsewhere.insert((life, event)))),
        };
        self.calendar.schedule(at, event);
    }

    pub(super) fn peek(&mut self) -> Option<Time> {
        self.calendar.peek()
    }

    pub(super) fn pop(&mut self) -> Option<(Time, (Life, Event))> {
        let (at, event) = self.calendar.pop()?;
        let belongs = match event {
            Event::Elsewhere(place) => self.elsewhere.remove(place as usize),
            event => (Life::Home, event),
        };
        Some((at, belongs))
    }
}

/// The regions of a scenario that loses one.
pub(super) struct Regions {
    course: Course,
    /// When the people of each population come.
    arrivals: Vec<Moments>,
    round_trip: Duration,
    /// What the standby's replica has, once it hears no more.
    replica: Option<Memory>,
    is_lost: bool,
    is_promoted: bool,
    is_back: bool,
    /// The region that is not looked at, where there is one: it serves, or it is lost.
    aside: Option<(Life, Site)>,
    cut: u64,
    unheard: u64,
}

impl Regions {
    /// Of a scenario that loses its region.
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let region = scenario.stack.region.as_ref()?;
        Some(Self {
            course: region.course(scenario.first_opening()),
            arrivals: (0_u16..)
                .zip(&scenario.populations)
                .map(|(number, _)| scenario.moments(number))
                .collect(),
            round_trip: region.round_trip.map_or(Duration::ZERO, |takes| takes.0),
            replica: None,
            is_lost: false,
            is_promoted: false,
            is_back: false,
            aside: None,
            cut: 0,
            unheard: 0,
        })
    }

    /// What happens to the region, as a trigger of what comes after: from when to when nothing serves.
    pub(super) fn stretch(scenario: &Scenario) -> Option<(Time, Time)> {
        let region = scenario.stack.region.as_ref()?;
        let course = region.course(scenario.first_opening());
        Some((course.lost, course.serves_again()))
    }

    /// The region whose word counts: the standby once it was promoted.
    const fn primary(&self) -> Life {
        match (self.is_promoted, self.is_back) {
            (true, _) => Life::Standby,
            (false, true) => Life::Back,
            (false, false) => Life::Home,
        }
    }

    /// Where that region can be asked; nobody answers where it cannot.
    const fn asked(&self, named: Named) -> Option<Life> {
        match named {
            Named::Standby => Some(Life::Standby),
            Named::Home if self.is_back => Some(Life::Back),
            Named::Home if self.is_lost => None,
            Named::Home => Some(Life::Home),
        }
    }

    /// Whether something can still happen in it.
    const fn serves(&self, life: Life) -> bool {
        match life {
            Life::Home => !self.is_lost,
            Life::Standby | Life::Back => true,
        }
    }
}

impl Event {
    /// Whether it happens in a region, and not to fans or between regions.
    const fn is_in_a_region(self) -> bool {
        !matches!(
            self,
            Self::Wake(_)
                | Self::Comes(_)
                | Self::Deadline(_)
                | Self::Answered(_)
                | Self::Tick(_)
                | Self::Looked(_)
                | Self::Leave(_)
                | Self::Region(_)
        )
    }
}

impl World<'_> {
    /// Enters what happens to regions.
    pub(super) fn plan_regions(&mut self) {
        let Some(regions) = &self.regions else { return };
        let Course { heard, lost, promoted, back, .. } = regions.course;
        let all = [
            (Some(heard), RegionEvent::Heard),
            (Some(lost), RegionEvent::Lost),
            (promoted, RegionEvent::Promoted),
            (back, RegionEvent::Back),
        ];
        for (at, event) in all {
            if let Some(at) = at {
                self.calendar.schedule(at, Event::Region(event));
            }
        }
    }

    /// Looks at the region that an event belongs to; false where it is lost, and the event with it.
    pub(super) fn is_in_service(&mut self, life: Life, event: Event) -> bool {
        let Some(regions) = self.regions.as_ref().filter(|_| event.is_in_a_region()) else {
            return true;
        };
        if !regions.serves(life) {
            return false;
        }
        self.look_at(life);
        true
    }

    /// Looks at the region whose word counts.
    pub(super) fn look_at_primary(&mut self) {
        if let Some(life) = self.regions.as_ref().map(Regions::primary) {
            self.look_at(life);
        }
    }

    fn look_at(&mut self, life: Life) {
        if self.calendar.life == life {
            return;
        }
        let Some(regions) = &mut self.regions else { return };
        let Some((aside, mut site)) = regions.aside.take() else { return };
        debug_assert_eq!(aside, life, "there are but two regions");
        self.change_places(&mut site);
        let before = std::mem::replace(&mut self.calendar.life, life);
        self.put_aside(before, site);
    }

    fn put_aside(&mut self, life: Life, site: Site) {
        if let Some(regions) = &mut self.regions {
            regions.aside = Some((life, site));
        }
    }

    /// The region that a guest asks now; none where nobody answers there.
    pub(super) fn region_of(&mut self, at: Time, guest: u32) -> Option<Life> {
        let Some(regions) = &mut self.regions else { return Some(Life::Home) };
        let fan = self.guests[guest as usize].id();
        let arrived = regions.arrivals[usize::from(fan.population)].of(fan.index);
        let share = draw(self.scenario.seed, fan, Purpose::NameCache, 0).uniform();
        let life = regions.asked(regions.course.named(at, arrived, share));
        regions.unheard += u64::from(life.is_none());
        life
    }

    /// How long a commit waits for the other region.
    pub(super) fn replicates(&self) -> Duration {
        let regions = self.regions.as_ref().filter(|_| self.calendar.life == Life::Home);
        regions.map_or(Duration::ZERO, |regions| regions.round_trip)
    }

    /// Something happens to a region.
    pub(super) fn region_due(&mut self, at: Time, event: RegionEvent) {
        match event {
            RegionEvent::Heard => {
                let replica = self.inventory.clone();
                if let Some(regions) = &mut self.regions {
                    regions.replica = Some(replica);
                }
            }
            RegionEvent::Lost => self.lose_region(),
            RegionEvent::Promoted => self.promote(at),
            RegionEvent::Back => self.come_back(at),
        }
    }

    /// What is under way breaks off, and nobody is told.
    fn lose_region(&mut self) {
        let before = self.calls.len();
        // Who is answered already hears it.
        self.calls.retain(|_, call| call.is_answered());
        let Some(regions) = &mut self.regions else { return };
        regions.cut = (before - self.calls.len()) as u64;
        regions.is_lost = true;
    }

    /// The standby goes on with what its replica has.
    fn promote(&mut self, at: Time) {
        let Some(regions) = &mut self.regions else { return };
        let heard = regions.course.heard;
        let replica = regions.replica.take().expect("it heard before the region was lost");
        regions.is_promoted = true;
        self.begin(at, Life::Standby, (replica, heard));
    }

    /// The region goes on with what it has, whoever else sells the same.
    fn come_back(&mut self, at: Time) {
        let Some(regions) = &mut self.regions else { return };
        regions.is_back = true;
        // Its site is looked at where no standby serves, and was put aside where one does.
        self.look_at(Life::Home);
        let kept = self.inventory.clone();
        self.begin(at, Life::Back, (kept, at));
    }

    /// A region begins to serve in place of the one that is looked at: with that database, and what was known `then`.
    fn begin(&mut self, at: Time, life: Life, (inventory, then): (Memory, Time)) {
        let number = life.numbers_after();
        let found = inventory.found();
        let mut site = Site::in_place_of(self.scenario, (inventory, &self.shop), then, number);
        self.change_places(&mut site);
        let before = std::mem::replace(&mut self.calendar.life, life);
        // What comes back stands where it stood, and its other is aside already.
        if life == Life::Standby {
            self.put_aside(before, site);
        }
        let mut effects = self.shop.start();
        for effect in &mut effects {
            if let Effect::Wake { at: due, .. } = effect {
                *due = at.max(*due);
            }
        }
        effects.extend(self.shop.resume(at, found));
        self.carry_out(at, effects);
    }

    /// Whether nothing is left in the other region that could still change a ledger.
    pub(super) fn is_quiet_aside(&self) -> bool {
        let aside = self.regions.as_ref().and_then(|regions| {
            let aside = regions.aside.as_ref();
            aside.filter(|(life, _)| regions.serves(*life))
        });
        aside.is_none_or(|(_, site)| site.is_quiet())
    }

    /// What became of the region, where it was lost.
    pub(super) fn region_record(&self) -> Option<RegionRecord> {
        let regions = self.regions.as_ref().filter(|regions| regions.is_lost)?;
        let paid = |inventory: &Memory| -> BTreeSet<OrderId> {
            let paid = inventory.found().into_iter().filter(|found| found.row.status.is_paid());
            paid.map(|found| found.row.order).collect()
        };
        let lost = regions.aside.as_ref().map_or(0, |(_, site)| {
            let known = self.inventory.found();
            let known: BTreeSet<OrderId> = known.iter().map(|found| found.row.order).collect();
            paid(&site.inventory).difference(&known).count()
        });
        let Course { lost: at, promoted, back, .. } = regions.course;
        Some(RegionRecord {
            lost: at,
            promoted: promoted.filter(|_| regions.is_promoted),
            back: back.filter(|_| regions.is_back),
            cut: regions.cut,
            unheard: regions.unheard,
            lost_orders: lost as u64,
        })
    }

    /// What was put aside at the end: the ledger of a region that sold what the other one does not know of.
    pub(super) fn inventory_aside(&self) -> Option<&Memory> {
        let aside = self.regions.as_ref()?.aside.as_ref();
        aside.map(|(_, site)| &site.inventory)
    }
}

//! What can happen in the simulated world, and who deals with it.

use domain::id::OrderId;
use domain::provider::PaymentReply;
use domain::time::Time;
use reference_shop::rules::{Ticket, Wake};

use super::World;
use super::guest::Place;
use super::path::number;
use super::region::{Life, RegionEvent};

/// An event: what many of which lie in the calendar is named by a number, so that each takes eight bytes.
#[derive(Copy, Clone, Debug)]
pub(super) enum Event {
    /// A fan's sleep is over.
    Wake(u32),
    /// A fan's operation has had its time, or an earlier one at its place would have.
    Deadline(Place),
    /// A request reaches the edge.
    AtEdge(u32),
    /// The edge has done its part of a request.
    EdgeDone(u32),
    /// The application has done its part of a request.
    ApplicationDone(u32),
    /// The task that serves a request is gone before it is over.
    CutOff(u32),
    /// A request of the application's workers may be done with its work.
    Workers,
    /// The workers' processors become slower or faster.
    WorkersResized,
    /// An answer reaches its fan.
    Answered(u32),
    /// The database has carried out a statement.
    DatabaseDone(u32),
    /// The work of the statement that was next at the database's processors may be done.
    Processors,
    /// The database fails over, for the time of that number.
    FailsOver(u32),
    /// The database is there again.
    DatabaseBack,
    /// A task of the application may be ready.
    Tasks,
    /// A tick begins in which people look who are not told apart.
    Tick(u32),
    /// A look of one of them comes to the shop.
    Looked(u32),
    /// One of them arrives after the opening, and is told apart.
    Comes(u32),
    /// Some of them leave together.
    Leave(u32),
    /// Something happens to a region.
    Region(RegionEvent),
    /// What happens in another region than the first one, by its place among all of that.
    Elsewhere(u32),
    /// What does not happen often, by its place among all that is to come.
    Seldom(u32),
}

/// A million fans sleep at once, and each sleep is an event.
const _: () = assert!(size_of::<Event>() <= 8, "an event and its time are a quarter of a line");

/// An event that says more than a number.
#[derive(Debug)]
pub(super) enum Seldom {
    /// A fetch has had its time, or an earlier one would have.
    OriginTimeout { call: u32, asked: u64 },
    /// So many tasks of so many went then, and what they still have is cut off.
    CutTasks { since: Time, gone: u32, of: u32 },
    /// The provider answers a browser that wants a token, or has had its time.
    Token { ticket: Ticket, reply: Option<PaymentReply> },
    /// The provider answers for an order, or has had its time.
    Provider { order: OrderId, reply: Option<PaymentReply> },
    /// The shop wanted to be woken.
    Shop(Wake),
}

impl World<'_> {
    /// Enters what does not happen often.
    pub(super) fn schedule_seldom(&mut self, at: Time, event: Seldom) {
        let place = number(self.seldom.insert(event));
        self.calendar.schedule(at, Event::Seldom(place));
    }

    /// The next thing happens, if that is by `until`; whether it is. Who arrives comes before all else of the
    /// same instant, and then who has waited long enough.
    pub(super) fn happens_by(&mut self, until: Time) -> bool {
        let (arrival, deadline) = (self.next_arrival, self.next_deadline());
        let next = [arrival, deadline, self.calendar.peek()].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else { return false };
        if arrival == Some(next) {
            self.arrive();
        } else if deadline == Some(next) {
            self.first_times_out();
        } else if let Some((at, event)) = self.calendar.pop() {
            self.happen(at, event);
        }
        true
    }

    /// One event: who it concerns deals with it.
    fn happen(&mut self, at: Time, (life, event): (Life, Event)) {
        if !self.is_in_service(life, event) {
            return;
        }
        match event {
            Event::Wake(guest) => self.wake(at, guest),
            Event::Deadline(place) => self.deadline(at, place),
            Event::AtEdge(call) => self.at_edge(at, call),
            Event::EdgeDone(call) => self.edge_done(at, call),
            Event::ApplicationDone(call) => self.application_done(at, call),
            Event::CutOff(call) => self.cut_off(at, call),
            Event::Workers => self.workers_due(at),
            Event::WorkersResized => self.resize_workers(at),
            Event::Answered(call) => self.answered(at, call),
            Event::DatabaseDone(statement) => self.database_done(at, statement),
            Event::Processors => self.processors_due(at),
            Event::FailsOver(failover) => self.fails_over(at, failover),
            Event::DatabaseBack => self.database_is_back(),
            Event::Tasks => self.tasks_due(at),
            Event::Tick(place) => self.tick(at, place),
            Event::Looked(look) => self.looked(at, look),
            Event::Comes(guest) => self.comes(at, guest),
            Event::Leave(place) => self.leave_together(at, place),
            Event::Region(event) => self.region_due(at, event),
            Event::Elsewhere(_) => unreachable!("the calendar says what it is"),
            Event::Seldom(place) => {
                let event = self.seldom.remove(place as usize);
                self.happen_seldom(at, event);
            }
        }
    }

    fn happen_seldom(&mut self, at: Time, event: Seldom) {
        match event {
            Seldom::OriginTimeout { call, asked } => self.origin_timeout(at, call, asked),
            Seldom::CutTasks { since, gone, of } => self.cut_tasks(at, since, (gone, of)),
            Seldom::Token { ticket, reply } => self.token_answered(at, ticket, reply),
            Seldom::Provider { order, reply } => self.provider_answered(at, order, reply),
            Seldom::Shop(wake) => self.wake_shop(at, wake),
        }
    }
}

//! A connection at work: takes what waits, carries it out, says what came of it.

use std::sync::atomic::Ordering;

use domain::time::{Duration, Time};
use tokio::runtime::{Builder, Runtime};

use crate::inventory::postgres::Shared;
use crate::inventory::postgres::calls::Hand;
use crate::inventory::postgres::counts::add;
use crate::inventory::postgres::queue::{Job, Rest, Work};
use crate::inventory::postgres::session::{CONNECT, Failure, Session};
use crate::inventory::stock::{Notice, tell};
use crate::rules::{Asker, InventoryCall, InventoryReply, OrderRow};

/// After a connection could not be made, what waits is answered at once for so long \[A\]: a
/// database that is gone is not asked for each call.
const CONNECT_EVERY: Duration = Duration::from_millis(200);

/// The connection of one thread, made when it is needed.
pub(super) struct Link {
    runtime: Runtime,
    session: Option<Session>,
    /// When it may be tried again to connect.
    next_try: Time,
}

/// What is done once more, over a new connection, when the old one turns out to be broken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// What was not begun: nothing may be done twice.
    NotBegun,
    /// Everything: it only reads.
    Everything,
}

/// What was asked was not done, or nobody knows.
#[derive(Debug)]
pub(super) struct Undone;

/// Works until nothing more will come.
pub(super) fn work(shared: &Shared) {
    let mut link = Link::new();
    while let Some(job) = shared.next() {
        shared.counts.waited(shared.plan.clock.now().since(job.asked));
        shared.counts.busy.fetch_add(1, Ordering::Relaxed);
        carry_out(shared, &mut link, job);
        shared.counts.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

fn carry_out(shared: &Shared, link: &mut Link, Job { number, work, .. }: Job) {
    match work {
        Work::Order { order, record, call } => {
            let asked = (record.as_deref(), call);
            let done = link
                .with(shared, Again::NotBegun, &async |hand: &mut Hand<'_>| ask(hand, asked).await);
            if call.is_some_and(changes) {
                // Before anybody is told: who knows of a change never reads what was before it.
                shared.view.committed();
            }
            let unwritten = record.filter(|_| done.is_err());
            let rest = shared.change(|queue, at| queue.finished(at, (number, order), unwritten));
            shared.done.notify_all();
            match rest {
                Rest::Nothing => tell(&shared.notices, Notice::Recorded(order)),
                Rest::Unwritten => tell(&shared.notices, Notice::Unrecorded(order)),
                Rest::UnderWay => {}
            }
            if call.is_some() {
                let reply = done.ok().flatten().unwrap_or(InventoryReply::Failed);
                tell(&shared.notices, Notice::Reply { asker: Asker::Order(order), reply });
            }
        }
        Work::Sweep { now } => {
            let done = link
                .with(shared, Again::NotBegun, &async |hand: &mut Hand<'_>| hand.sweep(now).await);
            let reply = done.unwrap_or(InventoryReply::Failed);
            if !matches!(&reply, InventoryReply::Swept(orders) if orders.is_empty()) {
                shared.view.committed();
            }
            shared.change(|queue, _| queue.swept(number));
            shared.done.notify_all();
            tell(&shared.notices, Notice::Reply { asker: Asker::Sweeper, reply });
        }
    }
}

async fn ask(
    hand: &mut Hand<'_>,
    (record, call): (Option<&OrderRow>, Option<InventoryCall>),
) -> Result<Option<InventoryReply>, Failure> {
    match call {
        Some(call) => hand.order(record, call).await.map(Some),
        None => hand.record_alone(record).await.map(|()| None),
    }
}

/// Whether a call changes what is free, as far as is known.
const fn changes(call: InventoryCall) -> bool {
    !matches!(call, InventoryCall::Read { .. } | InventoryCall::Sell { .. })
}

impl Link {
    /// Not yet connected.
    pub(super) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system that gave a thread gives it an event queue");
        Self { runtime, session: None, next_try: Time::ZERO }
    }

    /// What `work` reads over the connection, if there is one; nothing where it fails.
    pub(super) fn if_connected<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, Failure>,
    ) -> Option<T> {
        let session = self.session.as_mut().filter(|session| !session.is_closed())?;
        self.runtime.block_on(work(session)).ok()
    }

    /// Does `work` over the connection, made first where there is none, and `again` what may be done
    /// twice where it had broken.
    ///
    /// # Errors
    /// When it was not done, or nobody knows.
    pub(super) fn with<T>(
        &mut self,
        shared: &Shared,
        again: Again,
        work: &impl AsyncFn(&mut Hand<'_>) -> Result<T, Failure>,
    ) -> Result<T, Undone> {
        let Self { runtime, session: kept, next_try } = self;
        runtime.block_on(async {
            for _ in 0..2 {
                if kept.is_none() {
                    *kept = connect(shared, next_try).await;
                }
                let Some(session) = kept.as_mut() else { break };
                let (plan, counts) = (&shared.plan, &shared.counts);
                let mut hand = Hand { session, plan, counts };
                let failure = match work(&mut hand).await {
                    Ok(done) => return Ok(done),
                    Err(failure) => failure,
                };
                let not_begun = matches!(failure, Failure::NotBegun(_));
                if !not_begun && !kept.as_ref().is_some_and(Session::is_closed) {
                    break;
                }
                add(&counts.lost);
                *kept = None;
                if !not_begun && again == Again::NotBegun {
                    break;
                }
            }
            add(&shared.counts.failed);
            Err(Undone)
        })
    }
}

async fn connect(shared: &Shared, next_try: &mut Time) -> Option<Session> {
    let clock = shared.plan.clock;
    if clock.now() < *next_try {
        return None;
    }
    let connected = tokio::time::timeout(CONNECT, Session::open(&shared.plan.config)).await;
    let connected = connected.ok().and_then(Result::ok);
    if connected.is_none() {
        *next_try = clock.now() + CONNECT_EVERY;
    }
    connected
}

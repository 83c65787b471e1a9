//! The thread that reads: what is free, where everything is, the ledger. One query per sale however
//! many ask.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use domain::shop::ShopLine;
use domain::time::{Duration, Time};
use tokio::sync::oneshot;

use crate::inventory::Balances;
use crate::inventory::postgres::Shared;
use crate::inventory::postgres::calls::Hand;
use crate::inventory::postgres::session::Session;
use crate::inventory::postgres::worker::{Again, Link};
use crate::inventory::stock::{Notice, tell};
use crate::rules::{Asker, InventoryCall, InventoryReply};

/// How many questions are answered in one go.
const BATCH_MAX: usize = 512;

/// How long the ledger waits for what was asked before it \[A\]: a database that is gone answers
/// nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the database is asked who waits for a lock \[A\]: often enough for a storm of a second,
/// and a thousandth of what the server does.
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is to be looked at.
#[derive(Debug)]
pub(super) enum Look {
    Call {
        asker: Asker,
        call: InventoryCall,
    },
    Balances(oneshot::Sender<Balances>),
    /// The ledger, after all jobs with a smaller number.
    Lines {
        after: u64,
        sender: oneshot::Sender<Vec<ShopLine>>,
    },
}

/// Reads until nobody asks any more.
pub(super) fn read(shared: &Shared, looks: &Receiver<Look>) {
    let mut link = Link::new();
    let mut lock_look = Time::ZERO;
    loop {
        look_for_locks(shared, &mut link, &mut lock_look);
        let first = match looks.recv_timeout(LOCK_LOOK_EVERY) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut available: BTreeMap<u16, InventoryReply> = BTreeMap::new();
        let others = looks.try_iter().take(BATCH_MAX - 1);
        for look in std::iter::once(first).chain(others) {
            match look {
                Look::Call { asker, call: InventoryCall::Availability { sale } } => {
                    let known = available.entry(sale);
                    let reply = known.or_insert_with(|| see(shared, &mut link, sale)).clone();
                    tell(&shared.notices, Notice::Reply { asker, reply });
                }
                Look::Call { call, .. } => {
                    unreachable!("an order's calls and sweeps have a queue of their own: {call:?}")
                }
                Look::Balances(sender) => {
                    let plan = &shared.plan;
                    let work = async |hand: &mut Hand<'_>| plan.balances(hand.session).await;
                    if let Ok(balances) = link.with(shared, Again::Everything, &work) {
                        // Who asked may have gone.
                        let _ = sender.send(balances);
                    }
                }
                Look::Lines { after, sender } => {
                    wait_until_done(shared, after);
                    let plan = &shared.plan;
                    let work = async |hand: &mut Hand<'_>| {
                        let after = Box::new(plan.view(hand.session).await?);
                        let mut lines = plan.lines(hand.session).await?;
                        lines.push(ShopLine::Database { before: plan.before.clone(), after });
                        Ok(lines)
                    };
                    if let Ok(lines) = link.with(shared, Again::Everything, &work) {
                        let _ = sender.send(lines);
                    }
                }
            }
        }
    }
}

/// Asks who waits for a lock, if it is time and somebody is at work. A look that fails is none.
fn look_for_locks(shared: &Shared, link: &mut Link, next: &mut Time) {
    let now = shared.plan.clock.now();
    if now < *next || shared.counts.busy.load(Ordering::Relaxed) == 0 {
        return;
    }
    *next = now + LOCK_LOOK_EVERY;
    let plan = &shared.plan;
    let waits = link.if_connected(async |session: &mut Session| plan.lock_waits(session).await);
    if let Some(waits) = waits {
        shared.counts.saw_lock_waits(waits);
    }
}

/// What is free in a sale now.
fn see(shared: &Shared, link: &mut Link, sale: u16) -> InventoryReply {
    let (plan, commits) = (&shared.plan, shared.view.commits());
    let work = async |hand: &mut Hand<'_>| plan.available(hand.session, sale).await;
    match link.with(shared, Again::Everything, &work) {
        Ok(reply) => {
            shared.view.read(sale, commits, reply.clone());
            reply
        }
        Err(_) => InventoryReply::Failed,
    }
}

/// Waits for every job with a smaller number, if that does not take too long.
fn wait_until_done(shared: &Shared, number: u64) {
    let queue = shared.queue();
    let waits = |queue: &mut super::queue::Queue| !queue.is_done_before(number);
    let waited = shared.done.wait_timeout_while(queue, PATIENCE, waits);
    drop(waited.expect("who locks the queue does not panic"));
}

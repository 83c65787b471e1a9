//! The origin, as the edge sees it: in the same process, or over a link to its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use domain::shop::{ShopReply, ShopRequest, ShopSnapshot};
use tokio::sync::{mpsc, oneshot};

use crate::rules::Ticket;
use crate::server::Counters;
use crate::server::desk::{Answer, Message};
use crate::server::link::hub::Hub;
use crate::server::link::spoke::Question;
use crate::server::nginx::Nginx;
use crate::server::pages::{Page, Pages};
use crate::server::said::{Content, Said};

/// Where the shop itself is. Nothing comes from one that is shutting down.
#[derive(Debug)]
pub(super) enum Origin {
    /// In this process.
    Here(Arc<Office>),
    /// At the other end of a link.
    There(mpsc::UnboundedSender<Question>),
}

impl Origin {
    /// A request of a fan.
    pub(super) async fn ask(&self, request: ShopRequest) -> Option<Said> {
        match self {
            Self::Here(office) => office.ask(request).await.as_ref().map(Said::reply),
            Self::There(link) => question(link, |to| Question::Ask(request, to)).await,
        }
    }

    /// A page that the cache wants to have, for this one of its tickets.
    pub(super) fn fetch(&self, page: Page, ticket: Ticket) {
        // An origin that is gone drops the receiver's other end, which is seen there.
        match self {
            Self::Here(office) => drop(office.desk.send(Message::Fetch(page, ticket))),
            Self::There(link) => drop(link.send(Question::Fetch(page, ticket))),
        }
    }

    /// What the shop says of itself now.
    pub(super) async fn snapshot(&self) -> Option<Said> {
        match self {
            Self::Here(office) => office.snapshot().await,
            Self::There(link) => question(link, Question::Snapshot).await,
        }
    }

    /// All that the shop wrote down.
    pub(super) async fn ledger(&self) -> Option<Said> {
        match self {
            Self::Here(office) => office.ledger().await,
            Self::There(link) => question(link, Question::Ledger).await,
        }
    }
}

async fn question(
    link: &mpsc::UnboundedSender<Question>,
    question: impl FnOnce(oneshot::Sender<Said>) -> Question,
) -> Option<Said> {
    let (sender, receiver) = oneshot::channel();
    link.send(question(sender)).ok()?;
    receiver.await.ok()
}

/// The way to the desk, and to the edge's processes that have counted for themselves.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) desk: mpsc::UnboundedSender<Message>,
    pub(super) counters: Arc<Counters>,
    /// The cache of this process: that of the edge, where there are no others.
    pub(super) pages: Arc<Pages>,
    pub(super) hub: Hub,
    /// What stands in front, where something does.
    pub(super) nginx: Option<Nginx>,
}

impl Office {
    async fn ask(&self, request: ShopRequest) -> Option<ShopReply> {
        self.desk(|to| Message::Request(request, Answer::Here(to))).await
    }

    /// What the shop says of itself now, with the requests that every process of the edge counted.
    pub(super) async fn snapshot(&self) -> Option<Said> {
        let counted = self.hub.count().await?;
        let (snapshot, balances) = self.desk(Message::Snapshot).await?;
        let balances = balances.await.ok()?;
        let origin = self.counters.origin.load(Ordering::Relaxed) + counted.origin;
        let mut points = self.pages.counts();
        points += counted.cache;
        let caches = self.pages.told(self.hub.processes().max(1), points);
        let snapshot = ShopSnapshot {
            caches,
            edge: self.at_the_edge().await + counted.edge,
            origin,
            items: balances.items,
            slots: balances.slots,
            ..snapshot
        };
        let body = serde_json::to_vec(&snapshot).expect("a snapshot can always be written");
        Some(Said::new(Bytes::from(body)))
    }

    /// How many requests of fans have reached the edge of this process, or that in front of it.
    async fn at_the_edge(&self) -> u64 {
        let Some(nginx) = &self.nginx else { return self.counters.edge.load(Ordering::Relaxed) };
        let beside = self.counters.beside.load(Ordering::Relaxed);
        nginx.requests().await.saturating_sub(beside)
    }

    /// All that the shop wrote down, a line each.
    pub(super) async fn ledger(&self) -> Option<Said> {
        let (lines, holds) = self.desk(Message::Ledger).await?;
        let lines = lines.await.ok()?;
        let mut body = Vec::new();
        for line in lines.into_iter().chain(holds) {
            serde_json::to_writer(&mut body, &line).expect("a ledger line can always be written");
            body.push(b'\n');
        }
        Some(Said { content: Content::Lines, ..Said::new(Bytes::from(body)) })
    }

    async fn desk<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.desk.send(message(sender)).ok()?;
        receiver.await.ok()
    }
}

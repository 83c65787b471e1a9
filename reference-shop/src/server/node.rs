//! The edge's own processes: how the origin starts them, and what each of them does.
//!
//! A process of the edge is this program once more, with the link to the origin as its standard
//! input. It ends when the origin ends; when one of them ends, so does the shop.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::server::date::Date;
use crate::server::http::Front;
use crate::server::link::Hello;
use crate::server::link::spoke::Link;
use crate::server::origin::Origin;
use crate::server::pages::Pages;
use crate::server::{Counters, connection, machine, tls};

/// The processes of the edge; they end when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Nodes(Vec<Child>);

impl Nodes {
    /// Starts `count` processes as this one was started, but for the word that makes them the
    /// edge's; and the links to them.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(super) fn start(count: u16) -> anyhow::Result<(Self, Vec<UnixStream>)> {
        let program = std::env::current_exe().context("find the own program")?;
        let (mut nodes, mut links) = (Self::default(), Vec::new());
        for _ in 0..count {
            let (ours, theirs) = StdStream::pair().context("make a link to the edge")?;
            let child = Command::new(&program)
                .args(std::env::args_os().skip(1))
                .arg("--edge-node")
                // The terminal's Ctrl-C is for the origin, which ends the edge.
                .process_group(0)
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .spawn()
                .context("start a process of the edge")?;
            nodes.0.push(child);
            links.push(asynchronous(ours).context("make a link to the edge")?);
        }
        Ok((nodes, links))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It has nothing to write down; one that has ended already is waited for all the same.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Is a process of the edge until the origin ends.
///
/// # Errors
/// When the link is none, breaks, or the edge cannot listen.
pub(super) fn run() -> anyhow::Result<()> {
    ::machine::raise_descriptor_limit();
    let link = rustix::stdio::stdin().try_clone_to_owned().context("take the link")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("start the loop")?.block_on(async {
        let link = asynchronous(StdStream::from(link)).context("take the link")?;
        serve(link).await
    })
}

/// Serves the edge's connections until the origin at the other end of `link` ends.
///
/// # Errors
/// When the link breaks, or the edge cannot listen.
pub(super) async fn serve(link: UnixStream) -> anyhow::Result<()> {
    let (link, hello) = Link::greet(link).await.context("hear from the origin")?;
    let Hello { listen, identity, catalogue, edge, began_utc_ns } = hello;
    let tls = identity.as_ref().map(tls::acceptor).transpose().context("begin to speak TLS")?;
    let listener = TcpListener::from_std(machine::listen_with_others(listen)?).context("listen")?;
    let (ask, questions) = mpsc::unbounded_channel();
    let front = Arc::new(Front {
        clock: Clock::new(Some(began_utc_ns)),
        pages: Arc::new(Pages::new(&catalogue, edge)),
        catalogue,
        counters: Arc::new(Counters::default()),
        origin: Origin::There(ask),
        date: Date::default(),
    });
    tokio::select! {
        ended = link.serve(&front, questions) => ended.context("keep the link to the origin"),
        never = connection::accept(&listener, tls, Arc::clone(&front)) => match never {},
    }
}

fn asynchronous(link: StdStream) -> io::Result<UnixStream> {
    link.set_nonblocking(true)?;
    UnixStream::from_std(link)
}

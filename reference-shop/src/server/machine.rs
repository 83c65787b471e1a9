//! What the shop needs of the machine: a listener, the word to end.

use std::future::Future;
use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How many connections the kernel may keep ready; it takes as many as it allows.
const BACKLOG: i32 = 65_535;

/// Listens at `address`; port 0 takes a free one.
///
/// # Errors
/// When the address is taken, or not this machine's.
pub(super) fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = bound(address, Sharing::Alone)?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    };
    listen().map_err(|error| explained(error, address))
}

/// Listens at `address` beside others who do so: the kernel gives each connection to one of them.
///
/// # Errors
/// When the address is taken by somebody who does not share it.
pub(super) fn listen_with_others(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = bound(address, Sharing::WithOthers)?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    };
    listen().map_err(|error| explained(error, address))
}

/// An address that is kept for those who listen there together.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) address: SocketAddr,
    _socket: Socket,
}

/// Takes `address` for processes of the own, without listening; port 0 takes a free one.
///
/// # Errors
/// When the address is taken, or not this machine's.
pub(super) fn keep(address: SocketAddr) -> anyhow::Result<Kept> {
    let keep = || {
        // It is taken alone, so that nobody else's port is shared by mistake, and shared then.
        let socket = bound(address, Sharing::Alone)?;
        socket.set_reuse_port(true)?;
        let address = socket.local_addr()?.as_socket();
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Kept { address, _socket: socket })
    };
    keep().map_err(|error| explained(error, address))
}

/// Whether others may listen at the same address.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Sharing {
    Alone,
    WithOthers,
}

fn bound(address: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(sharing == Sharing::WithOthers)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn explained(error: io::Error, address: SocketAddr) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "listen on {address}: the port is in use\nhint: end who uses it, or pass \
             `--listen {}:0` for a free port",
            address.ip()
        ),
        _ => anyhow!(error).context(format!("listen on {address}")),
    }
}

/// Whether the end of standard input is the word to end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum StdinWatch {
    Watched,
    Ignored,
}

/// Comes back when the process is told to end: by SIGINT or SIGTERM, or, if so asked, when standard
/// input closes.
///
/// # Errors
/// When the signals cannot be listened to.
pub(super) fn told_to_end(watch: StdinWatch) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen to SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen to SIGTERM")?;
    let closed = match watch {
        StdinWatch::Watched => Some(stdin_closes()),
        StdinWatch::Ignored => None,
    };
    Ok(async move {
        let closed = async {
            match closed {
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = closed => {}
        }
    })
}

/// Hears of the end of standard input. A read of it cannot be called off, so the thread ends with
/// the process.
fn stdin_closes() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut ignored = [0; 512];
        while io::stdin().read(&mut ignored).is_ok_and(|length| length > 0) {}
        // A shop that ended before does not listen.
        let _ = sender.send(());
    });
    receiver
}

/// A database nobody asked to keep: deleted at the end.
#[derive(Debug)]
pub(super) struct Scrap {
    path: PathBuf,
}

impl Scrap {
    /// A name for a temporary database of this process and of the run that began at
    /// `began_utc_ns` \[ns\].
    pub(super) fn new(began_utc_ns: u64) -> Self {
        let name = format!("reference-shop-{}-{began_utc_ns}.db", std::process::id());
        Self { path: std::env::temp_dir().join(name) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            // What cannot be deleted, or was never there, is left to the system's own sweep.
            let _ = std::fs::remove_file(path);
        }
    }
}

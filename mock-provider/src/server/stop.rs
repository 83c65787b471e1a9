//! When the server ends: on a signal, or when its parent goes.

use std::io::{self, Read};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Whether the server ends with its standard input.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Stdin {
    /// It does: whoever started it holds the other end, and may die without a word.
    Watched,
    /// It does not.
    Ignored,
}

/// Listens for SIGINT and SIGTERM at once, and gives what waits for them, or for the end of
/// standard input.
///
/// # Errors
/// When the signals cannot be listened for.
pub(super) fn asked_to_stop(stdin: Stdin) -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stdin_closes = async move {
        match stdin {
            // An error would mean that the thread is gone: nothing is left to wait for.
            Stdin::Watched => drop(watch_stdin().await),
            Stdin::Ignored => std::future::pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = stdin_closes => {}
        }
    })
}

/// A thread of its own that nobody joins: a blocked read of standard input cannot be called off.
fn watch_stdin() -> oneshot::Receiver<()> {
    let (sender, closed) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut ignored = [0; 256];
        while stdin.read(&mut ignored).is_ok_and(|bytes| bytes > 0) {}
        // Nobody listens any more when a signal came first.
        let _ = sender.send(());
    });
    closed
}

//! Asks the shop what it says of itself, on a thread of its own: never on a load loop.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use domain::shop::ShopSnapshot;
use domain::time::{Duration, Time};

use crate::live::LiveError;
use crate::live::admin::{Admin, AdminError, with_causes};
use crate::live::clock::Clock;
use crate::measure::recorder::Recorder;

/// How long one snapshot may take; a shop in trouble answers late, and the next is asked then.
const PATIENCE: Duration = Duration::from_secs(5);

/// A snapshot, or why there is none.
type Answer = Result<ShopSnapshot, String>;

/// The shop's snapshots, and why the latest could not be had.
#[derive(Debug)]
pub(super) struct Survey {
    surveyor: Surveyor,
    unheard: Option<String>,
}

impl Survey {
    /// Begins to ask the shop at `address` by `admin`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        admin: Admin,
        address: SocketAddr,
        clock: Clock,
    ) -> Result<Self, AdminError> {
        Ok(Self { surveyor: Surveyor::start(admin, address, clock)?, unheard: None })
    }

    /// Why the latest snapshot could not be had.
    pub(super) fn unheard(&self) -> Option<&str> {
        self.unheard.as_deref()
    }

    /// Asks for a snapshot, unless one is being waited for.
    pub(super) fn ask(&mut self) {
        self.surveyor.ask();
    }

    /// Writes down the snapshots that have come.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn collect(&mut self, recorder: &mut Recorder) -> Result<(), LiveError> {
        while let Some(answer) = self.surveyor.answer() {
            self.record(answer, recorder)?;
        }
        Ok(())
    }

    /// Asks for a snapshot of now and writes it down; whether the shop is at rest in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn now(&mut self, recorder: &mut Recorder) -> Result<bool, LiveError> {
        while let Some(answer) = self.surveyor.wait() {
            self.record(answer, recorder)?;
        }
        self.surveyor.ask();
        match self.surveyor.wait() {
            Some(answer) => self.record(answer, recorder),
            None => Ok(false),
        }
    }

    fn record(&mut self, answer: Answer, recorder: &mut Recorder) -> Result<bool, LiveError> {
        match answer {
            Ok(snapshot) => {
                recorder.snapshot(&snapshot).map_err(LiveError::Record)?;
                self.unheard = None;
                Ok(is_at_rest(&snapshot))
            }
            Err(why) => {
                self.unheard = Some(why);
                Ok(false)
            }
        }
    }
}

/// A thread that asks for snapshots, one at a time; it ends when this is dropped.
#[derive(Debug)]
struct Surveyor {
    requests: Option<Sender<()>>,
    answers: Receiver<Answer>,
    outstanding: usize,
    thread: Option<thread::JoinHandle<()>>,
}

impl Surveyor {
    /// Starts the thread; it asks the shop at `address` by `admin`.
    ///
    /// # Errors
    /// When the system gives no thread.
    fn start(admin: Admin, address: SocketAddr, clock: Clock) -> Result<Self, AdminError> {
        let (requests, asked) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        let work = move || {
            for () in asked {
                if answered.send(survey(&admin, address, clock)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("surveyor".to_owned())
            .spawn(work)
            .map_err(AdminError::Runtime)?;
        Ok(Self { requests: Some(requests), answers, outstanding: 0, thread: Some(thread) })
    }

    /// Asks for a snapshot, unless one is being waited for.
    fn ask(&mut self) {
        if self.outstanding == 0
            && let Some(requests) = &self.requests
            && requests.send(()).is_ok()
        {
            self.outstanding += 1;
        }
    }

    /// The snapshot that has come, if one has; why there is none, if it failed.
    fn answer(&mut self) -> Option<Answer> {
        let answer = self.answers.try_recv().ok()?;
        self.outstanding -= 1;
        Some(answer)
    }

    /// Waits for the snapshot that was asked for; `None` when none was.
    fn wait(&mut self) -> Option<Answer> {
        if self.outstanding == 0 {
            return None;
        }
        self.outstanding -= 1;
        Some(self.answers.recv().unwrap_or_else(|_| Err("the surveyor has ended".to_owned())))
    }
}

impl Drop for Surveyor {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed; there is nothing to add while dropping.
            let _ = thread.join();
        }
    }
}

fn survey(admin: &Admin, address: SocketAddr, clock: Clock) -> Answer {
    let asked = clock.now();
    let request = admin.get(address, "/admin/snapshot").timeout(PATIENCE);
    let read = async { request.send().await?.error_for_status()?.json::<ShopSnapshot>().await };
    let snapshot = admin.wait(read).map_err(|error| with_causes(&error))?;
    let at = on_our_clock(snapshot.at, asked, clock.now());
    Ok(ShopSnapshot { at, ..snapshot })
}

/// The shop's own time of a snapshot where it can be true by our clock, between question and
/// answer; a shop that was started on its own counts from another beginning, and then the answer's
/// time stands for it.
fn on_our_clock(said: Time, asked: Time, answered: Time) -> Time {
    if asked <= said && said <= answered { said } else { answered }
}

/// Whether the shop says that nothing is under way and nothing held.
fn is_at_rest(snapshot: &ShopSnapshot) -> bool {
    let mut balances = snapshot.items.values().chain(snapshot.slots.values());
    snapshot.pending == 0 && balances.all(|balance| balance.held == 0)
}

#[cfg(test)]
mod tests {
    use domain::shop::Balance;

    use super::*;

    #[test]
    fn a_shop_is_at_rest_when_nothing_is_pending_or_held() {
        let mut snapshot = ShopSnapshot::default();
        let sold = Balance { free: 0, held: 0, sold: 9 };
        snapshot.items.insert("tee".to_owned(), sold);
        snapshot.slots.insert("day-1/noon".to_owned(), sold);
        assert!(is_at_rest(&snapshot));
        assert!(!is_at_rest(&ShopSnapshot { pending: 1, ..snapshot.clone() }));
        snapshot.slots.insert("day-1/one".to_owned(), Balance { held: 1, ..sold });
        assert!(!is_at_rest(&snapshot));
    }

    #[test]
    fn a_snapshot_is_dated_by_our_clock() {
        let [one, two, three] = [1, 2, 3].map(Time::from_millis);
        assert_eq!(on_our_clock(two, one, three), two);
        assert_eq!(on_our_clock(one, two, three), three);
        assert_eq!(on_our_clock(Time::NEVER, two, three), three);
    }
}

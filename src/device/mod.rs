//! A device that holds a connection open: it connects, sends its messages, and connects again when the
//! connection is lost. Like a fan it is told what happened and answers with the one thing it does next.

mod reconnect;

pub use reconnect::{Doubles, Ocpp, Reconnect};

use domain::draw::{Draw, Purpose, draw_for};
use domain::time::{Duration, Time, duration_from_seconds};

/// What devices of a kind have in common.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Habits {
    /// Their draws hang on this.
    pub seed: u64,
    /// How long a device waits for an attempt to be accepted and for an answer to a message, before it
    /// gives up the connection.
    pub timeout: Duration,
    /// How long its way to the server and back is: what it decides to ask for is there so much later.
    pub network: Duration,
    /// When it tries again.
    pub reconnect: Reconnect,
    /// How far its heartbeats are apart; absent: it sends none.
    pub heartbeat: Option<Duration>,
    /// How far its status messages are apart in the mean, exponentially; absent: it sends none.
    pub status: Option<Duration>,
    /// How long a connection lasts by itself in the mean, exponentially; absent: until it is closed.
    pub lifetime: Option<Duration>,
}

/// What a device is told.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Its sleep is over.
    Woke,
    /// Its attempt was accepted: it has a connection.
    Accepted,
    /// Its attempt was refused.
    Refused,
    /// Its deadline has passed: nobody accepted, or answered.
    TimedOut,
    /// Its message was answered.
    Answered,
    /// Its connection was closed, or broke.
    Lost,
}

/// The one thing a device does next.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does nothing until then.
    Sleep {
        /// When it is woken; never, where there is nothing that it would do.
        until: Time,
    },
    /// It asks to be connected.
    Connect {
        /// When it gives up.
        deadline: Time,
        /// Which attempt it is since the connection was lost, from 0.
        attempt: u32,
    },
    /// It sends a message over its connection.
    Send {
        /// Which.
        message: Message,
        /// When it gives the connection up.
        deadline: Time,
    },
}

/// What a device sends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// It is there.
    Heartbeat,
    /// How it is.
    Status,
}

/// One device. It has at most one thing outstanding, as the Open Charge Point Protocol asks of its messages.
#[derive(Clone, Debug)]
pub struct Device {
    number: u32,
    draws: u32,
    state: State,
    /// The attempts that failed since the connection was lost.
    failed: u32,
    /// How long it waited before the last attempt since then.
    paused: Option<Duration>,
    /// When its next messages are due, and its connection ends by itself.
    heartbeat: Time,
    status: Time,
    ends: Time,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// It has no connection, and waits before it tries.
    Away,
    /// It has asked for one.
    Connecting,
    /// It has one, and nothing is outstanding.
    Connected,
    /// It waits for an answer.
    Asking(Message),
}

impl Device {
    /// A device that has had its connection for a while when the run begins, and when it does something
    /// first.
    pub fn connected(number: u32, habits: &Habits) -> (Self, Action) {
        let mut device = Self {
            number,
            draws: 0,
            state: State::Connected,
            failed: 0,
            paused: None,
            heartbeat: Time::NEVER,
            status: Time::NEVER,
            ends: Time::NEVER,
        };
        if let Some(every) = habits.heartbeat {
            // It is anywhere between two of them.
            let phase = device.draw(habits, Purpose::Heartbeat).uniform();
            device.heartbeat = Time::ZERO + duration_from_seconds(every.as_secs_f64() * phase);
        }
        device.status = device.soon(Time::ZERO, habits.status, habits, Purpose::Status);
        device.ends = device.soon(Time::ZERO, habits.lifetime, habits, Purpose::Lifetime);
        let action = device.idle(Time::ZERO);
        (device, action)
    }

    /// Told what happened, the device says what it does next.
    ///
    /// # Panics
    /// When it is told what cannot happen to it: an answer without a question, say.
    pub fn step(&mut self, at: Time, input: Input, habits: &Habits) -> Action {
        match (self.state, input) {
            (State::Away, Input::Woke) => {
                self.state = State::Connecting;
                Action::Connect { deadline: at + habits.timeout, attempt: self.failed }
            }
            (State::Connecting, Input::Accepted) => self.connect(at, habits),
            (State::Connecting, Input::Refused | Input::TimedOut) => {
                self.failed = self.failed.saturating_add(1);
                self.pause(at, habits)
            }
            (State::Connected, Input::Woke) => self.due(at, habits),
            (State::Asking(message), Input::Answered) => {
                self.answered(at, message, habits);
                self.idle(at)
            }
            (State::Connected, Input::Lost) | (State::Asking(_), Input::Lost | Input::TimedOut) => {
                self.lose(at, habits)
            }
            (state, input) => unreachable!("a device that is {state:?} was told {input:?}"),
        }
    }

    /// Whether it has a connection.
    pub const fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected | State::Asking(_))
    }

    fn connect(&mut self, at: Time, habits: &Habits) -> Action {
        self.state = State::Connected;
        self.heartbeat = habits.heartbeat.map_or(Time::NEVER, |every| at + every);
        self.status = self.soon(at, habits.status, habits, Purpose::Status);
        self.ends = self.soon(at, habits.lifetime, habits, Purpose::Lifetime);
        self.idle(at)
    }

    /// What is due is done: a message is sent, or the connection has come to its end.
    fn due(&mut self, at: Time, habits: &Habits) -> Action {
        let message = match at {
            _ if self.ends <= at => return self.lose(at, habits),
            _ if self.heartbeat <= at => Message::Heartbeat,
            _ if self.status <= at => Message::Status,
            _ => return self.idle(at),
        };
        self.state = State::Asking(message);
        Action::Send { message, deadline: at + habits.timeout }
    }

    fn answered(&mut self, at: Time, message: Message, habits: &Habits) {
        self.state = State::Connected;
        match message {
            // They keep their beat; those that a slow answer took the time of are left out.
            Message::Heartbeat => {
                let every = habits.heartbeat.unwrap_or(Duration::MAX);
                self.heartbeat = (self.heartbeat + every).max(at);
            }
            Message::Status => self.status = self.soon(at, habits.status, habits, Purpose::Status),
        }
    }

    /// It sleeps until something is due; what was due while it waited for an answer is due now.
    fn idle(&self, at: Time) -> Action {
        Action::Sleep { until: self.heartbeat.min(self.status).min(self.ends).max(at) }
    }

    fn lose(&mut self, at: Time, habits: &Habits) -> Action {
        (self.failed, self.paused) = (0, None);
        self.pause(at, habits)
    }

    fn pause(&mut self, at: Time, habits: &Habits) -> Action {
        let draw = self.draw(habits, Purpose::Backoff);
        let pause = habits.reconnect.pause(self.failed, self.paused, draw);
        (self.state, self.paused) = (State::Away, Some(pause));
        Action::Sleep { until: at + habits.network + pause }
    }

    /// A moment after `at`, exponentially by `mean`; never without one.
    fn soon(&mut self, at: Time, mean: Option<Duration>, habits: &Habits, why: Purpose) -> Time {
        let Some(mean) = mean else { return Time::NEVER };
        at + duration_from_seconds(self.draw(habits, why).exponential(mean.as_secs_f64()))
    }

    fn draw(&mut self, habits: &Habits, purpose: Purpose) -> Draw {
        self.draws = self.draws.wrapping_add(1);
        draw_for(habits.seed, u64::from(self.number), purpose, self.draws)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    /// They beat every minute, and wait 5 s twice over before they try again.
    fn habits() -> Habits {
        Habits {
            seed: 7,
            timeout: s(20),
            network: Duration::ZERO,
            reconnect: Reconnect::Fixed { every: s(5) },
            heartbeat: Some(s(60)),
            status: None,
            lifetime: None,
        }
    }

    #[test]
    fn a_device_is_small() {
        assert!(size_of::<Device>() <= 72, "{}", size_of::<Device>());
    }

    #[test]
    fn it_beats_loses_its_connection_and_comes_back() {
        let habits = habits();
        let (mut device, first) = Device::connected(3, &habits);
        let Action::Sleep { until } = first else { panic!("{first:?}") };
        assert!(until < at(60) && device.is_connected());
        let Action::Send { message: Message::Heartbeat, deadline } =
            device.step(until, Input::Woke, &habits)
        else {
            panic!("{device:?}")
        };
        assert_eq!(deadline, until + s(20));
        let next = device.step(until + s(1), Input::Answered, &habits);
        assert_eq!(next, Action::Sleep { until: until + s(60) }, "the beat is kept");
        assert_eq!(device.step(at(100), Input::Lost, &habits), Action::Sleep { until: at(105) });
        assert!(!device.is_connected());
        let connects = |deadline, attempt| Action::Connect { deadline: at(deadline), attempt };
        assert_eq!(device.step(at(105), Input::Woke, &habits), connects(125, 0));
        assert_eq!(
            device.step(at(125), Input::TimedOut, &habits),
            Action::Sleep { until: at(130) }
        );
        assert_eq!(device.step(at(130), Input::Woke, &habits), connects(150, 1));
        assert_eq!(device.step(at(130), Input::Refused, &habits), Action::Sleep { until: at(135) });
        assert_eq!(device.step(at(135), Input::Woke, &habits), connects(155, 2));
        assert_eq!(
            device.step(at(140), Input::Accepted, &habits),
            Action::Sleep { until: at(200) }
        );
        assert!(device.is_connected());
        // The next time it begins at the beginning.
        device.step(at(150), Input::Lost, &habits);
        assert_eq!(device.step(at(155), Input::Woke, &habits), connects(175, 0));
    }

    #[test]
    fn a_heartbeat_without_an_answer_is_a_lost_connection() {
        let habits = habits();
        let (mut device, first) = Device::connected(3, &habits);
        let Action::Sleep { until } = first else { panic!("{first:?}") };
        device.step(until, Input::Woke, &habits);
        let next = device.step(until + s(20), Input::TimedOut, &habits);
        assert_eq!(next, Action::Sleep { until: until + s(25) });
        assert!(!device.is_connected());
    }

    #[test]
    fn a_connection_ends_by_itself_after_its_lifetime_in_the_mean() {
        let habits = Habits { lifetime: Some(s(600)), heartbeat: None, ..habits() };
        let ends = (0..20_000).map(|number| match Device::connected(number, &habits).1 {
            Action::Sleep { until } => until.seconds(),
            other => panic!("{other:?}"),
        });
        let mean = ends.sum::<f64>() / 20_000.0;
        assert!((mean / 600.0 - 1.0).abs() < 0.03, "{mean}");
    }

    proptest! {
        /// Whatever happens to it, a device does one thing after the other and never in the past.
        #[test]
        fn it_always_goes_on(choices in proptest::collection::vec((0_u8..4, 0_u64..40), 1..200)) {
            let habits = Habits { status: Some(s(30)), lifetime: Some(s(300)), ..habits() };
            let (mut device, mut action) = Device::connected(9, &habits);
            let mut now = Time::ZERO;
            for (choice, after) in choices {
                let later = now + s(after);
                let (input, when) = match (action, choice) {
                    _ if device.is_connected() && choice == 0 => (Input::Lost, later),
                    (Action::Sleep { until }, _) => (Input::Woke, until),
                    (Action::Connect { .. }, 1) => (Input::Accepted, later),
                    (Action::Connect { .. }, 2) => (Input::Refused, later),
                    (Action::Send { .. }, 1 | 2) => (Input::Answered, later),
                    (Action::Connect { deadline, .. } | Action::Send { deadline, .. }, _) => {
                        (Input::TimedOut, deadline)
                    }
                };
                now = when.max(now);
                action = device.step(now, input, &habits);
                let next = match action {
                    Action::Sleep { until } => until,
                    Action::Connect { deadline, .. } | Action::Send { deadline, .. } => deadline,
                };
                prop_assert!(next >= now, "{next} is before {now}");
            }
        }
    }
}

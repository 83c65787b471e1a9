//! The date of an answer, written once a second.

use std::sync::Mutex;

use crate::clock::{Clock, http_date};

/// How long a date of HTTP is \[bytes\], such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) const DATE_LENGTH: usize = 29;

/// The date that was written last.
#[derive(Debug)]
pub(super) struct Date(Mutex<Written>);

#[derive(Debug)]
struct Written {
    utc_s: u64,
    text: [u8; DATE_LENGTH],
}

impl Date {
    /// The date by `clock`.
    pub(super) fn at(&self, clock: Clock) -> [u8; DATE_LENGTH] {
        let utc_s = clock.now_utc_s();
        let mut written = self.0.lock().expect("who locks the date does not panic");
        if written.utc_s != utc_s {
            *written = Written::of(utc_s);
        }
        written.text
    }
}

impl Default for Date {
    fn default() -> Self {
        Self(Mutex::new(Written::of(0)))
    }
}

impl Written {
    fn of(utc_s: u64) -> Self {
        let text = http_date(utc_s).as_bytes().try_into();
        Self { utc_s, text: text.expect("a date of HTTP has one length until the year 10,000") }
    }
}

//! The provider that most tests begin with, and whose settings they change one at a time.

use domain::law::Law;
use mock_provider::settings::{Latency, Overrides, Settings};

/// A provider that declines nobody, limits nobody and takes no time.
pub(crate) fn settings() -> Settings {
    Settings {
        limits: Vec::new(),
        declines: 0.0,
        latency: Latency::every(Law::default()),
        ..Overrides::default().resolve(7).unwrap()
    }
}

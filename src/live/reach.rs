//! Whether anybody is there, before fans are sent.

use domain::time::Duration;

use super::abroad::Abroad;
use super::admin::{Admin, root_cause, with_causes};
use super::clock::Clock;
use super::connection::{self, Dialer};
use super::{LiveError, Settings, Target};
use crate::scenario::Wire;

/// How long the first probe may take before the target counts as refusing.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// A client of a shop that speaks the reference shop's interface, which answers.
pub(super) fn ask_reference(
    dialer: &Dialer,
    settings: &Settings,
    target: &Target,
) -> Result<Admin, LiveError> {
    let admin = Admin::new(settings.wire.tls, target)?;
    if settings.wire != Wire::default() {
        probe_wire(dialer, target, settings.clock)?;
    }
    probe(&admin, target)?;
    Ok(admin)
}

/// Connects once to each host of a foreign shop's funnel, and asks nothing: what a request does
/// there is not known.
pub(super) fn reach(dialer: &Dialer, abroad: &Abroad, clock: Clock) -> Result<(), LiveError> {
    for (number, host) in abroad.hosts.iter().enumerate() {
        connection::reach(dialer, number, clock, PROBE_PATIENCE).map_err(|error| {
            let host = host.origin();
            match error.certificate() {
                Some(why) => LiveError::Untrusted { host, why },
                None if error.is_of_tls() => LiveError::Insecure { host, why: with_causes(&error) },
                None => LiveError::HostRefuses { host, why: with_causes(&error) },
            }
        })?;
    }
    Ok(())
}

/// Whatever the shop answers to its first question is an answer; only silence is a refusal.
fn probe(admin: &Admin, target: &Target) -> Result<(), LiveError> {
    let request = admin
        .get(target.shop, "/sales/0/status")
        .header(reqwest::header::HOST, &target.host)
        .timeout(PROBE_PATIENCE);
    match admin.wait(async { request.send().await }) {
        Ok(_) => Ok(()),
        Err(error) => {
            let why = root_cause(&error);
            Err(LiveError::TargetRefuses { address: target.shop, why })
        }
    }
}

/// The probe speaks HTTP/1.1: whether another way of speaking is understood is asked before, for a
/// shop that never does would look like one that fails.
fn probe_wire(dialer: &Dialer, target: &Target, clock: Clock) -> Result<(), LiveError> {
    connection::probe(dialer, &target.host, clock, PROBE_PATIENCE).map_err(|error| {
        LiveError::TargetRefuses { address: target.shop, why: with_causes(&error) }
    })
}

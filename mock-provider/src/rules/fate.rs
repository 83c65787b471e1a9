//! What becomes of a payment: a function of seed, reference, card, key and operation, and never of
//! the order of arrival, so that both worlds see the same fates.

use domain::draw::{Purpose, draw_for, number_of};
use domain::provider::{Call, PaymentRequest};
use domain::time::Duration;

use crate::settings::Settings;

/// Why cards are declined, and how often relative to each other. The mix is an assumption: of ten
/// declines six, two, one and one.
const DECLINE_CODES: [(&str, f64); 4] = [
    ("insufficient_funds", 0.6),
    ("generic_decline", 0.2),
    ("incorrect_cvc", 0.1),
    ("expired_card", 0.1),
];

/// Why the card is declined, if it is. The same card of the same purchase intent always meets the
/// same fate; another card is another chance.
pub(super) fn decline(settings: &Settings, reference: &str, card: u32) -> Option<&'static str> {
    let draw = draw_for(settings.seed, number_of(reference), Purpose::Decline, card);
    if !draw.chance(settings.declines) {
        return None;
    }
    // Given a decline, the draw is uniform below `declines`: it also decides why.
    let mut left = draw.uniform() / settings.declines;
    let reason = DECLINE_CODES.iter().find(|(_, share)| {
        left -= share;
        left < 0.0
    });
    Some(reason.unwrap_or(&DECLINE_CODES[0]).0)
}

/// How long the call takes.
pub(super) fn latency(settings: &Settings, request: &PaymentRequest) -> Duration {
    let law = settings.latency.of(request.call.operation());
    law.sample(draw(settings, request, Purpose::ProviderLatency))
}

/// How long an answer takes that executes nothing.
pub(super) fn round_trip(settings: &Settings, request: &PaymentRequest) -> Duration {
    settings.latency.refusal.sample(draw(settings, request, Purpose::RefusalLatency))
}

/// Whether the call takes effect but is never answered.
pub(super) fn hangs(settings: &Settings, request: &PaymentRequest) -> bool {
    draw(settings, request, Purpose::ProviderFault).chance(settings.hangs)
}

fn draw(settings: &Settings, request: &PaymentRequest, purpose: Purpose) -> domain::draw::Draw {
    // The operation's place in the hash: never change one.
    let operation = match request.call {
        Call::Authorize { .. } => 0,
        Call::Capture { .. } => 1,
        Call::Void { .. } => 2,
        Call::Refund { .. } => 3,
        Call::Retrieve { .. } => 4,
    };
    draw_for(settings.seed, number_of(&request.key), purpose, operation)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::settings::Overrides;

    fn settings(declines: f64) -> Settings {
        Overrides { declines: Some(declines), ..Overrides::default() }.resolve(7).unwrap()
    }

    #[test]
    fn cards_are_declined_as_often_as_said_and_for_the_reasons_said() {
        let settings = settings(0.05);
        let mut counts = BTreeMap::new();
        for fan in 0..100_000 {
            if let Some(code) = decline(&settings, &format!("0-{fan}"), 0) {
                *counts.entry(code).or_insert(0_u32) += 1;
            }
        }
        // Each bound is four standard deviations of the binomial law.
        for (code, share) in DECLINE_CODES {
            let mean = 5_000.0 * share;
            assert!((f64::from(counts[code]) - mean).abs() < 4.0 * mean.sqrt(), "{counts:?}");
        }
    }

    #[test]
    fn another_card_is_another_chance() {
        let settings = settings(0.5);
        let fates: Vec<_> = (0..20).map(|card| decline(&settings, "0-417", card)).collect();
        assert!(fates.contains(&None) && fates.iter().any(Option::is_some));
    }

    #[test]
    fn none_or_all_can_be_declined() {
        assert!((0..1_000).all(|card| decline(&settings(0.0), "0-417", card).is_none()));
        assert!((0..1_000).all(|card| decline(&settings(1.0), "0-417", card).is_some()));
    }
}

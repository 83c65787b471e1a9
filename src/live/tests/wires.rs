//! The same fans over each kind of connection: what they hear does not depend on what carries it.

use super::*;
use crate::scenario::{Protocol, Tls};

const WIRES: [Wire; 5] = [
    Wire { protocol: Protocol::Http1, tls: Tls::Off },
    Wire { protocol: Protocol::Http1, tls: Tls::Full },
    Wire { protocol: Protocol::Http1, tls: Tls::Resumed },
    Wire { protocol: Protocol::Http2, tls: Tls::Off },
    Wire { protocol: Protocol::Http2, tls: Tls::Resumed },
];

/// Lives `trial` over `wire` with a shop that does `deed`; what came of it, and the shop.
fn live_over(
    wire: Wire,
    trial: &Trial,
    deed: impl Fn(&Asked) -> Option<Deed> + Send + Sync + 'static,
) -> (Outcomes, RudeShop) {
    let shop = RudeShop::open_over(wire, deed);
    let trial = Trial { wire, certificate: shop.certificate.clone(), ..trial.clone() };
    (trial.live(shop.address), shop)
}

/// A deed about the first request whose line begins so.
fn once(line: &'static str, deed: Deed) -> impl Fn(&Asked) -> Option<Deed> + Send + Sync {
    move |asked| (asked.line.starts_with(line) && asked.before == 0).then(|| deed.clone())
}

#[test]
fn fans_buy_over_each_wire_and_each_connection_is_one_handshake() {
    for wire in WIRES {
        let (outcomes, shop) = live_over(wire, &Trial { fans: 12, ..Trial::default() }, |_| None);
        assert_eq!(outcomes.departures(), [Departure::Bought; 12], "{wire:?}");
        assert_eq!(shop.connections.load(Ordering::SeqCst), 12, "{wire:?}");
        assert_eq!(shop.resumed.load(Ordering::SeqCst), 0, "{wire:?}");
        assert_eq!(outcomes.run.unwrap().unreadable, [""; 0], "{wire:?}");
    }
}

#[test]
fn a_pool_of_each_wire_is_shared() {
    for wire in WIRES {
        let trial = Trial { fans: 12, connections: Connections::Pool(2), ..Trial::default() };
        let (outcomes, shop) = live_over(wire, &trial, |_| None);
        assert_eq!(outcomes.departures(), [Departure::Bought; 12], "{wire:?}");
        assert!(shop.connections.load(Ordering::SeqCst) <= 2, "{wire:?}");
    }
}

#[test]
fn answers_may_come_byte_by_byte_over_each_wire() {
    for wire in WIRES {
        let (outcomes, _) = live_over(wire, &Trial { fans: 2, ..Trial::default() }, |asked| {
            Some(Deed::Trickle(honest(&asked.line)))
        });
        assert_eq!(outcomes.departures(), [Departure::Bought; 2], "{wire:?}");
    }
}

#[test]
fn a_refusal_says_over_each_wire_when_to_come_back() {
    let answer = "HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
    for wire in WIRES {
        let (outcomes, _) =
            live_over(wire, &Trial::default(), |_| Some(Deed::Answer(answer.to_owned())));
        let (_, reply, _) = outcomes.first(Operation::Reload);
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(reply, Reply { retry_after, ..Reply::of(Outcome::RateLimited) }, "{wire:?}");
    }
}

#[test]
fn silence_is_unknown_at_the_deadline_over_each_wire() {
    for wire in WIRES {
        let timeout = Duration::from_secs(3);
        let trial = Trial { timeout, ..Trial::default() };
        let (outcomes, _) = live_over(wire, &trial, once("POST /checkout", Deed::Silence));
        let (intended, _, done, outcome) = outcomes.checkout();
        assert_eq!(outcome, Outcome::Unknown, "{wire:?}");
        assert_eq!(done, intended + timeout, "{wire:?}");
    }
}

#[test]
fn a_reset_is_unknown_of_a_purchase_and_a_question_is_asked_again_over_each_wire() {
    for wire in WIRES {
        let reset = Deed::Reset(String::new());
        let (outcomes, _) = live_over(wire, &Trial::default(), once("GET /items/0", reset.clone()));
        assert_eq!(outcomes.first(Operation::Item).1.outcome, Outcome::Ok, "{wire:?}");
        let (outcomes, _) = live_over(wire, &Trial::default(), once("POST /checkout", reset));
        assert_eq!(outcomes.checkout().3, Outcome::Unknown, "{wire:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_an_error_over_each_wire() {
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    for wire in WIRES {
        let broken = once("GET /items/0", Deed::Reset(part.to_owned()));
        let (outcomes, _) = live_over(wire, &Trial::default(), broken);
        assert_eq!(outcomes.first(Operation::Item).1.outcome, Outcome::Error, "{wire:?}");
    }
}

#[test]
fn a_fan_whose_connection_was_closed_resumes_its_own_session_if_it_may() {
    for wire in WIRES {
        let closing = |line: &str| honest(line).replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let (outcomes, shop) =
            live_over(wire, &Trial { fans: 3, ..Trial::default() }, move |asked| {
                Some(Deed::AnswerAndClose(closing(&asked.line)))
            });
        assert_eq!(outcomes.departures(), [Departure::Bought; 3], "{wire:?}");
        let made = shop.connections.load(Ordering::SeqCst);
        let resumed = shop.resumed.load(Ordering::SeqCst);
        assert!(made >= 3 * 7, "{wire:?}: every call had its own connection, of {made}");
        match wire.tls {
            Tls::Off | Tls::Full => assert_eq!(resumed, 0, "{wire:?}"),
            Tls::Resumed => assert_eq!(resumed, made - 3, "{wire:?}: all but each fan's first"),
        }
    }
}

#[test]
fn each_operation_may_have_a_connection_of_its_own_over_each_wire() {
    for wire in WIRES {
        let trial = Trial { fans: 3, connections: Connections::PerOperation, ..Trial::default() };
        let (outcomes, shop) = live_over(wire, &trial, |_| None);
        assert_eq!(outcomes.departures(), [Departure::Bought; 3], "{wire:?}");
        let made = shop.connections.load(Ordering::SeqCst);
        let operations = outcomes.operations().len();
        assert_eq!(made, operations, "{wire:?}");
        let resumed = if wire.tls == Tls::Resumed { operations - 3 } else { 0 };
        assert_eq!(shop.resumed.load(Ordering::SeqCst), resumed, "{wire:?}: all but the first");
    }
}

#[test]
fn a_target_that_does_not_speak_what_fans_will_is_one_clear_sentence() {
    let shop = RudeShop::open(|_| None);
    let wire = Wire { protocol: Protocol::Http1, tls: Tls::Full };
    let (certificate, _) = rude::identity("shop.test", &[]);
    let trial = Trial { wire, certificate: Some(certificate), ..Trial::default() };
    let error = trial.live(shop.address).run.unwrap_err();
    assert!(matches!(error, LiveError::TargetRefuses { .. }), "{error}");
    let trial = Trial { wire, certificate: None, ..Trial::default() };
    let error = trial.live(shop.address).run.unwrap_err();
    assert!(matches!(error, LiveError::Security(_)), "{error}");
}

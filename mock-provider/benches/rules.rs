//! What the rules alone cost, and how much they remember: `cargo bench -p mock-provider --bench
//! rules`.
//!
//! A million orders, each an authorization and its capture, with the ledger's lines thrown away.
//! Memory must stop to grow once as much is remembered as ever is, for no money stays reserved.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may panic")]

use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::provider::{Call, PaymentOutcome, PaymentRequest};
use domain::time::Time;
use mock_provider::rules::Provider;
use mock_provider::settings::{Overrides, Settings};

const ORDERS: u64 = 1_000_000;
/// Orders between two looks.
const LOOK_EVERY: u64 = 100_000;
/// How many orders fill all that is remembered: each has two keys, of which 500,000 are.
const FULL_AT: u64 = 300_000;
/// How much more memory there may be at the end than when all was full, as a share: what the
/// allocator needs.
const GROWTH_MAX: f64 = 0.05;

fn main() {
    let limits = Vec::new();
    let settings = Settings { limits, declines: 0.0, ..Overrides::default().resolve(7).unwrap() };
    let mut provider = Provider::new(settings);
    let mut full_kb = 0;
    println!("{:>9} {:>12} {:>13} {:>9}", "orders", "ns/decision", "decisions/s", "RSS [MB]");
    let mut began_ns = processor_ns();
    for order in 1..=ORDERS {
        buy(&mut provider, order);
        if order % LOOK_EVERY == 0 {
            let cost_ns = (processor_ns() - began_ns) as f64 / (2 * LOOK_EVERY) as f64;
            let rss_mb = resident_kb() as f64 / 1e3;
            println!("{order:>9} {cost_ns:>12.0} {:>13.0} {rss_mb:>9.1}", 1e9 / cost_ns);
            began_ns = processor_ns();
        }
        if order == FULL_AT {
            full_kb = resident_kb();
        }
    }
    let growth = resident_kb() as f64 / full_kb as f64 - 1.0;
    let word = if growth <= GROWTH_MAX { "met" } else { "MISSED" };
    println!("target: no growth beyond {FULL_AT} orders ({:+.1} %): {word}", growth * 100.0);
}

/// Reserves and takes the money of one order, ten orders per second.
fn buy(provider: &mut Provider, order: u64) {
    let amount = Amount::new(4_500);
    let mut ask = |at_ms, key, call| {
        let (at, account, reference) =
            (Time::from_millis(at_ms), "shop".to_owned(), format!("0-{order}"));
        provider.call(at, at.nanos(), &PaymentRequest { account, reference, key, call }).told
    };
    let told = ask(order * 100, format!("{order}-a"), Call::Authorize { amount, card: 0 });
    assert_eq!(told, PaymentOutcome::Authorized);
    let authorization = AuthorizationId(order);
    let told = ask(order * 100 + 50, format!("{order}-c"), Call::Capture { authorization, amount });
    assert_eq!(told, PaymentOutcome::Captured);
}

/// Processor time of this process so far \[ns\].
fn processor_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Memory that this process has \[kB\].
fn resident_kb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

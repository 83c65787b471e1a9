//! One small sale over each kind of connection, with the embedded shop at the other end.

use domain::outcome::Departure;
use spike::command::folder::TIMELINE;
use spike::evidence::PurchaseLine;
use spike::live::Connections;

use crate::lived::{Lived, live, scenario};

/// Everybody buys: ample stock, no declines; nobody's connection is closed.
const SALE: &str = r#"
schema = 1
name = "wire"
seed = 5

[live]
threads = 2
WIRE

[[sale]]
id = "day-1"
opens = "+2s"
lasts = "60s"
items = [{ id = "tee", stock = 5_000, price = 4_500 }]

[[fans]]
name = "fans"
count = 40
arrive = { shape = "at-once" }
reload = { gap = { median = "300ms", sigma = 0.2 }, growth = 0.0, calls = 3, cacheable = 2 }
think = { median = "50ms", sigma = 0.2 }
timeout = "60s"

[provider]
declines = 0.0
"#;

/// How many connections were made, and how many of them resumed a session.
fn connections(lived: &Lived) -> (u64, u64) {
    let text = std::fs::read_to_string(lived.folder.path().join(TIMELINE)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.fold((0, 0), |(opened, resumed), line| {
        let of = |key| line.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
        (opened + of("opened"), resumed + of("resumed"))
    })
}

#[test]
fn a_sale_is_lived_over_each_wire_with_one_handshake_per_connection() {
    for wire in [
        "tls = \"full\"",
        "tls = \"resumed\"",
        "protocol = \"h2\"",
        "protocol = \"h2\"\ntls = \"full\"",
    ] {
        let scenario = scenario(&SALE.replace("WIRE", wire));
        let out = tempfile::tempdir().unwrap();
        let (lived, ()) = live(&scenario, out.path(), Connections::PerFan, |_, _| ());
        assert_eq!(lived.ending.unreadable, [""; 0], "{wire}");
        assert_eq!(lived.ending.doubts, [""; 0], "{wire}");
        let bought = |line: &PurchaseLine| {
            matches!(line, PurchaseLine::Departed { departure: Departure::Bought, .. })
        };
        let buyers = lived.purchases().iter().filter(|line| bought(line)).count();
        assert_eq!(buyers, 40, "{wire}");
        assert_eq!(connections(&lived), (40, 0), "{wire}");
    }
}

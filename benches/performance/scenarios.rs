//! The scenarios that are lived, against nginx in the shop's place.
//!
//! nginx has one sale that never sells anything: at one port it has not opened and fans look again
//! and again, at the other it is open, and fans who abandon at once leave after one look.

/// `fans` people who arrive within `over`, and look again as soon as they may: a closed loop.
pub(crate) fn closed(fans: u32, over: &str) -> String {
    format!(
        r#"
schema = 1
name = "closed"
[live]
threads = 1
keep_awake = "never"
[[sale]]
id = "day-1"
opens = "+10m"
lasts = "1s"
items = [{{ id = "tee", stock = 1, price = 1 }}]
[[fans]]
name = "fans"
count = {fans}
arrive = {{ shape = "constant", from = "-10m", over = "{over}" }}
reload = {{ gap = "1us", growth = 0.0, calls = 6, cacheable = 5 }}
"#
    )
}

/// One request each by fans who come evenly, `rate` of them per second for `seconds`, over fifty
/// connections: an open loop.
pub(crate) fn open(rate: u32, seconds: u32, pacing: &str) -> String {
    let count = rate * seconds;
    format!(
        r#"
schema = 1
name = "open"
[live]
threads = 1
connections = {{ pool = 50 }}
pacing = "{pacing}"
keep_awake = "never"
[[sale]]
id = "day-1"
opens = "+1s"
lasts = "1h"
items = [{{ id = "tee", stock = 1, price = 1 }}]
[[fans]]
name = "fans"
count = {count}
arrive = {{ shape = "constant", from = "0s", rate = {rate} }}
reload = {{ gap = "1h", calls = 1, cacheable = 0 }}
abandon = 1.0
[audit]
drain = "0s"
"#
    )
}

/// A queue of so many servers, each of which serves one customer per second in the mean, to which so many come.
pub(crate) fn queue(servers: u32, comes_per_s: f64, customers: u32) -> String {
    format!(
        r#"
schema = 1
name = "queue"
[[queue]]
name = "plain"
arrivals = {{ shape = "poisson", rate = "{comes_per_s}/s" }}
service = {{ shape = "exponential", mean = "1s" }}
servers = {servers}
customers = {customers}
"#
    )
}

/// People who look again every 100 ms over fifty connections, evenly spaced, `rate` of them per second
/// for `seconds`.
pub(crate) fn looks(rate: u32, seconds: u32) -> String {
    let count = rate / 10;
    format!(
        r#"
schema = 1
name = "looks"
[live]
threads = 1
connections = {{ pool = 50 }}
pacing = "precise"
keep_awake = "never"
[[sale]]
id = "day-1"
opens = "+{seconds}s"
lasts = "1s"
items = [{{ id = "tee", stock = 1, price = 1 }}]
[[fans]]
name = "fans"
count = {count}
arrive = {{ shape = "constant", from = "-{seconds}s", over = "100ms" }}
reload = {{ gap = "100ms", growth = 0.0, calls = 1, cacheable = 0 }}
patience = "1ms"
[audit]
drain = "0s"
"#
    )
}

/// Four hundred people who look again after each `gap` for ten seconds, and then leave.
pub(crate) fn steady(gap: &str) -> String {
    format!(
        r#"
schema = 1
name = "steady"
[live]
connections = {{ pool = 50 }}
keep_awake = "never"
[[sale]]
id = "day-1"
opens = "+10s"
lasts = "1s"
items = [{{ id = "tee", stock = 1, price = 1 }}]
[[fans]]
name = "fans"
count = 400
arrive = {{ shape = "constant", from = "-10s", over = "200ms" }}
reload = {{ gap = "{gap}", growth = 0.0, calls = 1, cacheable = 0 }}
patience = "1ms"
[audit]
drain = "0s"
"#
    )
}

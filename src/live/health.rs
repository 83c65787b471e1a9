//! The generator's own health: a late or starved instrument is an invalid reading.

use std::fs;

use crate::live::load::Tally;

/// How many ports this machine has for connections to one address; `None` where it does not say.
pub fn ephemeral_ports() -> Option<u64> {
    // The file is Linux's own (ip-sysctl: ip_local_port_range); its absence means no check.
    port_count(&fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

fn port_count(range: &str) -> Option<u64> {
    let mut bounds = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

/// Why the generator doubts its own reading, a sentence each; the judge adds lateness by itself.
/// `unheard` is why the shop's last snapshot could not be had.
pub(super) fn doubts(tally: Tally, unheard: Option<&str>) -> Vec<String> {
    let Tally { shed_sockets, shed_pool, left_behind, .. } = tally;
    let counted = [
        (shed_sockets, "operations were never sent: this machine had no descriptor or port left"),
        (shed_pool, "operations waited for one of the pool's connections until their deadline"),
        (left_behind, "fans had not left when the load had to end"),
    ];
    let mut doubts: Vec<String> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}."))
        .collect();
    doubts.extend(unheard.map(|why| format!("The shop's last snapshot could not be read: {why}.")));
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_instrument_doubts_nothing_and_a_starved_one_says_why() {
        assert_eq!(doubts(Tally::default(), None), [""; 0]);
        let tally = Tally { shed_sockets: 1, shed_pool: 2, left_behind: 3, ..Tally::default() };
        assert_eq!(doubts(tally, Some("refused")).len(), 4);
    }

    #[test]
    fn the_port_range_is_counted_with_both_ends() {
        assert_eq!(port_count("32768\t60999\n"), Some(28_232));
        assert_eq!(port_count("nonsense"), None);
    }
}

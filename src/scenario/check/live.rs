//! How the live world lives a scenario: the table `[live]`.

use core::net::IpAddr;

use reference_shop::settings::EdgeBy;

use crate::scenario::check::target::Foreign;
use crate::scenario::check::{Checker, SCALE_MAX};
use crate::scenario::place::Place;
use crate::scenario::written::{Connections, File};
use crate::scenario::{LiveSettings, Protocol, Tls, Wire};
use crate::step::funnel::Scheme;

/// The most load threads: beyond the cores of any one machine.
const THREADS_MAX: u16 = 256;
/// The most connections of a pool: beyond the descriptors one process may have.
const POOL_MAX: u32 = 1_000_000;
/// The most processes that make load: beyond the descriptors that any one machine lends.
const PROCESSES_MAX: u16 = 256;
/// The most local addresses: 7 million connections to one shop.
const LOCAL_IPS_MAX: usize = 256;

impl Checker {
    /// The table `[live]`.
    pub(super) fn live(
        &mut self,
        file: &File,
        root: Place<'_>,
        foreign: Option<&Foreign>,
    ) -> LiveSettings {
        let (live, place) = (&file.live, root.key("live"));
        let scale = live.scale.unwrap_or(1.0);
        if !(scale > 0.0 && scale <= SCALE_MAX) {
            self.wrong(place.key("scale"), format!("`scale` is {scale}"))
                .mark(format!("must be more than 0 and at most {SCALE_MAX}"));
        }
        if let Some(threads) = live.threads {
            let limits = (1, u32::from(THREADS_MAX));
            self.count(u32::from(threads), limits, place, "threads");
        }
        if let Some(processes) = live.processes {
            let limits = (1, u32::from(PROCESSES_MAX));
            self.count(u32::from(processes), limits, place, "processes");
        }
        self.protocol_of_nginx(file, place);
        LiveSettings {
            scale,
            threads: live.threads,
            connections: self.connections(file, root),
            wire: Wire {
                protocol: live.protocol.unwrap_or_default(),
                tls: match foreign {
                    Some(foreign) => self.tls_to(foreign, live.tls, place),
                    None => live.tls.unwrap_or_default(),
                },
            },
            pacing: live.pacing.unwrap_or_default(),
            keep_awake: live.keep_awake.unwrap_or_default(),
            processes: live.processes,
            local_ips: self.local_ips(live.local_ips.as_deref(), place.key("local_ips")),
        }
    }

    /// An nginx of Debian tells HTTP/2 from HTTP/1.1 by TLS alone, and the shop is asked about itself by
    /// HTTP/1.1.
    fn protocol_of_nginx(&mut self, file: &File, place: Place<'_>) {
        let is_plain = file.live.tls.unwrap_or_default() == Tls::Off;
        let is_nginx = file.target.is_none() && file.shop.edge.by == EdgeBy::Nginx;
        if is_nginx && is_plain && file.live.protocol == Some(Protocol::Http2) {
            let said = "`protocol = \"h2\"` without `tls` does not fit `by = \"nginx\"` in `[shop.edge]`: it \
                        speaks HTTP/2 over TLS alone";
            self.wrong(place.key("protocol"), said)
                .advise("write `tls = \"full\"`, or leave `protocol` out");
        }
    }

    /// Connections, which stand in `[live]` or in `[target]`.
    fn connections(&mut self, file: &File, root: Place<'_>) -> Connections {
        let in_target = file.target.as_ref().and_then(|target| target.connections);
        for (table, written) in [("live", file.live.connections), ("target", in_target)] {
            if let Some(Connections::Pool(pool)) = written {
                let place = root.key(table).key("connections");
                self.count(pool, (1, POOL_MAX), place, "pool");
            }
        }
        if file.live.connections.is_some() && in_target.is_some() {
            self.wrong(root.key("target").key("connections"), "`connections` in two places")
                .mark("stands in `[live]` too")
                .advise("leave one of them out: they mean the same");
        }
        in_target.or(file.live.connections).unwrap_or_default()
    }

    /// How connections to a shop of your own are secured: its address says whether.
    fn tls_to(&mut self, foreign: &Foreign, written: Option<Tls>, place: Place<'_>) -> Tls {
        let hosts = &foreign.target.funnel.hosts;
        let is_secured = hosts.iter().any(|host| host.scheme == Scheme::Https);
        match (is_secured, written) {
            (true, Some(Tls::Off)) => {
                self.wrong(place.key("tls"), "`tls` is `off`, but the shop is asked by `https://`")
                    .mark("is said by the address")
                    .advise("leave it out, or write \"resumed\"");
                Tls::Full
            }
            (false, Some(Tls::Full | Tls::Resumed)) => {
                self.wrong(place.key("tls"), "`tls`, but the shop is asked by `http://`")
                    .mark("is said by the address")
                    .advise("leave it out, or write `https://` in `[target] url`");
                Tls::Off
            }
            (true, written) => written.unwrap_or(Tls::Full),
            (false, _) => Tls::Off,
        }
    }

    /// Each address must be one that a connection can leave from, and named once.
    fn local_ips(&mut self, written: Option<&[IpAddr]>, place: Place<'_>) -> Vec<IpAddr> {
        let Some(written) = written else { return Vec::new() };
        let none = written.is_empty() && !place.lacks_elements();
        if none || written.len() > LOCAL_IPS_MAX {
            let said = format!("`local_ips` names {} addresses", written.len());
            self.wrong(place, said).mark(format!("must be 1 to {LOCAL_IPS_MAX}"));
        }
        for (number, address) in written.iter().enumerate() {
            let why = match address {
                _ if written[..number].contains(address) => "must be named once",
                _ if address.is_unspecified() => "names no address",
                _ if address.is_multicast() => "a group is no address to leave from",
                _ => continue,
            };
            self.wrong(place.index(number), format!("`local_ips` has {address}")).mark(why);
        }
        written.to_vec()
    }
}

//! `[target]`, `[setup]` and `[ledger]`: your own shop, and what keeps fans from doing harm there.

mod data;
mod hook;
mod host;
mod ledger;

use std::collections::BTreeSet;

use domain::id::ItemId;

use crate::fan::behaviour::Reload;
use crate::fan::route::{Route, Stage};
use crate::scenario::Population;
use crate::scenario::check::step::{self, Way};
use crate::scenario::check::{Checker, SCALE_MAX, Seen, Setting};
use crate::scenario::place::Place;
use crate::scenario::scale::people;
use crate::scenario::target::{self, Abort, Canary, Limits, Target};
use crate::scenario::wording::grouped;
use crate::scenario::written::File;
use crate::scenario::written::target::{CanaryWritten, TargetTable};
use crate::step::funnel::{Funnel, Host, Scheme};

pub(super) use host::{admitted, host_of};

/// Your own shop as meant, and the way through it.
pub(super) struct Foreign {
    /// All of it.
    pub(super) target: Target,
    /// The way of everybody.
    pub(super) route: Route,
    /// How many requests the page is that is reloaded; 0: none is.
    pub(super) reload_calls: u16,
}

impl Foreign {
    /// How a population reloads this shop's page: `written` with what `place` leaves out.
    pub(super) fn reload(
        &self,
        checker: &mut Checker,
        written: &Reload,
        place: Place<'_>,
    ) -> Reload {
        let calls = if place.has("calls") { written.calls } else { self.reload_calls };
        if self.reload_calls == 0 && calls > 0 {
            checker
                .wrong(
                    place.key("calls"),
                    format!("`calls` is {calls}, but no step is a page to reload"),
                )
                .advise("write `as = \"reload\"` at the steps that are its requests");
            return Reload { calls: 0, cacheable: 0, ..written.clone() };
        }
        let cacheable = if place.has("cacheable") { written.cacheable } else { 0 };
        Reload { calls, cacheable, ..written.clone() }
    }

    /// The way of a population that reloads so.
    pub(super) fn route(&self, reload: &Reload) -> Route {
        let mut route = self.route.clone();
        if reload.calls == 0 {
            let is_page = |stage: &&mut Stage| step::is_page(stage.operation);
            route.stages.iter_mut().filter(is_page).for_each(|stage| stage.chance = 0.0);
        }
        route
    }
}

/// Your own shop, if the file has one; what stands in the file for one without it is told.
pub(super) fn foreign(
    checker: &mut Checker,
    file: &File,
    root: Place<'_>,
    setting: Setting<'_>,
) -> Option<Foreign> {
    let Some(table) = &file.target else {
        without_target(checker, root);
        return None;
    };
    if root.has("shop") {
        let place = root.key("shop");
        checker
            .wrong(place, "`[shop]` beside `[target]`: the embedded shop is not started")
            .mark("describes a shop that nobody visits")
            .advise("leave one of them out");
    }
    let place = root.key("target");
    let allow_hosts = allow_hosts(checker, table, place.key("allow_hosts"));
    let shop = shop(checker, table, place, &allow_hosts);
    let data = table.data.as_ref().filter(|_| place.has("data"));
    let data = data.and_then(|file| data::data(checker, file, place.key("data"), setting));
    let columns = match (&data, &table.data) {
        (Some(data), _) => Some(data.columns.as_slice()),
        (None, Some(_)) => None,
        (None, None) => Some(&[][..]),
    };
    let around = step::Around { shop, allow_hosts: &allow_hosts, columns, setting };
    let Way { names, given, hosts, calls, stages } = step::way(checker, file, root, &around);
    let reload_calls = |stage: usize| u16::try_from(calls[stage].len()).unwrap_or(u16::MAX);
    let page = stages.iter().position(|stage| step::is_page(stage.operation));
    let reload_calls = page.map_or(0, reload_calls);
    let unstated = unstated(file);
    let funnel = Funnel { names, given, hosts, stages: calls };
    let setup = &file.setup;
    let target = Target {
        canary: canary(checker, file, place, &funnel.hosts),
        reset: hook::hook(
            checker,
            file,
            (setup.reset.as_ref(), "reset"),
            root,
            &allow_hosts,
            setting,
        ),
        cleanup: hook::hook(
            checker,
            file,
            (setup.cleanup.as_ref(), "cleanup"),
            root,
            &allow_hosts,
            setting,
        ),
        shop: ledger::shop(checker, file, root, &allow_hosts, setting),
        provider: ledger::provider(checker, file, root, &allow_hosts, setting),
        abort: abort(checker, table, place.key("abort")),
        limits: if root.has("provider") { Limits::Stated } else { Limits::Unknown },
        allow_hosts,
        unannounced: unannounced(file),
        unstated,
        data,
        funnel,
    };
    Some(Foreign { target, route: Route { stages }, reload_calls })
}

/// Tables that say something about your own shop alone.
fn without_target(checker: &mut Checker, root: Place<'_>) {
    if root.struck("target") {
        return;
    }
    for (key, header) in [("setup", "[setup]"), ("step", "[[step]]"), ("ledger", "[ledger]")] {
        if root.has(key) {
            checker
                .wrong(root.key(key), format!("`{header}` without `[target]`"))
                .mark("is for a shop of your own")
                .advise("name it: `[target]` with `url = \"http://127.0.0.1:8000\"`");
        }
    }
}

fn shop(
    checker: &mut Checker,
    table: &TargetTable,
    place: Place<'_>,
    allow_hosts: &[String],
) -> Host {
    let url = checker.required(table.url.as_ref(), place, "`[target]`", "url");
    let nobody = Host { scheme: Scheme::Http, name: "127.0.0.1".to_owned(), port: 80 };
    if table.url.is_none() {
        return nobody;
    }
    let here = place.key("url");
    let Some(host) = host_of(checker, &url, here, "url") else { return nobody };
    admitted(checker, &host.name, allow_hosts, here);
    host
}

/// The hosts that may be spoken to, in lower case.
fn allow_hosts(checker: &mut Checker, table: &TargetTable, place: Place<'_>) -> Vec<String> {
    let mut seen = Seen::default();
    for (index, written) in table.allow_hosts.iter().enumerate() {
        let here = place.index(index);
        let bare = written.trim_matches(['[', ']']).parse::<core::net::IpAddr>().is_ok();
        if !bare && written.contains(['/', ':', '*', '@', ' ']) || written.is_empty() {
            checker
                .wrong(here, format!("`{written}` is not the name of one host"))
                .advise("write each host by its name alone, such as \"staging.shop.example\"");
        } else if target::takes_payments(written) {
            checker
                .wrong(here, format!("`{written}` takes payments, and no fan is ever sent there"))
                .advise("let the shop pay a mock instead: `spike provider`");
        } else if !seen.insert(&lower(written)) {
            checker.wrong(here, format!("`{written}` is named twice"));
        }
    }
    table.allow_hosts.iter().map(|host| lower(host)).collect()
}

fn lower(host: &str) -> String {
    host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

/// The items whose stock the shop's own ledger must say.
fn unstated(file: &File) -> BTreeSet<ItemId> {
    let items = file.sale.iter().flat_map(|sale| &sale.items).zip(0_u16..);
    items.filter(|(item, _)| item.stock.is_none()).map(|(_, number)| ItemId(number)).collect()
}

/// The sales whose opening counts from the run's beginning.
fn unannounced(file: &File) -> BTreeSet<String> {
    let counts = |opens: &Option<String>| opens.as_ref().is_some_and(|text| text.starts_with('+'));
    let sales = file.sale.iter().filter(|sale| counts(&sale.opens));
    sales.filter_map(|sale| sale.id.clone()).collect()
}

fn canary(checker: &mut Checker, file: &File, place: Place<'_>, hosts: &[Host]) -> Canary {
    let Some(table) = &file.target else { return Canary::Unsaid };
    let reason = reason(checker, table, place);
    match (&table.canary, reason) {
        (Some(CanaryWritten::Item(item)), reason) => {
            if reason.is_some() {
                let key = if place.has("reason") { "reason" } else { "canary_reason" };
                checker
                    .wrong(place.key(key), format!("`{key}` beside a canary"))
                    .mark("says why there is none");
            }
            if item.trim().is_empty() {
                checker.wrong(place.key("canary").key("item"), "the canary's item has no name");
            }
            if file.ledger.provider.is_none() {
                checker
                    .wrong(place.key("canary"), "a canary, but no ledger of the provider")
                    .mark("cannot be looked for")
                    .advise("add `[ledger.provider]` with `mock = \"http://127.0.0.1:12111\"`");
            }
            Canary::Item(item.clone())
        }
        (Some(CanaryWritten::None), Some(reason)) => Canary::None { reason },
        (Some(CanaryWritten::None), None) => {
            checker
                .wrong(place.key("canary"), "no canary, and no reason for it")
                .advise("add `canary_reason = \"…\"`; the verdict line prints it");
            Canary::Unsaid
        }
        (None, _) => {
            let elsewhere = hosts.iter().find(|host| !host.is_loopback());
            if let Some(host) = elsewhere.filter(|_| !place.struck("canary")) {
                let said = format!("no canary for a shop at `{}`", host.name);
                checker.wrong(place, said).mark("does not say what proves where it pays").advise(
                    "add `canary = { item = \"…\" }`, one order that must show up in the \
                     provider's ledger before anything else is sent; or `canary = \"none\"` with \
                     `canary_reason`",
                );
            }
            Canary::Unsaid
        }
    }
}

/// Why there is no canary: under either of its names, but not both.
fn reason(checker: &mut Checker, table: &TargetTable, place: Place<'_>) -> Option<String> {
    if table.reason.is_some() && table.canary_reason.is_some() {
        checker
            .wrong(place.key("reason"), "`reason` and `canary_reason` say the same")
            .mark("twice");
    }
    let reason = table.canary_reason.as_ref().or(table.reason.as_ref())?;
    if reason.trim().is_empty() {
        let key = if table.canary_reason.is_some() { "canary_reason" } else { "reason" };
        checker.wrong(place.key(key), "the reason is empty").mark("the verdict line prints it");
    }
    Some(reason.clone())
}

fn abort(checker: &mut Checker, table: &TargetTable, place: Place<'_>) -> Abort {
    let usual = Abort::default();
    let written = &table.abort;
    if let Some(share) = written.server_errors {
        checker.chance(share, place, "server_errors");
        if share <= 0.0 {
            checker
                .wrong(place.key("server_errors"), format!("`server_errors` is {share}"))
                .mark("must be more than 0: the run would never begin");
        }
    }
    let within = written.within.map_or(usual.within, |span| span.0);
    checker.lasting(within, place, "within");
    if written.kill_file.as_ref().is_some_and(|file| file.trim().is_empty()) {
        checker.wrong(place.key("kill_file"), "`kill_file` names no file");
    }
    Abort { server_errors: written.server_errors, within, kill_file: written.kill_file.clone() }
}

impl Checker {
    /// Each fan of a run has a row of its own in the data.
    pub(super) fn rows_for_all(
        &mut self,
        foreign: &Foreign,
        populations: &[Population],
        file: &File,
        (root, setting): (Place<'_>, Setting<'_>),
    ) {
        let Some(data) = &foreign.target.data else { return };
        let scale = setting.scale.or(file.live.scale).unwrap_or(1.0);
        if !(scale > 0.0 && scale <= SCALE_MAX) {
            return;
        }
        let people = people(populations.iter().map(|people| people.count), scale);
        let rows = data.rows.len() as u64;
        if rows < people {
            let at_scale = if (scale - 1.0).abs() < f64::EPSILON {
                String::new()
            } else {
                format!(" at scale {scale}")
            };
            let (file, rows, people) = (&data.file, grouped(rows), grouped(people));
            self.wrong(
                root.key("target").key("data"),
                format!("the data `{file}` has {rows} rows for {people} people{at_scale}"),
            )
            .mark("is one row per fan, none used twice")
            .advise("add rows, or send fewer people: `count`, `[live] scale` or `--scale`");
        }
    }
}

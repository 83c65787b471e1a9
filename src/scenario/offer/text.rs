//! The offer as a table for a terminal.

use std::fmt::Write as _;

use domain::law::Law;
use domain::time::{Duration, Span};

use crate::scenario::Scenario;
use crate::scenario::offer::foreign::text as foreign;
use crate::scenario::offer::{
    Bound, Drain, LotteryOffer, Offer, Opening, SaleOffer, devices, edge, pods, rooms, whole,
};
use crate::scenario::wording::grouped;
use crate::tier::balancer::Balancer;
use crate::tier::database::Database;
use crate::tier::queue::Queue;

/// How wide the left column is \[columns\].
const NAME_COLUMNS: usize = 22;
/// How wide the right column is \[columns\]: with the left one, 100.
const FIGURE_COLUMNS: usize = 77;

/// The offer as plain text: one line per figure, in columns.
pub fn render(scenario: &Scenario, offer: &Offer) -> String {
    let mut table = Table::default();
    table.line("scenario", &format!("{} · {}", scenario.name, scenario.title));
    table.line("scale, seed", &format!("{} · {}", offer.scale, scenario.seed));
    for queue in &scenario.queues {
        table.queue(queue);
    }
    for devices in &scenario.devices {
        devices::tell(&mut table, devices, offer.scale);
    }
    for rooms in &scenario.rooms {
        rooms::tell(&mut table, rooms, offer.scale);
    }
    scenario.uncertain.iter().for_each(|input| table.line("uncertain", &input.told()));
    if scenario.is_without_a_sale() {
        return table.text;
    }
    table.line(
        "arrivals",
        &format!(
            "{} fans, at most {}/s",
            count(offer.arrivals as f64),
            count(offer.arrivals_peak_per_s)
        ),
    );
    for opening in &offer.openings {
        match &offer.foreign {
            Some(_) => table.present(opening),
            None => table.opening(opening, scenario),
        }
    }
    match &offer.foreign {
        Some(foreign) => foreign::steps(&mut table, foreign),
        None => table.stack(scenario, offer),
    }
    if offer.foreign.is_none() || offer.payment.calls_per_s.is_some() {
        table.payment(offer);
    }
    for sale in &offer.sales {
        table.sale(sale);
    }
    table.needs(offer);
    match &offer.foreign {
        Some(foreign) => foreign::safety(&mut table, foreign, &offer.drain),
        None => table.drain(offer),
    }
    table.list("lost by the scale", &offer.lost_by_scale);
    table.list("remarks", &offer.remarks);
    table.text
}

/// One figure of an offer as text: a name, and as many lines as the figure takes.
pub fn line(name: &str, figure: &str) -> String {
    let mut text = String::new();
    for (place, part) in wrapped(figure).iter().enumerate() {
        let name = if place == 0 { name } else { "" };
        writeln!(text, "{name:<NAME_COLUMNS$} {part}").expect("text can be appended to");
    }
    text
}

/// A figure to three places.
fn significant(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[derive(Default)]
pub(super) struct Table {
    text: String,
}

impl Table {
    pub(super) fn line(&mut self, name: &str, figure: &str) {
        self.text.push_str(&line(name, figure));
    }

    fn queue(&mut self, queue: &Queue) {
        let servers = grouped(queue.servers.into());
        let mut figure = match queue.asked() {
            Some(asked) => format!("{} servers asked for, {servers} there", significant(asked)),
            None => format!("{servers} servers there"),
        };
        let customers = grouped(queue.customers.into());
        write!(figure, "; {customers} customers").expect("text can be appended to");
        if queue.grows() {
            figure.push_str(": the line grows for ever, and its figures say nothing");
        }
        self.line(&format!("queue {}", queue.name), &figure);
    }

    fn present(&mut self, opening: &Opening) {
        self.line(
            &format!("opening at {}", duration(opening.at - domain::time::Time::ZERO)),
            &format!("{} fans present", count(opening.present)),
        );
    }

    fn opening(&mut self, opening: &Opening, scenario: &Scenario) {
        self.present(opening);
        if opening.present < 0.5 {
            return;
        }
        self.line("  edge", &format!("{}/s offered", count(opening.edge_per_s)));
        self.line("  origin, uncached", &format!("{}/s offered", count(opening.origin_per_s)));
        edge::tell(self, scenario, opening.at);
        if let Some(balancer) = &scenario.stack.balancer {
            self.line("  balancer", &balanced(balancer, opening.origin_per_s));
        }
        let asks = format!("{}/s offered, each once", count(opening.checkouts_per_s));
        self.line("  checkouts", &asks);
    }

    /// What the simulated stack has for those who ask.
    fn stack(&mut self, scenario: &Scenario, offer: &Offer) {
        edge::tell_errors(self, scenario);
        if let Some(figure) = worked(scenario) {
            self.line("application", &figure);
        }
        pods::tell(self, scenario);
        // Who comes asks once at least.
        let openings = offer.openings.iter().map(|opening| opening.origin_per_s);
        let asked_per_s = openings.fold(offer.arrivals_peak_per_s, f64::max);
        let database = scenario.stack.database.as_ref();
        if let Some(figure) = database.and_then(|it| provided(it, asked_per_s)) {
            self.line("database", &figure);
        }
    }

    fn payment(&mut self, offer: &Offer) {
        let payment = &offer.payment;
        let allowed = match (payment.calls_per_s, payment.orders_per_s) {
            (Some(calls), Some(orders)) => {
                format!("{} calls/s allowed, {} orders/s", count(calls), count(orders))
            }
            _ => "no limit".to_owned(),
        };
        self.line("payment", &allowed);
        if offer.foreign.is_some() {
            return;
        }
        let admitted = match payment.admission_per_s {
            Some(orders) if payment.is_per_sale => {
                format!("{} orders/s of each sale", count(orders))
            }
            Some(orders) => format!("{} orders/s", count(orders)),
            None => "all".to_owned(),
        };
        self.line("admission", &admitted);
    }

    fn sale(&mut self, sale: &SaleOffer) {
        let bound = match sale.bound {
            Bound::Stock => "the stock",
            Bound::Wanted => "what is wanted",
            Bound::Slots => "the slots",
            Bound::Payment => "the payment",
        };
        let sellable = count(sale.sellable as f64);
        let figure = format!("{sellable} pieces can be sold, bound by {bound}");
        self.line(&format!("sale {}", sale.id), &figure);
        let stock = sale.stock.map(|stock| count(stock as f64));
        let stock = stock
            .unwrap_or_else(|| "what the shop's ledger says, where it is not stated".to_owned());
        self.line("  stock", &stock);
        self.line("  wanted", &count(sale.wanted));
        if let Some(lottery) = &sale.lottery {
            self.lottery(lottery);
        }
        if let Some(places) = sale.places {
            self.line("  slots", &count(places));
        }
        if let Some(payable) = sale.payable {
            self.line("  payment", &format!("{} in the window", count(payable)));
        }
    }

    fn lottery(&mut self, lottery: &LotteryOffer) {
        let terms = lottery.terms;
        let chance =
            if lottery.wanted > 0.0 { 100.0 * lottery.drawn / lottery.wanted } else { 0.0 };
        let entries = format!(
            "{} entries until +{}; {} pieces are drawn, {} % of those wanted",
            count(lottery.entries),
            terms.entries_close,
            count(lottery.drawn),
            count(chance)
        );
        self.line("  lottery", &entries);
        let storm = format!(
            "at +{} {} fans come back, at most {}/s, with {}/s at the edge",
            terms.results,
            count(lottery.entries),
            count(lottery.back_per_s),
            count(lottery.edge_per_s)
        );
        self.line("  results", &storm);
        let again = match terms.redraws {
            0 => "; what is not paid is not drawn again".to_owned(),
            1 => "; what is not paid is drawn once more".to_owned(),
            more => format!("; what is not paid is drawn {more} times more"),
        };
        let until = Span(terms.deadline(0));
        self.line("  winners pay", &format!("within {}, until +{until}{again}", terms.pay_by));
    }

    fn needs(&mut self, offer: &Offer) {
        let needs = &offer.needs;
        self.line(
            "a live run needs",
            &format!(
                "at scale {}: at most {} connections, {} descriptors, about {} of memory, {} of disk",
                offer.live_scale,
                count(needs.connections as f64),
                count(needs.descriptors as f64),
                size(needs.memory_bytes),
                size(needs.disk_bytes)
            ),
        );
    }

    fn drain(&mut self, offer: &Offer) {
        let drain = &offer.drain;
        self.line(
            "drain",
            &format!(
                "{}: backlog {}, expiry {}, retries {}{}",
                duration(drain.needed()),
                duration(drain.backlog),
                duration(drain.expiry),
                duration(drain.retries),
                challenges(drain)
            ),
        );
        if drain.is_short() {
            self.line(
                "",
                &format!(
                    "[audit] drain cuts it to {}: INV-STRANDED, INV-ORPHAN-AUTH and INV-RESOLVED \
                     will be not_checked",
                    duration(drain.length())
                ),
            );
        }
    }

    pub(super) fn list(&mut self, name: &str, sentences: &[String]) {
        for (place, sentence) in sentences.iter().enumerate() {
            self.line(if place == 0 { name } else { "" }, sentence);
        }
    }
}

/// What a balancer takes at first of what is asked for at the origin \[1/s\], and when it takes all.
fn balanced(balancer: &Balancer, asked_per_s: f64) -> String {
    let at_first = balancer.at_least();
    let takes = format!("{}/s taken at first", count(at_first));
    let enough = balancer.max.is_none_or(|max| max.per_s() >= asked_per_s);
    match balancer.grows.steps(at_first, asked_per_s).filter(|_| enough) {
        Some(0) => takes,
        Some(steps) => format!(
            "{takes}; {}/s find room after {steps} step(s) of growth, {} after they came",
            count(asked_per_s),
            duration(balancer.grows.until(steps))
        ),
        None => format!("{takes}; {}/s never find room", count(asked_per_s)),
    }
}

/// What a task of workers answers at most, each request asking the database once.
fn worked(scenario: &Scenario) -> Option<String> {
    let application = scenario.stack.application.as_ref()?;
    let (workers, threads) = (application.workers?, application.threads_per_worker());
    let service_s = |service: Law| service.mean().as_secs_f64();
    let database = scenario.stack.database.as_ref();
    let held_s = service_s(application.service)
        + database.map_or(0.0, |database| service_s(database.service));
    let (by_threads, by_processors) = application.bounds_per_s(held_s).filter(|_| held_s > 0.0)?;
    let per_task = by_threads.min(by_processors);
    let bound = if by_threads < by_processors { "threads" } else { "processors" };
    let tasks = application.tasks.unwrap_or(1);
    Some(format!(
        "{} task(s) at first of {workers} workers x {threads} threads: at most {}/s each, by their {bound}, \
         {}/s together; what waits for the provider holds its thread longer",
        grouped(tasks.into()),
        count(per_task),
        count(per_task * f64::from(tasks)),
    ))
}

/// What a database's capacity carries out at first of what is asked for, a statement for each request at the
/// origin \[1/s\], and when it carries out all.
fn provided(database: &Database, asked_per_s: f64) -> Option<String> {
    let capacity = database.capacity.as_ref()?;
    let work_s = database.service.mean().as_secs_f64();
    if work_s <= 0.0 {
        return None;
    }
    let (least, most) = capacity.bounds();
    let per_s = |units: f64| count(capacity.cores(units) / work_s);
    let at_first = format!("{}/s at first, by {least} ACU", per_s(least));
    let needed = capacity.units(asked_per_s * work_s);
    let asked = count(asked_per_s);
    Some(if needed <= least {
        at_first
    } else {
        match capacity.until(needed) {
            Some(takes) => format!(
                "{at_first}; {asked}/s take {needed} ACU, {} after they came",
                duration(takes)
            ),
            None => format!(
                "{at_first}; {asked}/s take {needed} ACU and never find room: {}/s by {most} ACU",
                per_s(most)
            ),
        }
    })
}

/// What challenges add to the drain, where there can be any.
fn challenges(drain: &Drain) -> String {
    if drain.challenges.is_zero() {
        return String::new();
    }
    format!(", challenges {}", duration(drain.challenges))
}

/// A figure in lines that fit the right column.
fn wrapped(figure: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in figure.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        let letters = line.chars().count() + word.chars().count() + 1;
        if !line.is_empty() && letters > FIGURE_COLUMNS {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A number with commas between thousands; below 100 with one decimal where it is not whole.
pub(super) fn count(value: f64) -> String {
    if value < 100.0 && (value - value.round()).abs() > 0.05 {
        return format!("{value:.1}");
    }
    grouped(whole(value + 0.5))
}

/// A length of time in whole seconds, in hours or days where it is long, or shorter where it is shorter than that.
pub(super) fn duration(length: Duration) -> String {
    let seconds = length.as_secs_f64().round();
    if length < Duration::from_secs(1) {
        return Span(length).to_string();
    }
    if seconds < 120.0 {
        return format!("{seconds} s");
    }
    let (minutes, hours) = ((seconds / 60.0).floor(), (seconds / 3_600.0).floor());
    match hours {
        few if few < 2.0 => format!("{minutes} min {} s", seconds % 60.0),
        some if some < 48.0 => format!("{hours} h {} min", minutes % 60.0),
        _ => format!("{} days {} h", (hours / 24.0).floor(), hours % 24.0),
    }
}

fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / (1024.0 * 1024.0);
    if mebibytes < 1024.0 {
        format!("{mebibytes:.0} MiB")
    } else {
        format!("{:.1} GiB", mebibytes / 1024.0)
    }
}

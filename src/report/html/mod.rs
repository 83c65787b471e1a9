//! The report as one page that opens offline: no script, no font, no picture from elsewhere. Its figures say
//! where they stand in `summary.json` (`data-figure`: RFC 6901, `*` for a sum over all), for tests and for
//! whoever reads the page's source.

mod answer;
mod comparison;
mod facts;
mod generator;
mod tables;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::balancer::{self, BalancerSheet};
use super::beside;
use super::chart;
use super::database::{self, DatabaseSheet};
use super::database_tier::{self, DatabaseTierSheet};
use super::edge::{self, EdgeRow};
use super::layers::{self, LayersSheet};
use super::queue::{self, QueueSheet};
use super::replications::{self, ReplicationSheet};
use super::series::{self, EventRow, MetricRow};
use super::sheet::Sheet;
use super::tasks::{self, TaskSheet};
use crate::measure::Measured;
use crate::verdict::Summary;

use answer::Answer;
pub use comparison::comparison;
use facts::Fact;
use generator::{BoundRow, ConnectionsView};
use tables::{
    ComplaintRow, FindingView, ObjectiveView, OperationRow, RateRow, SaleView, Share, Step,
};

/// The page, whose name tells the engine to escape what it is given as HTML.
const NAME: &str = "report.html.j2";
const TEMPLATE: &str = include_str!("../report.html.j2");
/// How pages look.
const STYLE: &str = include_str!("../report.css");
/// What lets the charts answer to the mouse and to the keys.
const SCRIPT: &str = include_str!("../report.js");
/// The percentiles of a table's columns, as `summary.json` names them.
const QUANTILES: [&str; 6] = ["p50", "p90", "p95", "p99", "p99_9", "max"];

/// The charts of a report, as SVG files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charts {
    /// Requests per second at each tier.
    pub timeline: String,
    /// The seconds around the opening.
    pub opening: String,
    /// Response and service times by percentile.
    pub latency: String,
    /// Response times in the course of the run.
    pub heat: String,
    /// How the stock went.
    pub sell_through: String,
}

impl Charts {
    /// Draws them all.
    pub fn draw(summary: &Summary) -> Self {
        Self {
            timeline: chart::timeline(summary),
            opening: chart::opening(summary),
            latency: chart::latency(summary),
            heat: chart::heat(summary),
            sell_through: chart::sell_through(summary),
        }
    }
}

/// `report.html` with `charts` in it.
///
/// # Panics
/// When the page asks for what the data have not, which no summary can bring about.
pub fn html(summary: &Summary, charts: &Charts) -> String {
    rendered((NAME, TEMPLATE), &Page::of(summary, charts))
}

/// A page of that name and template.
fn rendered((name, template): (&str, &str), page: &impl Serialize) -> String {
    let mut environment = Environment::new();
    // A name that the page has and the data have not is a mistake of ours, for a test to find.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("prose", |text: &str| Value::from_safe_string(prose(text)));
    environment.add_filter("token", |name: &str| Value::from_safe_string(token(name)));
    environment
        .render_named_str(name, template, Value::from(Serde(page)))
        .expect("the page asks for nothing that the data have not")
}

/// A sentence as HTML: escaped, with what stands between backticks as code.
fn prose(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let parts: Vec<&str> = text.split('`').collect();
    // An odd backtick has no partner and stays one.
    let is_paired = parts.len() % 2 == 1;
    for (place, part) in parts.iter().enumerate() {
        match (place, is_paired) {
            (0, _) => {}
            (_, false) => html.push('`'),
            (_, true) if place % 2 == 1 => html.push_str("<code>"),
            (_, true) => html.push_str("</code>"),
        }
        let text = if place % 2 == 1 && is_paired { (*part).to_owned() } else { unbroken(part) };
        push_escaped(&mut html, &text);
    }
    html
}

/// A part of a path into `summary.json`: `/` and `~` as RFC 6901 has them, escaped.
fn token(name: &str) -> String {
    let mut html = String::with_capacity(name.len());
    push_escaped(&mut html, &name.replace('~', "~0").replace('/', "~1"));
    html
}

fn push_escaped(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// What follows a number and belongs to it.
const UNITS: [&str; 7] = ["%", "ms", "s", "min", "h", "µs", "minor"];

/// The text with spaces that break no line between a number and its unit: "50.0 %" stays together.
fn unbroken(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        whole.push_str(word);
        let is_number = word.ends_with(|letter: char| letter.is_ascii_digit());
        let is_unit = words.peek().is_some_and(|next| {
            let unit =
                next.trim_end_matches(|letter: char| !letter.is_alphabetic() && letter != '%');
            UNITS.contains(&unit) || *next == "×"
        });
        if words.peek().is_some() {
            whole.push(if is_number && is_unit { '\u{a0}' } else { ' ' });
        }
    }
    whole
}

/// All that the page shows, as text.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    /// Whether a sale was lived: without, there is nothing to show of one.
    lived: bool,
    answer: Answer,
    /// How far the figures of several replications spread.
    replications: Option<ReplicationSheet>,
    replication_heads: [&'static str; 8],
    charts: Vec<Figure>,
    steps: Vec<Step>,
    departures: Vec<Share>,
    arrived: String,
    bought: Share,
    operations: Vec<OperationRow>,
    complaints: Vec<ComplaintRow>,
    edge_title: &'static str,
    edge: Vec<EdgeRow>,
    database: Option<DatabaseSheet>,
    /// What came of what was lived beside all sales, a sentence each.
    answers: Vec<String>,
    beside: Vec<Section>,
    queue_heads: [&'static str; 6],
    queues: Vec<QueueSheet>,
    layers: Option<LayersSheet>,
    balancer: Option<BalancerSheet>,
    tasks: Option<TaskSheet>,
    database_tier: Option<DatabaseTierSheet>,
    rates: Vec<RateRow>,
    series: Series,
    sales: Vec<SaleView>,
    orders: Vec<Fact>,
    payments: Vec<Fact>,
    violated: Vec<FindingView>,
    unchecked: Vec<FindingView>,
    held: Vec<FindingView>,
    inapplicable: Vec<FindingView>,
    objectives: Vec<ObjectiveView>,
    health: Vec<Fact>,
    bounds: Vec<BoundRow>,
    connections: Option<ConnectionsView>,
    provenance: Vec<Fact>,
    command: String,
    quantiles: [&'static str; 6],
    style: &'static str,
    script: &'static str,
}

/// Other people's series.
#[derive(Debug, Serialize)]
struct Series {
    title: &'static str,
    metrics: Vec<MetricRow>,
    events: Vec<EventRow>,
    remarks: Vec<String>,
}

impl Series {
    fn of(measured: &Measured) -> Self {
        Self {
            title: series::TITLE,
            metrics: series::metrics(measured),
            events: series::events(measured),
            remarks: series::remarks(measured),
        }
    }
}

/// A sort of what was lived beside all sales.
#[derive(Debug, Serialize)]
struct Section {
    id: &'static str,
    title: &'static str,
    cards: Vec<Card>,
}

/// The figures of one kind, and its course.
#[derive(Debug, Serialize)]
struct Card {
    sheet: Sheet,
    svg: String,
}

/// What was lived beside all sales, each kind with its chart.
fn sections(measured: &Measured) -> Vec<Section> {
    let section = |section: beside::Section| {
        let charts = (section.charts)(measured);
        let cards = section.sheets.into_iter().zip(charts);
        let cards = cards.map(|(sheet, svg)| Card { sheet, svg: inlined(&svg) }).collect();
        Section { id: section.id, title: section.title, cards }
    };
    beside::sections(measured).into_iter().map(section).collect()
}

/// A chart on the page.
#[derive(Debug, Serialize)]
struct Figure {
    title: &'static str,
    caption: &'static str,
    svg: String,
}

impl Page {
    fn of(summary: &Summary, charts: &Charts) -> Self {
        let judged = &summary.result;
        let measured = &judged.measured;
        Self {
            title: summary.provenance.title.clone(),
            lived: judged.never_begun.is_none() && !queue::without_a_sale(measured),
            answer: Answer::of(summary),
            replications: replications::sheet(judged),
            replication_heads: replications::HEADS,
            charts: figures(charts, measured),
            steps: tables::steps(measured),
            departures: tables::departures(measured),
            arrived: super::figure::number(measured.fans.arrived),
            bought: tables::bought(measured),
            operations: tables::operations(measured),
            complaints: tables::complaints(judged),
            edge_title: edge::TITLE,
            edge: edge::rows(measured),
            database: measured.database.as_ref().map(database::sheet),
            answers: beside::answers(measured),
            beside: sections(measured),
            queue_heads: queue::HEADS,
            queues: queue::sheets(measured),
            layers: layers::sheet(measured, judged.world),
            balancer: balancer::sheet(measured),
            tasks: tasks::sheet(measured),
            database_tier: database_tier::sheet(measured),
            rates: tables::rates(measured),
            series: Series::of(measured),
            sales: tables::sales(measured),
            orders: facts::orders(measured),
            payments: facts::payments(measured),
            violated: tables::violated(judged),
            unchecked: tables::findings(judged, crate::audit::Status::NotChecked),
            held: tables::findings(judged, crate::audit::Status::Held),
            inapplicable: tables::findings(judged, crate::audit::Status::NotApplicable),
            objectives: judged.objectives.iter().map(ObjectiveView::of).collect(),
            health: generator::health(judged),
            bounds: generator::bounds(measured),
            connections: generator::connections(measured),
            provenance: facts::provenance(summary),
            command: summary.provenance.command.clone(),
            quantiles: QUANTILES,
            style: STYLE,
            script: SCRIPT,
        }
    }
}

/// The charts that show something: of a shop that never says how its stock goes there is none.
fn figures(charts: &Charts, measured: &Measured) -> Vec<Figure> {
    let stock = chart::tells_stock(measured).then(|| Figure {
        title: "How the stock went",
        caption: "What is neither sold nor free is reserved by a checkout under way.",
        svg: inlined(&charts.sell_through),
    });
    let before = [
        Figure {
            title: "Requests per second",
            caption: "From the fans inwards, each tier on a scale of its own. The sale is shaded; each step is \
                      one second, and of a run with more seconds than pixels each column goes from the \
                      least to the greatest of its own.",
            svg: inlined(&charts.timeline),
        },
        Figure {
            title: "The opening",
            caption: "A spike of three seconds is thirty steps wide here.",
            svg: inlined(&charts.opening),
        },
    ];
    let course = chart::tells_times(measured).then(|| Figure {
        title: "How long people waited when",
        caption: "The stronger the colour, the more answers; a cell with a single one shows too. Answers, and \
                  timeouts at their deadline; refusals and errors enter the counts alone.",
        svg: inlined(&charts.heat),
    });
    let waited = Figure {
        title: "How long people waited",
        caption: "Answers, and timeouts at their deadline. Response time counts from the moment a fan wanted it, service time from the moment \
                  it was sent: between the two, it waited for the generator or for a connection.",
        svg: inlined(&charts.latency),
    };
    before.into_iter().chain(stock).chain(course).chain([waited]).collect()
}

/// The SVG as a part of an HTML page, where it needs no name space and takes the room there is.
fn inlined(svg: &str) -> String {
    svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1)
}

//! Who is told what a run comes to while it lasts: what the command line says, and OpenTelemetry's own
//! variables where it is silent.
//!
//! The variables are those of the specification
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>); what one says of metrics or traces alone
//! goes before what is said of both.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context as _;
use domain::time::Duration;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::say;
use crate::cli::TelemetryArgs;
use crate::live::Settings;
use crate::live::abroad::Trust;
use crate::live::export::{Collector, Exporter, listen};
use crate::scenario::Scenario;
use crate::telemetry::Run;
use crate::tracing::Sampler;

/// The share of the fans that is traced where nobody says how many, and traces are pushed.
const SHARE: f64 = 0.01;
/// How long a push may take where nobody says how long, by the specification.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where a collector takes metrics and traces, below its address.
const PATHS: [&str; 2] = ["v1/metrics", "v1/traces"];

/// What a run tells, and to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Telling {
    /// Where scrapes are answered.
    scrape: Option<SocketAddr>,
    /// Who is pushed to.
    collector: Option<Collector>,
    /// The share of the fans that is traced, if any is.
    share: Option<f64>,
    /// What its owner says of it.
    resource: Vec<(String, String)>,
}

/// The same, with what must be open before anything is begun.
pub(super) struct Teller {
    telling: Telling,
    listener: Option<TcpListener>,
}

/// What was said makes no sense: all of it, a line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read where telemetry goes:\n{}", .0.join("\n"))]
pub(super) struct TellingError(Vec<String>);

/// What `args` say or, where they are silent, the variables that `variable` knows.
///
/// # Errors
/// When something of it makes no sense.
pub(super) fn telling(
    args: &TelemetryArgs,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Telling, TellingError> {
    let mut reader = Reader { variable, problems: Vec::new() };
    let collector = reader.collector(args.otlp.as_deref());
    let tells_nobody = args.metrics.is_none() && collector.is_none();
    // What is said of a run that tells nobody anything may be said to others.
    let resource = if tells_nobody { Vec::new() } else { reader.resource() };
    if !reader.problems.is_empty() {
        return Err(TellingError(reader.problems));
    }
    let pushes_traces = collector.as_ref().is_some_and(|collector| collector.traces.is_some());
    let share = args.trace.or(pushes_traces.then_some(SHARE)).filter(|share| *share > 0.0);
    Ok(Telling { scrape: args.metrics, collector, share, resource })
}

/// Reads variables and gathers what is wrong with them.
struct Reader<V> {
    variable: V,
    problems: Vec<String>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// An empty variable says nothing, by the specification.
    fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.trim().is_empty())
    }

    /// `OTEL_EXPORTER_OTLP_name`.
    fn otlp(&self, name: &str) -> Option<String> {
        self.variable(&format!("OTEL_EXPORTER_OTLP_{name}"))
    }

    /// Who is pushed to, if anybody is.
    fn collector(&mut self, otlp: Option<&str>) -> Option<Collector> {
        let is_off =
            self.variable("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        if otlp == Some("off") || (otlp.is_none() && is_off) {
            return None;
        }
        let [metrics, traces] = if let Some(url) = otlp {
            self.both("`--otlp`", url)
        } else {
            let base = self.otlp("ENDPOINT");
            let both = base.map(|url| self.both("`OTEL_EXPORTER_OTLP_ENDPOINT`", &url));
            let [metrics, traces] = both.unwrap_or_default();
            [self.alone("METRICS").or(metrics), self.alone("TRACES").or(traces)]
        };
        let signals = [("OTEL_METRICS_EXPORTER", metrics), ("OTEL_TRACES_EXPORTER", traces)];
        let [metrics, traces] = signals.map(|(name, url)| {
            let is_none = self.variable(name).is_some_and(|exporter| exporter == "none");
            url.filter(|_| otlp.is_some() || !is_none)
        });
        // Of an address that makes no sense the rest is read all the same: all problems are told at once.
        if metrics.is_none() && traces.is_none() && self.problems.is_empty() {
            return None;
        }
        self.check_protocol();
        let (headers, timeout, trust) = (self.headers(), self.timeout(), self.trust());
        Some(Collector { metrics, traces, headers, timeout, trust })
    }

    /// Where a collector at `url`, which `place` names, takes metrics and traces.
    fn both(&mut self, place: &str, url: &str) -> [Option<String>; 2] {
        let Some(url) = self.url(place, url) else { return [None, None] };
        let base = url.as_str().trim_end_matches('/');
        PATHS.map(|path| Some(format!("{base}/{path}")))
    }

    /// Where one signal goes, where that is said of it alone: the URL as it is.
    fn alone(&mut self, signal: &str) -> Option<String> {
        let name = format!("{signal}_ENDPOINT");
        let url = self.otlp(&name)?;
        let url = self.url(&format!("`OTEL_EXPORTER_OTLP_{name}`"), &url)?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    }

    fn url(&mut self, place: &str, text: &str) -> Option<Url> {
        let hint = "hint: write such as http://127.0.0.1:4318";
        // What stands before an `@`, or behind the path, may be a secret, and is not repeated.
        let shown =
            text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
        let shown = match shown.split_once(['?', '#']) {
            Some((before, _)) => format!("{before}…"),
            None => shown,
        };
        let why = match Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                "it is neither http nor https".to_owned()
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "who asks is said in `OTEL_EXPORTER_OTLP_HEADERS`, not in the address".to_owned()
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                "nothing may follow its path".to_owned()
            }
            Ok(url) => return Some(url),
            Err(error) => error.to_string(),
        };
        self.problems.push(format!("{place} `{shown}`: {why}\n{hint}"));
        None
    }

    fn check_protocol(&mut self) {
        let signals = ["METRICS_PROTOCOL", "TRACES_PROTOCOL"];
        let said = signals.map(|own| [own, "PROTOCOL"].map(|name| (name, self.otlp(name))));
        let obeyed =
            said.into_iter().filter_map(|both| both.into_iter().find(|(_, it)| it.is_some()));
        let wrong: BTreeSet<(&str, String)> = obeyed
            .filter_map(|(name, protocol)| Some((name, protocol?)))
            .filter(|(_, protocol)| protocol != "http/protobuf")
            .collect();
        self.problems.extend(wrong.into_iter().map(|(name, protocol)| {
            format!(
                "`OTEL_EXPORTER_OTLP_{name}` `{protocol}`: `http/protobuf` is what is spoken here\n\
                 hint: name the collector's port for HTTP, usually 4318, and this protocol; or `--otlp off`"
            )
        }));
    }

    /// What is said to the collector besides: `name=value`, with commas between them.
    fn headers(&mut self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.pairs("OTEL_EXPORTER_OTLP_HEADERS") {
            let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
            match parsed.zip(HeaderValue::from_str(&value).ok()) {
                Some((name, mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                // A value may be a key, and is not repeated.
                None => self.problems.push(format!(
                    "`OTEL_EXPORTER_OTLP_HEADERS`: `{name}` is no name of a field, or its value none\n\
                     hint: write name=value,name=value, and what is no letter as %20"
                )),
            }
        }
        headers
    }

    fn timeout(&mut self) -> Duration {
        let Some(text) = self.otlp("TIMEOUT") else { return TIMEOUT };
        if let Ok(ms @ 1..=600_000) = text.trim().parse() {
            return Duration::from_millis(ms);
        }
        self.problems.push(format!(
            "`OTEL_EXPORTER_OTLP_TIMEOUT` `{text}`: it is no number of milliseconds from 1 to 600000\n\
             hint: leave it out for 10000"
        ));
        TIMEOUT
    }

    fn trust(&mut self) -> Trust {
        let Some(file) = self.otlp("CERTIFICATE").map(PathBuf::from) else {
            return Trust::default();
        };
        match fs::read(&file) {
            Ok(besides) => Trust::System { besides: Some(besides) },
            Err(error) => {
                let file = file.display();
                self.problems.push(format!(
                    "`OTEL_EXPORTER_OTLP_CERTIFICATE` `{file}`: {error}\n\
                     hint: name a file of certificates (PEM)"
                ));
                Trust::default()
            }
        }
    }

    /// What the run's owner says of it.
    fn resource(&mut self) -> Vec<(String, String)> {
        let mut resource = self.pairs("OTEL_RESOURCE_ATTRIBUTES");
        if let Some(name) = self.variable("OTEL_SERVICE_NAME") {
            resource.push(("service.name".to_owned(), name));
        }
        resource
    }

    /// What stands in a variable as `name=value`, with commas between them and values percent-encoded.
    fn pairs(&mut self, name: &str) -> Vec<(String, String)> {
        let Some(text) = self.variable(name) else { return Vec::new() };
        let mut pairs = Vec::new();
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        for (number, part) in (1..).zip(parts) {
            let value = |value| percent_decode_str(value).decode_utf8().ok();
            match part.split_once('=').map(|(name, said)| (name.trim(), value(said.trim()))) {
                Some((name, Some(value))) if !name.is_empty() => {
                    pairs.push((name.to_owned(), value.into_owned()));
                }
                _ => self.problems.push(format!(
                    "`{name}`: entry {number} is not name=value\nhint: write name=value,name=value, and what is \
                     no letter as %20"
                )),
            }
        }
        pairs
    }
}

impl Telling {
    /// Opens the place where scrapes are answered, and says which that is, unless `quiet`.
    pub(super) fn open(self, quiet: bool) -> anyhow::Result<Teller> {
        let listener = self.scrape.map(listen).transpose();
        let listener = listener.map_err(|error| anyhow::anyhow!("failed to {error}"))?;
        if let Some(listener) = listener.as_ref().filter(|_| !quiet) {
            let at = listener.local_addr().context("failed to read its own address")?;
            say(&format!("metrics: http://{at}/metrics"));
        }
        Ok(Teller { telling: self, listener })
    }
}

impl Teller {
    /// Which fans of the run are traced.
    pub(super) fn sampler(&self, scenario: &Scenario, began_utc_ns: u64) -> Option<Sampler> {
        self.telling.share.map(|share| Sampler::new(share, scenario.seed, began_utc_ns))
    }

    /// Begins to tell of a run, if anybody wants to be told.
    pub(super) fn begin(
        &self,
        scenario: &Scenario,
        settings: &Settings,
    ) -> anyhow::Result<Option<Exporter>> {
        let collector = self.telling.collector.clone();
        if self.listener.is_none() && collector.is_none() {
            return Ok(None);
        }
        // Of several runs each answers at the same place.
        let listener = self.listener.as_ref().map(TcpListener::try_clone).transpose();
        let listener = listener.context("failed to answer scrapes")?;
        let run = self.run(scenario, settings);
        let exporter = Exporter::start(listener, collector, run, settings.clock)
            .map_err(|error| anyhow::anyhow!("failed to {error}"))?;
        Ok(Some(exporter))
    }

    /// The run as those who are told know it.
    fn run(&self, scenario: &Scenario, settings: &Settings) -> Run {
        let stages = scenario.populations.iter().flat_map(|them| &them.crowd.route.stages);
        let own = [
            ("service.name", env!("CARGO_PKG_NAME").to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", settings.run.clone()),
            ("spike.scenario", scenario.name.clone()),
            ("spike.seed", scenario.seed.to_string()),
            ("spike.scale", scenario.scale.to_string()),
        ];
        let mut resource: Vec<(String, String)> =
            own.map(|(name, value)| (name.to_owned(), value)).into();
        // What the owner says goes before, and what is said last.
        for (name, value) in &self.telling.resource {
            match resource.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.clone_from(value),
                None => resource.push((name.clone(), value.clone())),
            }
        }
        Run {
            began_utc_ns: settings.clock.began_utc_ns(),
            opening: scenario.first_opening(),
            operations: stages.map(|stage| stage.operation).collect(),
            resource,
        }
    }
}

#[cfg(test)]
mod tests;

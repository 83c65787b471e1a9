use super::*;

fn read(args: &TelemetryArgs, variables: &[(&str, &str)]) -> Result<Telling, TellingError> {
    let known = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    telling(args, known)
}

fn otlp(url: &str) -> TelemetryArgs {
    TelemetryArgs { otlp: Some(url.to_owned()), ..TelemetryArgs::default() }
}

/// Where metrics and traces go.
fn places(args: &TelemetryArgs, variables: &[(&str, &str)]) -> [Option<String>; 2] {
    let collector = read(args, variables).unwrap().collector;
    collector.map_or([None, None], |collector| [collector.metrics, collector.traces])
}

fn at(urls: [&str; 2]) -> [Option<String>; 2] {
    urls.map(|url| Some(url.to_owned()))
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn who_says_nothing_tells_nobody_and_traces_nothing() {
    let silent = TelemetryArgs::default();
    assert_eq!(read(&silent, &[]), Ok(Telling::default()));
    assert_eq!(read(&silent, &[(ENDPOINT, " ")]), Ok(Telling::default()), "empty says nothing");
    let odd = [("OTEL_RESOURCE_ATTRIBUTES", "=")];
    assert_eq!(read(&silent, &odd), Ok(Telling::default()), "it is said to others");
    let scraped: SocketAddr = "127.0.0.1:9464".parse().unwrap();
    let args = TelemetryArgs { metrics: Some(scraped), ..silent };
    let telling = read(&args, &[]).unwrap();
    assert_eq!((telling.scrape, telling.share), (Some(scraped), None));
}

#[test]
fn a_collector_takes_both_below_its_address_and_a_flag_goes_before_variables() {
    let silent = TelemetryArgs::default();
    let local = at(["http://127.0.0.1:4318/v1/metrics", "http://127.0.0.1:4318/v1/traces"]);
    assert_eq!(places(&otlp("http://127.0.0.1:4318"), &[]), local);
    assert_eq!(places(&silent, &[(ENDPOINT, "http://127.0.0.1:4318/")]), local);
    assert_eq!(places(&otlp("http://127.0.0.1:4318"), &[(ENDPOINT, "http://elsewhere")]), local);
    let below = at(["https://otel.test/otlp/v1/metrics", "https://otel.test/otlp/v1/traces"]);
    assert_eq!(places(&silent, &[(ENDPOINT, "https://otel.test/otlp")]), below);
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://tempo.test/in");
    let apart = at(["http://127.0.0.1:4318/v1/metrics", "http://tempo.test/in"]);
    assert_eq!(places(&silent, &[(ENDPOINT, "http://127.0.0.1:4318"), own]), apart);
    assert_eq!(places(&silent, &[own]), [None, Some("http://tempo.test/in".to_owned())]);
}

#[test]
fn off_is_off_and_a_signal_may_be_left_out() {
    let silent = TelemetryArgs::default();
    let endpoint = (ENDPOINT, "http://127.0.0.1:4318");
    assert_eq!(places(&otlp("off"), &[endpoint]), [None, None]);
    assert_eq!(places(&silent, &[endpoint, ("OTEL_SDK_DISABLED", "true")]), [None, None]);
    let no_traces = [endpoint, ("OTEL_TRACES_EXPORTER", "none")];
    let [metrics, traces] = places(&silent, &no_traces);
    assert_eq!((metrics.is_some(), traces), (true, None));
    assert_eq!(read(&silent, &no_traces).unwrap().share, None, "who tells no traces makes none");
}

#[test]
fn a_hundredth_is_traced_where_traces_are_pushed_unless_another_share_is_named() {
    let pushed = otlp("http://127.0.0.1:4318");
    let share = |args: &TelemetryArgs| read(args, &[]).unwrap().share;
    assert_eq!(share(&pushed), Some(0.01));
    assert_eq!(share(&TelemetryArgs { trace: Some(0.5), ..pushed.clone() }), Some(0.5));
    assert_eq!(share(&TelemetryArgs { trace: Some(0.0), ..pushed }), None);
    // The shop's own traces join where nobody here keeps any.
    let alone = TelemetryArgs { trace: Some(0.1), ..TelemetryArgs::default() };
    assert_eq!(share(&alone), Some(0.1));
}

#[test]
fn what_a_collector_is_told_besides_is_read_and_not_shown() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0, x-scope=a"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging,team=%E7%89%A9%E8%B2%A9"),
        ("OTEL_SERVICE_NAME", "rehearsal"),
    ];
    let telling = read(&otlp("http://127.0.0.1:4318"), &variables).unwrap();
    let shown = format!("{telling:?}");
    let collector = telling.collector.unwrap();
    assert_eq!(collector.headers["authorization"], "Basic c2VjcmV0");
    assert_eq!(collector.headers["x-scope"], "a");
    assert_eq!(collector.timeout, Duration::from_millis(2_500));
    let said = [
        ("deployment.environment.name", "staging"),
        ("team", "物販"),
        ("service.name", "rehearsal"),
    ];
    assert_eq!(telling.resource, said.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(!shown.contains("c2VjcmV0"), "{shown}");
}

#[test]
fn all_that_makes_no_sense_is_told_at_once_with_its_place_and_a_cure() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/at/all.pem"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,=2"),
        (ENDPOINT, "127.0.0.1:4317"),
    ];
    let error = read(&TelemetryArgs::default(), &variables).unwrap_err().to_string();
    insta::assert_snapshot!(error);
    for (url, why) in [
        ("127.0.0.1:4318", "without a base"),
        ("ftp://a", "neither http nor https"),
        ("http://me:hush@a", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://a/?key=hush", "nothing may follow"),
        ("http://a/#hush", "nothing may follow"),
        ("a/?key=hush@a?hush", "without a base"),
    ] {
        let error = read(&otlp(url), &[]).unwrap_err().to_string();
        assert!(error.contains("`--otlp` `") && error.contains(why), "{error}");
        assert!(error.contains("hint: ") && !error.contains("hush"), "{error}");
    }
}

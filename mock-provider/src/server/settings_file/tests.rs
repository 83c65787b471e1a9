use clap::Parser;
use domain::time::Duration;

use super::*;
use crate::settings::{Cards, EndpointSettings, Faults, Keys, Moment, Overrides};

/// Noon in Japan on Christmas Eve \[ns of UTC\].
const NOON_UTC_NS: u64 = 1_798_081_200_000_000_000;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn args(words: &[&str]) -> Args {
    Command::try_parse_from(std::iter::once(&"mock-provider").chain(words)).unwrap().args
}

fn meant(args: &Args) -> Result<Settings, SettingsError> {
    settings_of(args, NOON_UTC_NS)
}

fn profile_of(name: &str) -> Settings {
    meant(&args(&["--profile", name])).unwrap()
}

/// What a file of that name means, or what is wrong with it; its folder is called `.`.
fn from_file(name: &str, text: &str, words: &[&str]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let base = "extends = \"shared-30\"\nprovenance = \"ours\"\ndeclines = 0.25\n";
    std::fs::write(folder.path().join("base.toml"), base).unwrap();
    let args = if name.starts_with("settings") {
        Args { settings: Some(path), ..args(words) }
    } else {
        Args { profile: Some(path.display().to_string()), ..args(words) }
    };
    meant(&args).map_err(|error| {
        let text = format!("{:#}", anyhow::Error::from(error));
        text.replace(&folder.path().display().to_string(), ".")
    })
}

#[test]
fn a_file_of_all_keys_means_what_it_says() {
    let settings = Overrides::default().resolve(u64::MAX).unwrap().scaled(0.2);
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(from_file("settings.json", &text, &[]).unwrap(), settings);
    let read = from_file("settings.json", &text, &["--seed", "8"]).unwrap();
    assert_eq!(read, Settings { seed: 8, ..settings });
}

#[test]
fn a_file_may_hold_a_part_of_the_keys() {
    let expected = Settings { cards: Cards::Drawn, seed: 5, ..profile_of("shared-30") };
    let json = r#"{ "profile": "shared-30", "cards": "drawn", "seed": 5, "declines": null }"#;
    assert_eq!(from_file("settings.json", json, &[]).unwrap(), expected);
    let toml = "profile = \"shared-30\"\ncards = \"drawn\"\nseed = 5";
    assert_eq!(from_file("settings.toml", toml, &[]).unwrap(), expected);
}

#[test]
fn a_scenario_may_be_given_for_its_provider() {
    let expected = Settings { cards: Cards::Drawn, seed: 5, ..profile_of("shared-30") };
    let around = "schema = 1\nname = \"own\"\nseed = 5\n[target]\nurl = \"http://127.0.0.1:1\"\n\
                  [[sale]]\nid = \"noon\"\nopens = \"+1s\"\n";
    let own = "[provider]\nprofile = \"shared-30\"\ncards = \"drawn\"\n";
    assert_eq!(from_file("settings.toml", &format!("{around}{own}"), &[]).unwrap(), expected);
    // What is wrong there is told with its line in the scenario, and nothing of the rest.
    let wrong = from_file("settings.toml", &format!("{around}{own}crads = 1\n"), &[]).unwrap_err();
    assert!(wrong.contains("./settings.toml:12: ") && wrong.contains("crads"), "{wrong}");
    assert!(!wrong.contains("sale"), "{wrong}");
    let none = from_file("settings.toml", around, &[]).unwrap();
    assert_eq!(none, Settings { seed: 5, ..profile_of(DEFAULT) });
}

#[test]
fn a_profile_may_be_a_file_that_extends_another() {
    let text = "extends = \"stripe-2026\"\nprovenance = \"our own measurements\"\n\
                [keys]\nlength = 64\n";
    let read = from_file("ours.toml", text, &[]).unwrap();
    let base = profile_of("stripe-2026");
    let keys = Keys { length: 64, ..base.keys };
    assert_eq!(Settings { profile: "stripe-2026".to_owned(), ..read }, Settings { keys, ..base });
    let chained = from_file("ours.toml", "extends = \"base.toml\"\nfaults.slow_body = 0.1", &[]);
    let chained = chained.unwrap();
    assert_eq!((chained.declines, chained.faults.slow_body), (0.25, 0.1));
    assert_eq!(chained.limits, profile_of("shared-30").limits);
    let circle = from_file("ours.toml", "extends = \"./ours.toml\"", &[]).unwrap_err();
    assert!(circle.contains("extends too many others"), "{circle}");
}

#[test]
fn a_profile_that_extends_nothing_says_all() {
    let text =
        "declines = 0\nlatency = { authorize = \"1ms\" }\nholds = { jpy = \"1d\", other = \"1d\" }";
    assert_eq!(
        from_file("ours.toml", text, &[]).unwrap_err(),
        "the settings are wrong:\n\
         ./ours.toml: decline_mix: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: keys.kept: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: keys.length: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: latency.capture: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: latency.other: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: latency.refund: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: latency.refusal: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: latency.void: missing; write it, or `extends = \"stripe-2024\"`\n\
         ./ours.toml: limits: missing; write it, or `extends = \"stripe-2024\"`"
    );
}

#[test]
fn a_key_beside_its_misspelling_is_checked_too() {
    let text = "extends = \"shared-30\"\ndeclines = 2\ndeclinez = 0.1\n";
    assert_eq!(
        from_file("ours.toml", text, &[]).unwrap_err(),
        "the settings are wrong:\n\
         ./ours.toml:3: declinez: unknown key `declinez`: did you mean `declines`?\n\
         ./ours.toml:2: declines: 2: must be from 0 to 1"
    );
}

#[test]
fn a_wrong_profile_is_told_all_that_is_wrong_with_line_key_and_range() {
    let text = r#"extends = "shared-30"
provenance = 3
declins = 0.1
latency.void = "1 parsec"

[keys]
length = 900

[[limits]]
rate = -1
algoritm = "gcra"

[[limits]]
rate = "many"
scope = "globe"

[[limits]]
algorithm = "concurrency"
burst = 3
"#;
    assert_eq!(
        from_file("ours.toml", text, &[]).unwrap_err(),
        "the settings are wrong:\n\
         ./ours.toml:2: provenance: must be text\n\
         ./ours.toml:3: declins: unknown key `declins`: did you mean `declines`?\n\
         ./ours.toml:4: latency.void: `1 parsec` is not a length of time: write a number and a \
         unit, such as \"250ms\", \"1.5s\" or \"2m\"\n\
         ./ours.toml:11: limits.0.algoritm: unknown key `algoritm`: did you mean `algorithm`?\n\
         ./ours.toml:14: limits.1.rate: invalid type: string \"many\", expected a number\n\
         ./ours.toml:15: limits.1.scope: unknown word `globe`: did you mean `global`?\n\
         ./ours.toml:10: limits.0.rate: -1 calls per second: must be above 0 and at most 1e9\n\
         ./ours.toml:19: limits.2.burst: `concurrency` has no `burst`: it has `calls`\n\
         ./ours.toml:17: limits.2.calls: missing: `concurrency` has `calls`\n\
         ./ours.toml:7: keys.length: 900 letters: must be from 1 to 255"
    );
}

#[test]
fn wrong_syntax_is_told_with_its_line() {
    let error = from_file("ours.toml", "declines = 0\nkeys = {\n", &[]).unwrap_err();
    assert!(error.starts_with("the settings are wrong:\n./ours.toml:2"), "{error}");
    let error = from_file("settings.json", "{\n\"declines\": }", &[]).unwrap_err();
    assert_eq!(
        error,
        "the settings are wrong:\n./settings.json:2: expected value at line 2 column 13"
    );
}

#[test]
fn a_wrong_settings_file_in_json_is_told_what_is_wrong_and_where() {
    let text = r#"{ "decline": 0.1, "limits": [{ "rate": 0 }], "seed": -1,
        "schedule": [{ "at": "noon", "limit": 0, "rate": 5 }] }"#;
    assert_eq!(
        from_file("settings.json", text, &[]).unwrap_err(),
        "the settings are wrong:\n\
         ./settings.json: decline: unknown key `decline`: did you mean `declines`?\n\
         ./settings.json: schedule.0.at: `noon` is no moment: write \"+65s\" or \
         \"2026-12-24T12:05:00+09:00\"\n\
         ./settings.json: seed: must be a whole number, 0 or more\n\
         ./settings.json: limits.0.rate: 0 calls per second: must be above 0 and at most 1e9"
    );
    let profile = from_file("settings.json", r#"{ "profile": "shared-3" }"#, &[]).unwrap_err();
    assert!(profile.contains("did you mean `shared-30`"), "{profile}");
}

#[test]
fn the_command_line_sets_single_values() {
    let words = [
        "--profile",
        "stripe-2026",
        "--set",
        "declines=0;limits.0.rate=30",
        "--set",
        "limits.endpoint.burst=5",
        "--set",
        "latency.capture={ mean = \"20ms\" }",
        "--set",
        "faults.commit_then_timeout=0.001",
        "--set",
        "limits.0.headers=none",
        "--set",
        "seed=9",
    ];
    let settings = meant(&args(&words)).unwrap();
    assert_eq!((settings.declines, settings.seed), (0.0, 9));
    assert_eq!((settings.limits[0].rate, settings.limits[1].burst), (Some(30.0), Some(5.0)));
    let faults = Faults { commit_then_timeout: 0.001, ..Faults::default() };
    assert_eq!(settings.faults, faults);
    assert_eq!(settings.latency.capture.mean(), Duration::from_millis(20));
}

#[test]
fn a_value_that_cannot_be_set_says_why() {
    let error = |set: &str| meant(&args(&["--set", set])).unwrap_err().to_string();
    let of = |why: &str| format!("the settings are wrong:\n{why}");
    assert_eq!(error("declines"), of("--set declines: write `--set key.key=value`"));
    assert_eq!(
        error("declins=0"),
        of("--set declins=0: unknown key `declins`: did you mean `declines`?")
    );
    assert_eq!(
        error("limits.7.rate=1"),
        of("--set limits.7.rate=1: there is no `limits.7`: its entries are 0 to 3")
    );
    assert_eq!(
        error("declines=many"),
        of("--set declines=many: invalid type: string \"many\", expected a number")
    );
    assert_eq!(
        error("declines.x=1"),
        of("--set declines.x=1: `declines` is 0.05, and holds nothing")
    );
    assert_eq!(
        error("limits.0.rate=-1"),
        of("--set limits.0.rate: -1 calls per second: must be above 0 and at most 1e9")
    );
    assert_eq!(error("profile=x"), of("--set profile=x: write `--profile` instead"));
}

#[test]
fn an_instant_of_the_schedule_is_a_time_of_the_run() {
    let text = "[[schedule]]\nat = \"2026-12-24T12:05:00+09:00\"\nlimit = \"write\"\nrate = 200";
    let settings = from_file("settings.toml", text, &[]).unwrap();
    assert_eq!(settings.schedule[0].at, Moment::After(Duration::from_mins(5)));
}

#[test]
fn every_profile_is_listed_with_its_limits_and_its_provenance() {
    let list = list_profiles();
    assert_eq!(list.lines().count(), 3 * profiles().count());
    let stripe = "stripe-2026-test\n    global 25/s (burst 25), endpoint 25/s (burst 25), \
                  concurrency 20 in flight, updates 0.277777778/s (burst 1000), \
                  lock one at a time (1s)\n    limits [V] docs.stripe.com/rate-limits";
    assert!(list.contains(stripe), "{list}");
}

#[test]
fn webhooks_can_be_asked_for_on_the_command_line() {
    let words = ["--webhook", "http://shop.test/a,s", "--webhook", "http://127.0.0.1:1/b"];
    let told = |more: &[&str]| meant(&args(&[&words[..], more].concat()));
    let webhooks = told(&["--webhook-hosts", "other.test,shop.test"]).unwrap().webhooks;
    let endpoint =
        |url, secret: Option<&str>| EndpointSettings::new(url, secret.map(str::to_owned));
    let endpoints =
        [endpoint("http://shop.test/a", Some("s")), endpoint("http://127.0.0.1:1/b", None)];
    assert_eq!(webhooks.endpoints, endpoints);
    let message = told(&[]).unwrap_err().to_string();
    assert!(message.contains("webhooks.endpoints.0.url: `shop.test` is not this"), "{message}");
}

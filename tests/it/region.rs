//! A region that is lost in virtual time: what is refused of its settings, what it does to a run, and what is told.

use spike::measure::RegionSummary;
use spike::scenario::offer;
use spike::verdict::Judged;

use crate::problems::{refused, refused_alone};
use crate::rehearsal::{scenario, set, simulate, violated};

/// Five people a second buy one of 600 pieces each, for four minutes, after which all are sold.
fn text(region: &str) -> String {
    format!(
        "schema = 1\nname = \"lost\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"5m\"\nlimit_per_fan = 1\n\
         items = [{{ id = \"tee\", stock = 600, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 1_200\n\
         arrive = {{ shape = \"constant\", from = \"0s\", over = \"240s\" }}\n\
         reload = {{ calls = 0 }}\npieces = [1]\nabandon = 0.0\nsold_out = {{ leave = 1 }}\n\
         timeout = \"3s\"\nretry = {{ attempts = 100, base = \"1s\", cap = \"5s\", give_up = 0 }}\n\
         [shop]\nstorage = \"postgres\"\n[provider]\nprofile = \"stripe-2024\"\ndeclines = 0.0\n\
         [stack]\nnetwork = \"20ms\"\n[stack.region]\n{region}\n"
    )
}

/// Lost for good after a minute, found out after 10 s; the standby serves 20 s later.
const LOST: &str =
    "at = \"60s\"\nlasts = \"1h\"\ndetection = \"10s\"\ndatabase = \"20s\"\nttl = \"10s\"\n";

/// What cannot work, each alone.
const MISTAKES: [&str; 14] = [
    "lasts = \"10m\"",
    "at = \"5m\"",
    "at = \"-10s\"\nlasts = \"10m\"",
    "at = \"5m\"\nlasts = \"0s\"",
    "at = \"5m\"\nlasts = \"30d\"",
    "at = \"5m\"\nlasts = \"10m\"\ndetection = \"30d\"",
    "at = \"5m\"\nlasts = \"10m\"\nlag = \"0s\"",
    "at = \"5m\"\nlasts = \"10m\"\nlag = \"8s\"\nround_trip = \"15ms\"",
    "at = \"5m\"\nlasts = \"10m\"\nfenced = 1",
    "at = \"5m\"\nlasts = \"10m\"\nstandby = \"warm\"",
    "at = \"5m\"\nlasts = \"10m\"\n[stack.balancer]\ncapacity = \"1000/s\"",
    "at = \"5m\"\nlasts = \"10m\"\n[stack.edge]\nservers = 4\nservice = \"1ms\"",
    "at = \"5m\"\nlasts = \"10m\"\n[stack.application]\nservers = 4\nservice = \"1ms\"\n\
     slowdowns = [{ at = \"1m\", lasts = \"10s\", capacity = 0.5 }]",
    "at = \"5m\"\nlasts = \"10m\"\n[stack.database]\nservers = 4\nservice = \"1ms\"\n\
     failovers = [{ at = \"1m\" }]",
];

#[test]
fn each_region_that_cannot_be_lost_so_is_refused_with_its_line() {
    insta::assert_snapshot!(refused_alone("lost.toml", MISTAKES.map(text)));
    let all = "at = \"-10s\"\nlasts = \"0s\"\nttl = \"30d\"\nlag = \"0s\"\nround_trip = \"0s\"\n\
               [stack.balancer]\ncapacity = \"1000/s\"";
    let told = refused("lost.toml", &text(all));
    assert!(told.ends_with(": 7 problems\n"), "{told}");
}

fn lived(region: &str) -> Judged {
    simulate(&scenario(&text(&format!("{LOST}{region}")), &set(&[]))).0
}

fn told(judged: &Judged) -> &RegionSummary {
    judged.measured.region.as_ref().unwrap()
}

/// Operations of the second that begins then \[s\] that were answered well.
fn good(judged: &Judged, at_s: f64) -> u64 {
    let second = judged.measured.timeline.iter().find(|second| second.at_s == at_s);
    second.unwrap().useful
}

fn sold(judged: &Judged) -> u64 {
    judged.measured.sales["day-1"].items["tee"].sold
}

#[test]
fn nothing_serves_until_the_standby_does_and_nothing_is_lost() {
    let judged = lived("round_trip = \"15ms\"");
    let region = told(&judged);
    // It is lost at 61 s, and 30 s later another one serves.
    assert_eq!((region.lost_s, region.serves_again_s), (61.0, 91.0));
    assert_eq!((region.promoted_s, region.back_s), (Some(91.0), None));
    let outage_s = region.outage_s.unwrap();
    assert!((30.0..=41.0).contains(&outage_s), "{region:?}");
    assert!(region.unheard > 100, "{region:?}");
    assert_eq!(region.lost_orders, 0);
    assert!(good(&judged, 50.0) > 0 && good(&judged, 110.0) > 0);
    assert_eq!([62.0, 75.0, 90.0].map(|at_s| good(&judged, at_s)), [0, 0, 0]);
    assert_eq!(violated(&judged), std::collections::BTreeSet::new(), "{:?}", judged.reasons);
    assert_eq!(sold(&judged), 600);
}

#[test]
fn what_the_replica_never_heard_of_is_sold_again() {
    let behind = lived("lag = \"6s\"");
    // Five a second are sold, of which it has not heard for 6 s.
    let lost = told(&behind).lost_orders;
    assert!((20..=40).contains(&lost), "{:?}", told(&behind));
    assert!(violated(&behind).contains("INV-OVERSELL"), "{:?}", behind.reasons);
    assert_eq!(sold(&behind), 600 + lost);
    // What comes back before the standby serves sells to everybody for 10 s, and then to those who still ask there.
    let back =
        |fenced: &str| simulate(&scenario(&text(&LOST.replace("1h", "20s")), &set(&[fenced]))).0;
    let unfenced = back("stack.region.fenced=false");
    let region = told(&unfenced);
    assert_eq!((region.serves_again_s, region.back_s), (81.0, Some(81.0)));
    assert!(region.lost_orders >= 40, "{region:?}");
    assert!(violated(&unfenced).contains("INV-OVERSELL"), "{:?}", unfenced.reasons);
    assert_eq!(sold(&unfenced), 600 + region.lost_orders);
    // A fence keeps it from that, however soon it is there again.
    let fenced = back("stack.region.fenced=true");
    assert_eq!((told(&fenced).lost_orders, told(&fenced).back_s), (0, None));
    assert_eq!(sold(&fenced), 600);
}

#[test]
fn a_region_that_is_back_before_anybody_found_out_goes_on_with_what_it_has() {
    let judged = simulate(&scenario(&text(&LOST.replace("1h", "8s")), &set(&[]))).0;
    let region = told(&judged);
    assert_eq!((region.serves_again_s, region.promoted_s), (69.0, None));
    assert_eq!((region.back_s, region.lost_orders), (Some(69.0), 0));
    assert_eq!(violated(&judged), std::collections::BTreeSet::new(), "{:?}", judged.reasons);
    assert_eq!(sold(&judged), 600);
}

#[test]
fn a_synchronous_replica_is_waited_for_by_each_commit() {
    let p50_ms = |region: &str| {
        let checkout = &lived(region).measured.operations["checkout"];
        checkout.response_ms.as_ref().unwrap().p50
    };
    let (without, with) = (p50_ms(""), p50_ms("round_trip = \"400ms\""));
    assert!(with > without + 350.0, "{with} ms, and {without} ms without");
}

#[test]
fn check_says_when_the_standby_serves_and_what_it_knows() {
    let check = |region: &str| {
        let lost = scenario(&text(&format!("{LOST}{region}")), &set(&[]));
        let told = offer::render(&lost, &offer::offer(&lost, &lost));
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let told = check("lag = \"6s\"");
    for said in [
        "the region is lost at +60s of virtual time alone: 30 s later the standby serves",
        "come to it within 10 s; the replica lacks what was committed in the last 6 s",
    ] {
        assert!(told.contains(said), "{said}\n{told}");
    }
    assert!(check("round_trip = \"15ms\"").contains("each waits 15ms for it"));
}

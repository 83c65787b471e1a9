//! What would let a regression pass.

use super::*;

fn sides(a: &[f64], b: &[f64]) -> [Vec<Observed>; 2] {
    [runs("a", &[times("checkout p50", a)]), runs("b", &[times("checkout p50", b)])]
}

#[test]
fn a_run_counts_once_wherever_it_is_named() {
    let [a, b] = sides(&QUIET, &AGAIN);
    let once = [&b[..], &b[..1]].concat();
    let told = refused(&a, &once, &Policy::default());
    assert_eq!(told, ["b/001 is the same run as b/001\nhint: name each run once, and on one side"]);
    // On both sides, and under another name, as in a kept file or behind a link.
    let mut both = b.clone();
    both[7] = Observed { folder: "kept.json: a/003".to_owned(), ..a[2].clone() };
    let told = refused(&a, &both, &Policy::default());
    assert!(told.len() == 1 && told[0].starts_with("kept.json: a/003 is the same run as a/003"));
    let told = fit(&once, &Policy::default()).unwrap_err();
    assert!(matches!(&told[..], [Refusal::Twice { .. }]), "{told:?}");
}

#[test]
fn what_says_little_or_violates_is_no_baseline() {
    let [a, mut b] = sides(&QUIET, &AGAIN);
    assert_eq!(fit(&a, &Policy::default()), Ok(()));
    b[1].violated = vec!["INV-OVERSELL".to_owned()];
    b[1].verdict = Verdict::InvariantViolated;
    b[2].verdict = Verdict::Aborted;
    b[2].reasons = vec!["The run was cut short by its user.".to_owned()];
    let told = fit(&b, &Policy::default()).unwrap_err();
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("b/002 is invariant_violated, and no baseline: INV-OVERSELL"));
    assert!(told[1].starts_with("b/003 is aborted, and no baseline: The run was cut short"));
    assert_eq!(fit(&[], &Policy::default()), Err(vec![Refusal::NoRun("candidate")]));
}

#[test]
fn so_few_runs_beside_so_many_that_the_normal_law_never_tells_do_not_pass() {
    let many: Vec<f64> = (0..60).map(|run| 100.0 + f64::from(run % 8)).collect();
    let six: Vec<String> = (0..6).map(|number| format!("figure {number}")).collect();
    let of = |side, values: &[f64]| {
        let columns: Vec<Column<'_>> = six.iter().map(|name| times(name, values)).collect();
        runs(side, &columns)
    };
    let mut worse = of("b", &[101.0, 102.0, 103.0]);
    for run in &mut worse {
        run.figures.get_mut("figure 3").unwrap().value = 1_000.0;
    }
    let gated = gate(
        &of("a", &many),
        &worse,
        Layout::Apart,
        &Policy {
            figures: six.iter().map(|name| Choice { name: name.clone(), better: None }).collect(),
            ..Policy::default()
        },
    );
    let gated = gated.unwrap();
    assert_eq!(gated.verdict, Verdict::Inconclusive, "{:?}", gated.reasons);
    assert!(gated.reasons[0].contains("can never show"), "{:?}", gated.reasons);
}

#[test]
fn what_counts_from_a_doubling_on_alone_does_not_pass_as_unchanged() {
    let [a, doubled] = sides(&QUIET, &longer(2.0));
    let mut noise = Noise::of(&a, &doubled).unwrap();
    noise.figures.insert("checkout p50".to_owned(), 1.5);
    let policy =
        |min_effect| Policy { min_effect, noise: Some(noise.clone()), ..Policy::default() };
    let gated = gate(&a, &doubled, Layout::Pairs, &policy(None)).unwrap();
    assert_eq!((standing(&gated), gated.verdict), (Standing::Unchanged, Verdict::Inconclusive));
    assert!(gated.reasons[0].starts_with("checkout p50 counts from 150 % on alone"), "{gated:#?}");
    // Who asks for no less knows it.
    let gated = gate(&a, &doubled, Layout::Pairs, &policy(Some(2.0))).unwrap();
    assert_eq!(gated.verdict, Verdict::Pass, "{:?}", gated.reasons);
}

#[test]
fn who_makes_the_machine_late_far_more_often_does_not_pass() {
    let of = |late, violated: bool| {
        let [a, mut b] = sides(&QUIET, &AGAIN);
        b[0].violated.extend(violated.then(|| "INV-OVERSELL".to_owned()));
        gate(&a, &b, Layout::Pairs, &Policy::default()).unwrap().lived_again(late)
    };
    assert_eq!(of([0, 0], false).notes, of([0, 0], false).lived_again([0, 0]).notes);
    for late in [[1, 3], [4, 0]] {
        let gated = of(late, false);
        assert_eq!(gated.verdict, Verdict::Pass, "{late:?}");
        let [of_a, of_b] = late;
        let told = format!("{of_a} run(s) of the baseline and {of_b} of the candidate were.");
        assert!(gated.notes.iter().any(|note| note.ends_with(&told)), "{:?}", gated.notes);
    }
    let gated = of([0, 3], false);
    assert_eq!((gated.verdict, gated.exit_code), (Verdict::Inconclusive, 112));
    assert!(gated.reasons[0].contains("The candidate may be why"), "{:?}", gated.reasons);
    assert_eq!(of([0, 3], true).verdict, Verdict::InvariantViolated);
}

#[test]
fn fewer_orders_at_the_same_rate_are_fewer() {
    let count = ("orders confirmed", Unit::Count, Some(Better::Higher));
    let of = |side, orders: f64| {
        let column = (count.0, count.1, count.2, &[orders; 8][..]);
        runs(side, &[rates("orders per second", &QUIET), column])
    };
    let gated = gate(&of("a", 900.0), &of("b", 300.0), Layout::Pairs, &Policy::default()).unwrap();
    assert_eq!(gated.verdict, Verdict::Regression, "{:?}", gated.reasons);
    assert!(gated.reasons[0].starts_with("orders confirmed is worse by 66.7 %"));
    // Where the sale is long enough to say when it was sold out, that says it.
    let long = Figure {
        value: 60.0,
        unit: Unit::Seconds,
        ..of("a", 900.0)[0].figures["orders confirmed"]
    };
    let mut sold_out = of("a", 900.0);
    for run in &mut sold_out {
        run.figures.insert("day-1 sold out after".to_owned(), long);
    }
    assert!(!usual(&sold_out).contains(&"orders confirmed".to_owned()));
}

#[test]
fn who_asks_a_database_is_not_told_to_everybody() {
    let [a, mut b] = sides(&QUIET[..2], &AGAIN[..2]);
    for run in &mut b {
        run.scenario = json!({"name": "gate", "seed": 7, "shop": {"edge": {"ttl":
            "postgres://me:hu/sh@db-b/shop?a=1"}}});
    }
    let told = refused(&a, &b, &Policy::default()).join("\n");
    assert!(told.contains("shop.edge.ttl is \"1s\" and \"postgres://…@db-b/shop?a=1\""), "{told}");
    assert!(!told.contains("hu/sh"), "{told}");
}

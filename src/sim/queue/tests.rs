//! Plain queues against textbooks: each figure lies within four standard errors of what it must be, and
//! within 2 % of it. What is not in print is worked out beside each case.

use super::*;
use crate::evidence::queue::Estimate;
use crate::tier::queue::Length;

/// A queue with one server and no bounds, whose customers need a second in the mean.
fn plain(name: &str, rate: f64, customers: u32) -> Queue {
    Queue {
        name: name.to_owned(),
        arrivals: Arrivals::Open(Length::Exponential { mean_s: 1.0 / rate }),
        service: Length::Exponential { mean_s: 1.0 },
        servers: 1,
        limit: None,
        patience: None,
        order: Order::Fifo,
        customers,
    }
}

/// Lives it, and holds against each other what must fit whatever the queue is.
fn lived(queue: &Queue) -> QueueOutcome {
    let outcome = run(queue, 20_261_121, &mut || ControlFlow::Continue(()));
    let name = &queue.name;
    assert_eq!(outcome.unsettled, None, "{name}");
    // Little's law, of the line and of the whole: L = λ W, and the utilisation law U = X S / c.
    let joined = 1.0 - outcome.blocked.mean;
    let per_s = outcome.per_s.mean / (joined - outcome.abandoned.mean) * joined;
    let same = |what: &str, found: f64, expected: f64| {
        assert!(
            (found - expected).abs() <= 0.005 * expected + 1e-9,
            "{name} {what}: {found}, {expected}"
        );
    };
    same("line", outcome.waiting.mean, per_s * outcome.wait_s.mean);
    same("whole", outcome.in_system.mean, per_s * outcome.in_system_s.mean);
    let busy = outcome.per_s.mean * queue.service.mean_s() / f64::from(queue.servers);
    assert!((outcome.utilisation.mean / busy - 1.0).abs() < 0.02, "{name}");
    outcome
}

/// Within four standard errors, and within a share `within`.
fn is_near(what: &str, found: Estimate, expected: f64, within: f64) {
    let [low, high] = found.ci95;
    // Half the interval is two standard errors and a little, as Student's t has it.
    let error = (high - low) / 2.0 / 2.04;
    let off = (found.mean - expected).abs();
    assert!(off <= 4.0 * error, "{what}: {} is not {expected}, give or take {error}", found.mean);
    assert!(off <= within * expected, "{what}: {} is not {expected}", found.mean);
}

fn mean(found: crate::evidence::queue::TimeEstimate) -> Estimate {
    Estimate { mean: found.mean, ci95: found.ci95 }
}

#[test]
fn one_server_at_nine_tenths() {
    // M/M/1: W = 1 / (μ − λ), Wq = ρ W; the wait's tail is ρ e^{−(μ−λ)t}.
    let found = lived(&plain("m-m-1", 0.9, 16_000_000));
    is_near("W", mean(found.in_system_s), 10.0, 0.02);
    is_near("Wq", mean(found.wait_s), 9.0, 0.02);
    is_near("L", found.in_system, 9.0, 0.02);
    is_near("utilisation", found.utilisation, 0.9, 0.01);
    assert!((found.wait_s.p99 / 44.998 - 1.0).abs() < 0.02, "{}", found.wait_s.p99);
    assert!((found.wait_s.p50 / 5.878 - 1.0).abs() < 0.02, "{}", found.wait_s.p50);
}

#[test]
fn solved_exercises_of_textbooks() {
    // Bronson, Schaum's Outline of Operations Research (1982), exercises 23.3, 23.16 and 24.6.
    let hour = 3_600.0;
    let teller = Queue {
        service: Length::Exponential { mean_s: hour / 30.0 },
        ..plain("bronson-23.3", 24.0 / hour, 6_000_000)
    };
    let found = lived(&teller);
    is_near("L", found.in_system, 4.0, 0.02);
    is_near("W", mean(found.in_system_s), hour / 6.0, 0.02);
    is_near(
        "idle",
        Estimate { mean: 1.0 - found.utilisation.mean, ..found.utilisation },
        0.2,
        0.02,
    );

    let bakery = Queue {
        service: Length::Exponential { mean_s: 45.0 },
        ..plain("bronson-23.16", 1.0 / 60.0, 6_000_000)
    };
    let found = lived(&bakery);
    is_near("Lq", found.waiting, 2.25, 0.02);
    is_near("Wq", mean(found.wait_s), 2.25 * 60.0, 0.02);
    is_near("W", mean(found.in_system_s), 180.0, 0.02);

    // Its year is an hour here: a million customers would last longer than nanoseconds can count.
    let yard = Queue {
        service: Length::Exponential { mean_s: hour / 182.5 },
        servers: 3,
        ..plain("bronson-24.6", 300.0 / hour, 6_000_000)
    };
    let found = lived(&yard);
    is_near("Lq", found.waiting, 0.352, 0.02);
    is_near("L", found.in_system, 1.996, 0.02);
}

#[test]
fn many_servers() {
    // Erlang C: Wq = C / (cμ − λ); the wait's tail is C e^{−(cμ−λ)t}.
    let sixteen = Queue { servers: 16, ..plain("m-m-16", 14.4, 16_000_000) };
    let found = lived(&sixteen);
    is_near("Wq of 16", mean(found.wait_s), 0.369_590, 0.02);
    is_near("Lq of 16", found.waiting, 5.322_091, 0.02);
    assert!((found.wait_s.p99 / 2.549_88 - 1.0).abs() < 0.02, "{}", found.wait_s.p99);

    let hundred = Queue { servers: 100, ..plain("m-m-100", 95.0, 24_000_000) };
    let found = lived(&hundred);
    is_near("Wq of 100", mean(found.wait_s), 0.101_291, 0.02);
}

#[test]
fn lines_with_an_end() {
    // M/M/1/10, and M/M/16/80 under more than it can serve.
    let short = Queue { limit: Some(10), ..plain("m-m-1-10", 0.9, 4_000_000) };
    let found = lived(&short);
    is_near("blocked", found.blocked, 0.050_813_7, 0.02);
    is_near("Lq", found.waiting, 3.115_173, 0.02);
    is_near("Wq", mean(found.wait_s), 3.646_601, 0.02);

    let full = Queue { servers: 16, limit: Some(80), ..plain("m-m-16-80", 20.0, 4_000_000) };
    let found = lived(&full);
    is_near("blocked", found.blocked, 0.2, 0.02);
    is_near("Lq", found.waiting, 60.0, 0.02);
    is_near("Wq", mean(found.wait_s), 3.75, 0.02);
}

#[test]
fn lines_without_a_place_to_wait() {
    // Erlang B, the usual 1 % table: 10 lines carry 4.461 erlang, 15 lines 8.108, 100 lines 84.064;
    // and whatever the service's law is.
    for (lines, asked, customers) in
        [(10, 4.461, 4_000_000), (15, 8.108, 4_000_000), (100, 84.064, 16_000_000)]
    {
        for (law, service) in
            [("m", Length::Exponential { mean_s: 1.0 }), ("d", Length::Constant { mean_s: 1.0 })]
        {
            let queue = Queue {
                servers: lines,
                limit: Some(lines),
                service,
                ..plain(&format!("erlang-b-{lines}-{law}"), asked, customers)
            };
            is_near(&queue.name, lived(&queue).blocked, 0.01, 0.02);
        }
    }
}

#[test]
fn any_service_behind_one_server() {
    // Pollaczek and Khinchine: Wq = ρ (1 + cv²) / 2 (μ − λ), at ρ = 0.8.
    for (name, service, expected, customers) in [
        ("d", Length::Constant { mean_s: 1.0 }, 2.0, 4_000_000),
        ("e4", Length::Erlang { mean_s: 1.0, phases: 4 }, 2.5, 4_000_000),
        ("m", Length::Exponential { mean_s: 1.0 }, 4.0, 6_000_000),
        ("h2", Length::Hyperexponential { mean_s: 1.0, cv2: 4.0 }, 10.0, 16_000_000),
        ("ln", Length::lognormal(1.0, 4.0), 10.0, 16_000_000),
    ] {
        let queue = Queue { service, ..plain(&format!("m-{name}-1"), 0.8, customers) };
        is_near(name, mean(lived(&queue).wait_s), expected, 0.02);
    }
}

#[test]
fn any_gaps_before_one_server() {
    // GI/M/1: Wq = σ / μ(1 − σ), σ the root of σ = E[e^{−μ(1−σ)A}], at ρ = 0.8.
    for (name, gaps, expected) in [
        ("d", Length::Constant { mean_s: 1.25 }, 1.692_73),
        ("e2", Length::Erlang { mean_s: 1.25, phases: 2 }, 2.843_98),
        ("h2", Length::Hyperexponential { mean_s: 1.25, cv2: 4.0 }, 9.819_19),
    ] {
        let arrivals = Arrivals::Open(gaps);
        let queue = Queue { arrivals, ..plain(&format!("{name}-m-1"), 0.8, 12_000_000) };
        is_near(name, mean(lived(&queue).wait_s), expected, 0.02);
    }
}

#[test]
fn machines_and_who_repairs_them() {
    // M/M/c//N, by the exact product form: throughput X, response R.
    for (population, servers, think_s, service_s, per_s, stay_s) in [
        (10, 1, 10.0, 1.0, 0.785_418, 2.732_08),
        (100, 4, 20.0, 0.5, 4.858_182, 0.583_831),
        (1_000, 16, 20.0, 0.25, 49.344_351, 0.265_745),
    ] {
        let queue = Queue {
            arrivals: Arrivals::Closed {
                population,
                think: Length::Exponential { mean_s: think_s },
            },
            service: Length::Exponential { mean_s: service_s },
            servers,
            ..plain(&format!("repair-{population}"), 1.0, 3_000_000)
        };
        let found = lived(&queue);
        is_near("throughput", found.per_s, per_s, 0.01);
        is_near("response", mean(found.in_system_s), stay_s, 0.02);
    }
}

#[test]
fn clients_of_one_hot_row() {
    // The same with one server: who holds the row 3.5 ms and is 10 ms without it. It cannot be more than one
    // transaction per 3.5 ms, 285.7/s.
    for (clients, per_s) in [(1, 74.1), (2, 138.8), (4, 231.4), (8, 283.9), (16, 285.7)] {
        let queue = Queue {
            arrivals: Arrivals::Closed {
                population: clients,
                think: Length::Exponential { mean_s: 0.010 },
            },
            service: Length::Exponential { mean_s: 0.003_5 },
            ..plain(&format!("hot-row-{clients}"), 1.0, 1_000_000)
        };
        is_near("transactions", lived(&queue).per_s, per_s, 0.01);
    }
}

#[test]
fn servers_that_all_share() {
    // M/G/1 processor sharing: the stay is 1 / (μ − λ) whatever the service's law is.
    for (name, service) in [
        ("m", Length::Exponential { mean_s: 1.0 }),
        ("h2", Length::Hyperexponential { mean_s: 1.0, cv2: 4.0 }),
    ] {
        let order = Order::Sharing;
        let queue = Queue { service, order, ..plain(&format!("ps-{name}"), 0.8, 8_000_000) };
        is_near(name, mean(lived(&queue).in_system_s), 5.0, 0.02);
    }
}

#[test]
fn who_waits_too_long_gives_up() {
    // M/M/1 + M, λ = μ = θ = 1: the number there is Poisson with mean λ/μ... with one server and θ = μ
    // each customer leaves at rate μ, so L = 1, and 1 − (1 − e^{−1}) give up.
    let queue = Queue {
        patience: Some(Length::Exponential { mean_s: 1.0 }),
        ..plain("erlang-a", 1.0, 4_000_000)
    };
    let found = lived(&queue);
    is_near("L", found.in_system, 1.0, 0.02);
    is_near("abandoned", found.abandoned, (-1.0_f64).exp(), 0.02);
}

#[test]
fn a_line_that_grows_is_not_settled() {
    for (rate, name) in [(1.0, "at-capacity"), (1.2, "overload")] {
        let queue = plain(name, rate, 200_000);
        let found = run(&queue, 7, &mut || ControlFlow::Continue(()));
        assert!(found.unsettled.unwrap().contains("the line grows"), "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let queue = plain("m-m-1", 0.9, 100_000);
    let once = || run(&queue, 7, &mut || ControlFlow::Continue(()));
    assert_eq!(once(), once());
    assert_ne!(once(), run(&queue, 8, &mut || ControlFlow::Continue(())));
}

#[test]
fn who_breaks_it_off_gets_no_steady_state() {
    let found = run(&plain("m-m-1", 0.5, 1_000_000), 7, &mut || ControlFlow::Break(()));
    assert_eq!(found.unsettled.unwrap(), "it was broken off");
}

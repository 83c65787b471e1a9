//! Step responses, worked out by hand: arrivals are even, nothing is drawn, nothing waits.

use domain::law::Law;
use domain::rate::Rate;
use domain::time::{Duration, Span, Time};

use super::*;
use crate::tier::tasks::nodes::Nodes;
use crate::tier::tasks::{Start, Tasks};

/// Servers of a task: enough that a share of them is a fine measure.
const SERVERS: u32 = 1_000;
/// A minute.
const MINUTE_S: u64 = 60;

fn span(seconds: u64) -> Span {
    Span(Duration::from_secs(seconds))
}

fn start(boot_s: u64) -> Start {
    Start { boot: Law::Constant(Duration::from_secs(boot_s)), ..Start::default() }
}

fn application(tasks: u32) -> Application {
    Application {
        servers: Some(SERVERS),
        workers: None,
        threads: None,
        queue: None,
        service: Law::default(),
        tasks: Some(tasks),
        min: Some(1),
        max: None,
        start: start(60),
        nodes: None,
        tracking: None,
        hpa: None,
        forecast: None,
        schedule: Vec::new(),
        slowdowns: Vec::new(),
        outages: Vec::new(),
        reclaims: Vec::new(),
    }
}

/// An ECS service at 50 % of its CPU.
fn tracked(tasks: u32) -> Application {
    let text = "metric = 'utilisation'\ntarget = 0.5";
    Application { tracking: Some(toml::from_str(text).unwrap()), ..application(tasks) }
}

/// A deployment whose pods are to be at 50 % of their CPU.
fn autoscaled(tasks: u32) -> Application {
    let text = "metric = 'utilisation'\ntarget = 0.5";
    Application { hpa: Some(toml::from_str(text).unwrap()), ..application(tasks) }
}

/// What became of it: when so many were in service, and wanted, whenever one of the two changed.
fn lived(
    application: &Application,
    until_s: u64,
    demand: impl Fn(u64) -> f64,
) -> Vec<(u64, u32, u32)> {
    // The opening is at the run's second minute.
    let mut scaler = Scaler::new(application, Time::from_millis(120_000));
    let nodes = application.nodes.as_ref();
    let mut tasks = Tasks::new(application.start.clone(), nodes, application.tasks.unwrap());
    let mut sample_boot = |law: Law| law.mean();
    let mut changes = Vec::new();
    for second in 1..=until_s {
        let at = Time::from_millis(second * 1_000);
        // Over this second so many served; who is ready at its end serves from there.
        let in_service = tasks.in_service();
        let servers = u64::from(in_service * SERVERS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let asked = (demand(second) * f64::from(SERVERS)).round() as u64;
        let arrived = asked;
        let sample = Sample { tasks: in_service, servers, busy: asked.min(servers), arrived };
        tasks.advance(at, &mut sample_boot);
        tasks.second(at, &mut sample_boot);
        let desired = scaler.second(at, sample, tasks.desired());
        tasks.want(at, desired, &mut sample_boot);
        tasks.advance(at, &mut sample_boot);
        let now = (second, tasks.in_service(), tasks.desired());
        let is_new = changes
            .last()
            .is_none_or(|(_, in_service, desired)| (*in_service, *desired) != (now.1, now.2));
        if is_new {
            changes.push(now);
        }
    }
    changes
}

/// Demand in tasks, from so many to so many times 45 % of 20 tasks at the run's beginning.
fn rise(times: f64) -> impl Fn(u64) -> f64 {
    move |_| 20.0 * 0.45 * times
}

/// When so many tasks are in service first \[s\].
fn restored_s(changes: &[(u64, u32, u32)], tasks: u32) -> Option<u64> {
    changes.iter().find(|(_, in_service, _)| *in_service >= tasks).map(|(at, ..)| *at)
}

#[test]
fn a_spike_of_three_times_has_no_help_before_240_s_and_all_of_it_at_540_s() {
    // 45 % to 135 %, of which 100 % is seen: datapoints at 60, 120 and 180 s raise the alarm, and the
    // clipped metric asks for twice as many. Only after the cooldown is 67.5 % seen, which asks for
    // 54 = 20 * 2.7.
    let changes = lived(&tracked(20), 700, rise(3.0));
    assert_eq!(changes, [(1, 20, 20), (180, 20, 40), (240, 40, 40), (480, 40, 54), (540, 54, 54)]);
}

#[test]
fn the_higher_a_spike_the_more_steps_it_takes() {
    // Each is at its target again with 20 * 0.9 tasks for each time the load.
    for (times, tasks, at_s) in
        [(2.0, 36, 240), (3.0, 54, 540), (5.0, 90, 840), (8.0, 144, 840), (10.0, 180, 1_140)]
    {
        let changes = lived(&tracked(20), 1_500, rise(times));
        assert_eq!(restored_s(&changes, tasks), Some(at_s), "{times} times: {changes:?}");
        assert_eq!(changes.last().map(|(_, in_service, _)| *in_service), Some(tasks));
    }
}

#[test]
fn a_metric_without_an_upper_bound_needs_one_step() {
    // Requests per task: 2.7 times the target is seen at once.
    let requests_per_minute = f64::from(SERVERS) * 60.0;
    let mut application = tracked(20);
    let tracking = application.tracking.as_mut().unwrap();
    tracking.metric = Metric::Requests;
    tracking.target = requests_per_minute * 0.5;
    let changes = lived(&application, 700, rise(3.0));
    assert_eq!(changes, [(1, 20, 20), (180, 20, 54), (240, 54, 54)]);
}

#[test]
fn a_metric_that_is_late_makes_every_step_later() {
    let mut application = tracked(20);
    application.tracking.as_mut().unwrap().metric_delay = span(MINUTE_S);
    let changes = lived(&application, 700, rise(2.0));
    assert_eq!(changes, [(1, 20, 20), (240, 20, 36), (300, 36, 36)]);
}

#[test]
fn too_many_tasks_go_after_fifteen_minutes_and_never_where_nothing_is_measured() {
    // 20 tasks at 45 % are within 0.9 of the target; at 20 % they are not: 8 are left after 15 minutes.
    let calm = lived(&tracked(20), 3_600, |_| 9.0);
    assert_eq!(calm, [(1, 20, 20)]);
    let quiet = lived(&tracked(20), 3_600, |_| 4.0);
    assert_eq!(quiet, [(1, 20, 20), (900, 8, 8)]);
    // A group of EC2 machines goes down below 70 % of its target only.
    let mut group = tracked(20);
    group.tracking.as_mut().unwrap().low = 0.7;
    assert_eq!(lived(&group, 3_600, |_| 7.5), [(1, 20, 20)]);
    assert_eq!(lived(&group, 3_600, |_| 6.8), [(1, 20, 20), (900, 14, 14)]);
    // Without a request a load balancer says nothing, and nothing is no low value.
    let mut application = tracked(20);
    let tracking = application.tracking.as_mut().unwrap();
    (tracking.metric, tracking.target) = (Metric::Requests, 30_000.0);
    assert_eq!(lived(&application, 3_600, |_| 0.0), [(1, 20, 20)]);
}

#[test]
fn a_schedule_waits_for_nobody_and_its_least_holds_against_the_scaler() {
    let mut application = tracked(20);
    // The opening is at 120 s.
    application.schedule = vec![
        toml::from_str("at = '+20m'\nmin = 10").unwrap(),
        toml::from_str("at = '-30s'\nmin = 54").unwrap(),
    ];
    let changes = lived(&application, 1_500, |_| 4.0);
    // At 90 s 54 are wanted, an hour's quarter of low datapoints changes nothing, and from the new least
    // on the scaler takes away what is too much.
    assert_eq!(changes, [(1, 20, 20), (90, 20, 54), (150, 54, 54), (1_320, 10, 10)]);
}

#[test]
fn what_is_foreseen_is_there_an_hour_before_and_goes_by_the_clock() {
    // The opening is at 120 s: the job looks at -60, 1,740, 3,540 s and so on.
    let text = "at = '-3m'\nper_task = 10\n\
                tournaments = [{ starts = '117m', entries = [{ count = 180 }] }]";
    let forecast = Some(toml::from_str(text).unwrap());
    let job = Application { forecast: forecast.clone(), ..application(4) };
    let changes = lived(&job, 12_000, |_| 2.0);
    // It begins at 7,140 s. The look at 1,740 s sees 90 minutes, and it lies at their end; that at 3,540 s finds it,
    // that at 8,940 s for the last time: it began 30 minutes ago. One is the fewest that are wanted.
    assert_eq!(
        changes,
        [(1, 1, 1), (3_540, 1, 18), (3_600, 18, 18), (10_740, 1, 1)],
        "an hour before, less a minute's boot"
    );
    // A scaler beside it takes them away: 2 of 18 are busy, and after 15 low minutes 4 are left.
    let both = Application { forecast, ..tracked(4) };
    let changes = lived(&both, 12_000, |_| 2.0);
    assert_eq!(changes[..3], [(1, 4, 4), (3_540, 4, 18), (3_600, 18, 18)]);
    assert_eq!(changes[3..], [(10_740, 4, 4)]);
}

#[test]
fn what_is_set_by_hand_a_scaler_may_change_again() {
    let mut application = tracked(20);
    application.schedule = vec![toml::from_str("at = '0s'\ntasks = 60").unwrap()];
    let changes = lived(&application, 1_200, |_| 9.0);
    // From 180 s on 9 of 60 tasks are busy: the minute that ends at 240 s is the first low one.
    assert_eq!(changes, [(1, 20, 20), (120, 20, 60), (180, 60, 60), (1_080, 18, 18)]);
}

#[test]
fn an_autoscaler_of_pods_doubles_within_15_s_and_sees_the_rest_when_they_serve() {
    let application = Application { start: start(45), ..autoscaled(20) };
    let changes = lived(&application, 300, rise(3.0));
    // At 15 s all are busy: 40 are wanted, and pods that are not ready count as idle. They serve at 60 s;
    // the 15 s after that show 67.5 %, which asks for 54.
    assert_eq!(changes, [(1, 20, 20), (15, 20, 40), (60, 40, 40), (75, 40, 54), (120, 54, 54)]);
}

#[test]
fn policies_bound_a_step_and_windows_make_it_wait() {
    // Of a metric that has no bound at most twice as many, or four more, are added in 15 s.
    let mut application = Application { start: start(0), ..autoscaled(2) };
    let hpa = application.hpa.as_mut().unwrap();
    (hpa.metric, hpa.target) = (Metric::Requests, 60_000.0 * 0.5);
    let changes = lived(&application, 60, |_| 20.0);
    assert_eq!(changes, [(1, 2, 2), (15, 6, 6), (30, 12, 12), (45, 24, 24), (60, 40, 40)]);
    // Within a tenth of the target nothing is changed.
    let changes = lived(&autoscaled(20), 600, |_| 10.9);
    assert_eq!(changes, [(1, 20, 20)]);
    // Down goes what was not wanted for 300 s: 20 were at 90 s, and 16 at 105 s, of which a third was busier.
    let changes = lived(&autoscaled(20), 900, |second| if second <= 100 { 10.0 } else { 4.0 });
    assert_eq!(changes, [(1, 20, 20), (405, 16, 16), (420, 8, 8)]);
    // Up what was wanted for as long as the window asks.
    let mut application = Application { start: start(0), ..autoscaled(20) };
    application.hpa.as_mut().unwrap().stabilise_up = span(30);
    let changes = lived(&application, 110, |second| if second <= 60 { 10.0 } else { 15.0 });
    // 30 are wanted from 75 s on, and 20 until 60 s.
    assert_eq!(changes, [(1, 20, 20), (105, 30, 30)]);
}

#[test]
fn of_a_warm_pool_ten_serve_at_once_and_fifteen_after_they_have_booted() {
    let mut application = application(5);
    application.start = Start { warm: 10, ..start(90) };
    application.schedule = vec![toml::from_str("at = '0s'\ntasks = 30").unwrap()];
    let changes = lived(&application, 600, |_| 0.0);
    assert_eq!(changes, [(1, 5, 5), (120, 15, 30), (210, 30, 30)]);
    // The pool is full again when those have booted that took the place of the ten.
    application.schedule.push(toml::from_str("at = '3m'\ntasks = 42").unwrap());
    let changes = lived(&application, 600, |_| 0.0);
    assert_eq!(changes[3..], [(300, 40, 42), (390, 42, 42)]);
}

#[test]
fn what_can_be_launched_at_once_is_a_bucket() {
    let rate = Rate::per_second(1.0).unwrap();
    let mut application = application(1);
    // As it was in 2020: 10, then one a second.
    application.start = Start { burst: 10, rate, ..start(30) };
    application.schedule = vec![toml::from_str("at = '0s'\ntasks = 31").unwrap()];
    let changes = lived(&application, 600, |_| 0.0);
    assert_eq!(restored_s(&changes, 11), Some(150));
    assert_eq!(restored_s(&changes, 12), Some(151));
    assert_eq!(restored_s(&changes, 31), Some(170));
}

/// Nodes for four pods each that boot for three minutes.
fn nodes(ready: u32, balloons: u32) -> Nodes {
    let boot = Law::Constant(Duration::from_mins(3));
    Nodes { room: 4, ready: Some(ready), boot, balloons, balloon_size: 1.0, autoscaler: None }
}

#[test]
fn pods_without_room_wait_for_a_node() {
    let of = |nodes: Nodes| {
        let mut application = Application { start: start(30), ..application(20) };
        application.nodes = Some(nodes);
        application.schedule = vec![toml::from_str("at = '0s'\ntasks = 40").unwrap()];
        lived(&application, 900, |_| 0.0)
    };
    // Room on nodes that are there: 30 s. Without: 180 s more.
    assert_eq!(of(nodes(10, 0)), [(1, 20, 20), (120, 20, 40), (150, 40, 40)]);
    assert_eq!(of(nodes(5, 0)), [(1, 20, 20), (120, 20, 40), (330, 40, 40)]);
    // Eight balloons on two nodes more: eight pods take their places, the others wait.
    assert_eq!(of(nodes(7, 8)), [(1, 20, 20), (120, 20, 40), (150, 28, 40), (330, 40, 40)]);
}

#[test]
fn pods_of_an_autoscaler_serve_at_once_after_the_balloons_or_after_the_node() {
    // The load doubles at 105 s. At 120 s the autoscaler of pods has seen it, and wants 20 more, which take 30 s
    // to start.
    let of = |nodes: Nodes| {
        let autoscaler = Some(toml::from_str("decision = '5s'").unwrap());
        let nodes = Some(Nodes { autoscaler, ..nodes });
        let application = Application { start: start(30), nodes, ..autoscaled(20) };
        lived(&application, 600, |second| if second <= 105 { 10.0 } else { 20.0 })
    };
    assert_eq!(of(nodes(10, 0)), [(1, 20, 20), (120, 20, 40), (150, 40, 40)]);
    // Without room the autoscaler of nodes looks at 130 s and decides until 135 s; a node boots for 180 s, and
    // the pods start for 30 s: four minutes after the load.
    assert_eq!(of(nodes(5, 0)), [(1, 20, 20), (120, 20, 40), (345, 40, 40)]);
    // Eight balloons give way at once, to eight of them.
    assert_eq!(of(nodes(7, 8)), [(1, 20, 20), (120, 20, 40), (150, 28, 40), (345, 40, 40)]);
}

#[test]
fn balloons_come_back_on_nodes_of_their_own() {
    let mut application = Application { start: start(30), ..application(20) };
    application.nodes = Some(nodes(7, 8));
    let at =
        |at: &str, tasks: u32| toml::from_str(&format!("at = '{at}'\ntasks = {tasks}")).unwrap();
    application.schedule = vec![at("0s", 28), at("4m", 36)];
    let changes = lived(&application, 900, |_| 0.0);
    // Eight give way at 120 s, and have two nodes of their own at 300 s: at 360 s they give way again.
    assert_eq!(changes, [(1, 20, 20), (120, 20, 28), (150, 28, 28), (360, 28, 36), (390, 36, 36)]);
}

#[test]
fn fewer_are_wanted_while_others_start() {
    let mut application = Application { start: start(60), ..application(10) };
    let at =
        |at: &str, tasks: u32| toml::from_str(&format!("at = '{at}'\ntasks = {tasks}")).unwrap();
    application.schedule = vec![at("0s", 30), at("30s", 15), at("2m", 4)];
    let changes = lived(&application, 600, |_| 0.0);
    assert_eq!(changes, [(1, 10, 10), (120, 10, 30), (150, 10, 15), (180, 15, 15), (240, 4, 4)]);
}

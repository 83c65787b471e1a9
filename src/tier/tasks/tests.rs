//! What becomes of tasks that wait, start, serve and are taken back, worked out by hand: nothing is drawn.

use super::*;

fn second(second: u64) -> Time {
    Time::from_millis(second * 1_000)
}

/// Tasks that start within 30 s, on so many nodes for four of them, which boot for three minutes.
fn on_nodes(tasks: u32, ready: u32) -> Tasks {
    let text = format!("room = 4\nready = {ready}\nboot = '3m'");
    Tasks::new(start(), Some(&toml::from_str(&text).unwrap()), tasks)
}

fn start() -> Start {
    Start { boot: Law::Constant(Duration::from_secs(30)), ..Start::default() }
}

fn reclaim(text: &str) -> Reclaim {
    toml::from_str(&format!("at = '0s'\n{text}")).unwrap()
}

/// When how many were in service, from so many seconds on until ten minutes are over.
fn course(tasks: &mut Tasks, from: u64) -> Vec<(u64, u32)> {
    let mut course: Vec<(u64, u32)> = Vec::new();
    for at in from..600 {
        tasks.advance(second(at), &mut Law::mean);
        if course.last().is_none_or(|(_, there)| *there != tasks.in_service()) {
            course.push((at, tasks.in_service()));
        }
    }
    course
}

#[test]
fn how_long_each_was_pending_is_kept() {
    let mut tasks = on_nodes(20, 6);
    tasks.want(second(10), 26, &mut Law::mean);
    assert_eq!(tasks.pending().collect::<Vec<_>>(), [second(10); 6]);
    // Four find room and start; two wait for a node besides.
    assert_eq!(course(&mut tasks, 10), [(10, 20), (40, 24), (220, 26)]);
    let four = [(second(10), second(40)); 4];
    let two = [(second(10), second(220)); 2];
    assert_eq!(tasks.served(), [&four[..], &two[..]].concat());
    assert_eq!(tasks.pending().count(), 0);
    let nodes = NodeCount { ready: 7, booting: 0, balloons: 0, kept: 0.0 };
    assert_eq!(tasks.nodes(), Some(nodes));
}

#[test]
fn of_a_warm_pool_nobody_is_pending() {
    let mut tasks = Tasks::new(Start { warm: 2, ..start() }, None, 4);
    tasks.want(second(5), 7, &mut Law::mean);
    assert_eq!(course(&mut tasks, 5), [(5, 6), (35, 7)]);
    let (at_once, later) = ((second(5), second(5)), (second(5), second(35)));
    assert_eq!(tasks.served(), [at_once, at_once, later]);
    assert_eq!(tasks.nodes(), None);
}

#[test]
fn tasks_on_nodes_with_a_notice_are_replaced_at_once() {
    // One of four nodes is empty.
    let mut tasks = on_nodes(12, 4);
    let gone = tasks.reclaim(second(100), &reclaim("nodes = 1"), &mut Law::mean);
    assert_eq!((gone, tasks.in_service(), tasks.desired(), tasks.lost()), (4, 8, 12, 0));
    assert_eq!(course(&mut tasks, 100), [(100, 8), (130, 12)]);
    // No room is left: the next ones wait for nodes.
    let gone = tasks.reclaim(second(600), &reclaim("nodes = 2"), &mut Law::mean);
    assert_eq!((gone, tasks.in_service(), tasks.desired()), (8, 4, 12));
    assert_eq!(tasks.next_due(), Some(second(780)));
}

#[test]
fn tasks_on_nodes_that_are_gone_at_once_are_missed_later() {
    let mut tasks = on_nodes(12, 4);
    let sudden = reclaim("nodes = 1\nnotice = '0s'");
    let gone = tasks.reclaim(second(100), &sudden, &mut Law::mean);
    assert_eq!((gone, tasks.in_service(), tasks.desired(), tasks.lost()), (4, 8, 12, 4));
    assert_eq!(tasks.next_due(), Some(second(160)));
    // Nobody knows for a minute.
    assert_eq!(course(&mut tasks, 100), [(100, 8), (190, 12)]);
    assert_eq!(tasks.served(), [(second(160), second(190)); 4]);
    // Who is wanted no more and is gone already takes nobody else along.
    let mut tasks = on_nodes(12, 4);
    tasks.reclaim(second(100), &sudden, &mut Law::mean);
    tasks.want(second(101), 9, &mut Law::mean);
    assert_eq!((tasks.in_service(), tasks.lost()), (8, 1));
    tasks.want(second(102), 6, &mut Law::mean);
    assert_eq!((tasks.in_service(), tasks.lost(), tasks.desired()), (6, 0, 6));
}

#[test]
fn machines_of_single_tasks_are_taken_back_too() {
    let mut tasks = Tasks::new(start(), None, 4);
    tasks.want(second(0), 6, &mut Law::mean);
    let gone = tasks.reclaim(second(10), &reclaim("tasks = 3"), &mut Law::mean);
    assert_eq!((gone, tasks.in_service(), tasks.desired()), (3, 1, 6));
    assert_eq!(course(&mut tasks, 10), [(10, 1), (30, 3), (40, 6)]);
    // No more than there are: those that serve first, then those that start.
    tasks.want(second(600), 7, &mut Law::mean);
    let gone = tasks.reclaim(second(600), &reclaim("tasks = 100"), &mut Law::mean);
    assert_eq!((gone, tasks.in_service(), tasks.desired()), (6, 0, 7));
}

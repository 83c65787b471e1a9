//! Fans against rude shops, over real sockets on loopback.

mod canary;
mod edge;
mod foreign;
mod frozen;
pub(super) mod rude;
mod shops;
mod steady;
mod torture;
mod traced;
mod wires;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use domain::id::{FanId, run_id};
use domain::law::Law;
use domain::money::Amount;
use domain::outcome::{Departure, Operation, Outcome};
use domain::shop::{Catalogue, Item, Sale, ShopReply, Slot};
use domain::time::Span;

use super::*;
use crate::arrival::{Arrive, Shape};
use crate::evidence::{Complaint, PurchaseLine};
use crate::fan::behaviour::{Behaviour, Reload, Retry};
use crate::fan::route::Route;
use crate::fan::{Action, Crowd, Input, Reply, Request};
use crate::measure::recorder::Sinks;
use crate::tracing;
use rude::{Asked, Deed, RudeShop, honest, json};

/// A file in memory that can be read while it is written.
#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A crowd that comes at once to a sale that is open, and how it is lived.
#[derive(Clone)]
struct Trial {
    fans: u32,
    timeout: Duration,
    connections: Connections,
    pacing: Pacing,
    threads: usize,
    closes: Time,
    wire: Wire,
    certificate: Option<Vec<u8>>,
    abroad: Option<Abroad>,
    /// The share of the fans that is traced.
    traced: Option<f64>,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            fans: 1,
            timeout: Duration::from_secs(20),
            connections: Connections::PerFan,
            pacing: Pacing::Auto,
            threads: 2,
            closes: Time::from_millis(30_000),
            wire: Wire::default(),
            certificate: None,
            abroad: None,
            traced: None,
        }
    }
}

/// All that a trial left behind.
struct Outcomes {
    run: Result<Ending, LiveError>,
    steps: Vec<Visit>,
    purchases: Vec<PurchaseLine>,
    latency: String,
    timeline: String,
    snapshots: String,
    ledgers: [String; 2],
    spans: Vec<tracing::Span>,
}

impl Trial {
    fn sale(&self) -> Sale {
        let item = Item { id: "tee".to_owned(), stock: 1_000, price: Amount::new(4_500) };
        Sale {
            id: "day-1".to_owned(),
            opens: Time::ZERO,
            closes: self.closes,
            limit_per_fan: 4,
            items: vec![item],
            lottery: None,
            slots: vec![Slot { id: "noon".to_owned(), capacity: 1_000 }],
        }
    }

    fn scenario(&self) -> Scenario {
        let behaviour = Behaviour {
            reload: Reload {
                gap: Law::Constant(Duration::from_millis(100)),
                growth: 0.0,
                calls: 3,
                cacheable: 2,
            },
            retry: Retry { attempts: 0, ..Retry::default() },
            timeout: Span(self.timeout),
            ..Behaviour::default()
        };
        let crowd = Crowd {
            seed: 7,
            population: 0,
            route: Route::embedded(&behaviour.reload, 1),
            behaviour,
            opens: Time::ZERO,
            closes: self.closes,
            demand: vec![1.0],
            slots: 1,
            limit_per_fan: 4,
        };
        let arrive = Arrive { shape: Shape::AtOnce, ..Arrive::default() };
        let provider = mock_provider::settings::Overrides {
            limits: Some(Vec::new()),
            declines: Some(0.0),
            ..Default::default()
        };
        Scenario {
            name: "trial".to_owned(),
            title: String::new(),
            seed: 7,
            scale: 1.0,
            timezone: "UTC".to_owned(),
            live: scenario::LiveSettings {
                scale: 1.0,
                threads: None,
                connections: scenario::Connections::PerFan,
                wire: Wire::default(),
                pacing: Pacing::Auto,
                keep_awake: scenario::KeepAwake::Never,
                processes: None,
                local_ips: Vec::new(),
            },
            phases: scenario::Phases::default(),
            catalogue: Catalogue { sales: vec![self.sale()] },
            populations: vec![Population {
                name: "fans".to_owned(),
                sale: 0,
                count: self.fans,
                arrive,
                trace: None,
                fidelity: scenario::Fidelity::Event,
                crowd,
            }],
            shop: reference_shop::settings::Settings::default(),
            provider: provider.resolve(7).expect("the default profile"),
            audit: crate::audit::AuditSettings::default(),
            queues: Vec::new(),
            devices: Vec::new(),
            rooms: Vec::new(),
            stack: crate::tier::Stack::default(),
            objectives: Vec::new(),
            uncertain: Vec::new(),
            target: None,
        }
    }

    fn live(&self, address: SocketAddr) -> Outcomes {
        self.live_until(address, &Stop::default(), &mut |_| {})
    }

    fn live_until(
        &self,
        address: SocketAddr,
        stop: &Stop,
        watch: &mut (dyn FnMut(&Progress) + Send),
    ) -> Outcomes {
        let clock = Clock::begin_in(Duration::ZERO);
        self.live_as(&self.scenario(), clock, address, stop, watch)
    }

    fn settings(&self, clock: Clock) -> Settings {
        Settings {
            clock,
            run: run_id(clock.began_utc_ns()),
            threads: self.threads,
            connections: self.connections,
            wire: self.wire,
            pacing: self.pacing,
            keep_awake: false,
            sources: Vec::new(),
            processes: None,
            // A foreign shop does not say when it is at rest: it would be waited for in vain.
            limits: Limits::default(),
            drain: if self.abroad.is_some() { Duration::ZERO } else { Duration::from_secs(5) },
            transcript: None,
            tracing: self.traced.map(|share| Sampler::new(share, 7, clock.began_utc_ns())),
            visits: None,
        }
    }

    fn target(&self, shop: SocketAddr) -> Target {
        Target {
            shop,
            host: "shop.test".to_owned(),
            provider_ledger: None,
            provider: Some(shop),
            certificate: self.certificate.clone(),
            abroad: self.abroad.clone(),
        }
    }

    fn live_as(
        &self,
        scenario: &Scenario,
        clock: Clock,
        address: SocketAddr,
        stop: &Stop,
        watch: &mut (dyn FnMut(&Progress) + Send),
    ) -> Outcomes {
        let (visits, visited) = mpsc::channel();
        let settings = Settings { visits: Some(visits), ..self.settings(clock) };
        let target = self.target(address);
        let [latency, timeline, purchases, snapshots, of_shop, of_provider] =
            [(); 6].map(|()| Page::default());
        let sinks = Sinks {
            latency: Box::new(latency.clone()),
            timeline: Box::new(timeline.clone()),
            purchases: Box::new(purchases.clone()),
            snapshots: Box::new(snapshots.clone()),
        };
        let mut recorder = Recorder::new(sinks, clock.began_utc_ns(), Time::ZERO).unwrap();
        let (spans, traced) = mpsc::channel();
        recorder.follow(Box::new(move |delta| {
            let kept = delta.second.into_iter().flat_map(|second| second.spans.kept);
            kept.for_each(|span| spans.send(span).unwrap());
        }));
        let ledgers = LedgerSinks {
            shop: Box::new(of_shop.clone()),
            provider: Box::new(of_provider.clone()),
            foreign: None,
        };
        let run = run(scenario, &settings, &target, &mut recorder, ledgers, stop, watch);
        drop((settings, recorder));
        let lines = purchases.text();
        Outcomes {
            run,
            steps: visited.into_iter().collect(),
            purchases: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            latency: latency.text(),
            timeline: timeline.text(),
            snapshots: snapshots.text(),
            ledgers: [of_shop.text(), of_provider.text()],
            spans: traced.into_iter().collect(),
        }
    }
}

impl Outcomes {
    /// What could not be understood or said.
    fn complaints(&self) -> Vec<Complaint> {
        self.run.as_ref().expect("it was lived").complaints.clone()
    }

    /// Each operation with its reply and when that came.
    fn operations(&self) -> Vec<(Request, Reply, Time)> {
        let mut asked = std::collections::BTreeMap::new();
        let mut operations = Vec::new();
        for step in &self.steps {
            if let Input::Replied { at, reply } = step.input {
                let request: Request = asked.remove(&step.fan).expect("a reply answers a request");
                assert!(request.intended <= at);
                operations.push((request, reply, at));
            }
            if let Action::Send(request) = step.action {
                assert_eq!(asked.insert(step.fan, request), None, "one operation at a time");
            }
        }
        operations
    }

    /// The first reply to an operation of this kind.
    fn first(&self, operation: Operation) -> (Request, Reply, Time) {
        let operations = self.operations();
        *operations.iter().find(|(asked, ..)| asked.operation == operation).expect("it was asked")
    }

    fn departures(&self) -> Vec<Departure> {
        let left = |step: &Visit| match step.action {
            Action::Leave(departure) => Some(departure),
            Action::Send(_) | Action::Sleep { .. } => None,
        };
        self.steps.iter().filter_map(left).collect()
    }

    /// Intended, sent, done and outcome of the first checkout.
    fn checkout(&self) -> (Time, Time, Time, Outcome) {
        let checkout = |line: &PurchaseLine| match line {
            PurchaseLine::Attempt {
                operation: Operation::Checkout,
                intended,
                sent,
                done,
                outcome,
                ..
            } => Some((*intended, *sent, *done, *outcome)),
            _ => None,
        };
        self.purchases.iter().find_map(checkout).expect("somebody tried to buy")
    }
}

fn open(deed: impl Fn(&Asked) -> Option<Deed> + Send + Sync + 'static) -> RudeShop {
    RudeShop::open(deed)
}

/// A shop that does `deed` once, about the first request whose line begins so.
fn rude_about(line: &'static str, deed: Deed) -> RudeShop {
    open(move |asked| (asked.line.starts_with(line) && asked.before == 0).then(|| deed.clone()))
}

#[test]
fn every_fan_of_an_honest_shop_buys_over_a_connection_of_its_own() {
    let shop = open(|_| None);
    let trial = Trial { fans: 40, ..Trial::default() };
    let outcomes = trial.live(shop.address);
    assert_eq!(outcomes.departures(), [Departure::Bought; 40]);
    assert!(outcomes.operations().iter().all(|(_, reply, _)| reply.outcome == Outcome::Ok));
    assert_eq!(shop.connections.load(Ordering::SeqCst), 40);
    let run = outcomes.run.as_ref().unwrap();
    assert_eq!((run.drained, run.aborted), (true, false));
    assert_eq!(run.unreadable, [""; 0]);
    assert!(run.load_ended <= run.judged);
    assert_eq!(run.doubts, [""; 0]);
    assert_eq!(outcomes.ledgers, ["{}\n", "{}\n"]);
    assert!(!outcomes.snapshots.is_empty());
    let times: Vec<Time> = outcomes.purchases.iter().map(PurchaseLine::at).collect();
    assert!(times.is_sorted(), "purchases are written in order of time");
    let departed = |line: &&PurchaseLine| matches!(line, PurchaseLine::Departed { .. });
    assert_eq!(outcomes.purchases.iter().filter(departed).count(), 40);
}

#[test]
fn precise_or_in_batches_everybody_is_served() {
    for pacing in [Pacing::Precise, Pacing::Batch] {
        let shop = open(|_| None);
        let trial = Trial { fans: 40, pacing, ..Trial::default() };
        let outcomes = trial.live(shop.address);
        assert_eq!(outcomes.departures(), [Departure::Bought; 40], "{pacing:?}");
        assert_eq!(outcomes.run.unwrap().doubts, [""; 0], "{pacing:?}");
    }
}

#[test]
fn a_pool_never_opens_more_connections_than_it_may() {
    let shop = open(|_| None);
    let connections = Connections::Pool(3);
    let trial = Trial { fans: 40, connections, ..Trial::default() };
    let outcomes = trial.live(shop.address);
    assert_eq!(outcomes.departures(), [Departure::Bought; 40]);
    assert!(shop.connections.load(Ordering::SeqCst) <= 3);
    assert_eq!(outcomes.run.unwrap().doubts, [""; 0]);
}

#[test]
fn any_number_of_loops_lives_the_same_crowd() {
    let arrived = |threads| {
        let outcomes = Trial { fans: 9, threads, ..Trial::default() }.live(open(|_| None).address);
        let mut arrivals: Vec<(Time, FanId)> = outcomes
            .steps
            .iter()
            .filter_map(|step| match step.input {
                Input::Arrived { at } => Some((at, step.fan)),
                Input::Woke { .. } | Input::Replied { .. } => None,
            })
            .collect();
        arrivals.sort_unstable();
        arrivals
    };
    assert_eq!(arrived(1), arrived(4));
}

#[test]
fn silence_is_unknown_at_the_deadline() {
    let shop = rude_about("POST /checkout", Deed::Silence);
    let trial = Trial { timeout: Duration::from_millis(300), ..Trial::default() };
    let outcomes = trial.live(shop.address);
    let (intended, sent, done, outcome) = outcomes.checkout();
    assert_eq!(outcome, Outcome::Unknown);
    assert!(intended <= sent && sent <= done);
    assert_eq!(done, intended + trial.timeout);
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let answer = "HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n".to_owned();
    let shop = open(move |_| Some(Deed::Answer(answer.clone())));
    let (_, reply, _) = Trial::default().live(shop.address).first(Operation::Reload);
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(reply, Reply { retry_after, ..Reply::of(Outcome::RateLimited) });
}

#[test]
fn a_failure_is_an_error_and_a_failed_part_fails_its_reload() {
    let failure = "HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops".to_owned();
    for line in ["GET /sales/0/page/1", "GET /sales/0/status"] {
        let shop = rude_about(line, Deed::Answer(failure.clone()));
        let (_, reply, _) = Trial::default().live(shop.address).first(Operation::Reload);
        assert_eq!(reply, Reply::of(Outcome::Error), "{line}");
    }
}

#[test]
fn a_reset_is_an_error_of_a_question_and_unknown_of_a_purchase() {
    for part in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let deed = Deed::Reset(part.to_owned());
        let outcomes = Trial::default().live(rude_about("GET /items/0", deed.clone()).address);
        let (_, reply, _) = outcomes.first(Operation::Item);
        // Before a byte of the answer, a used connection may just have been closed as idle: the
        // question is asked once more on a new one.
        let expected = if part.is_empty() { Outcome::Ok } else { Outcome::Error };
        assert_eq!(reply.outcome, expected, "{part}");
        let outcomes = Trial::default().live(rude_about("POST /checkout", deed).address);
        assert_eq!(outcomes.checkout().3, Outcome::Unknown, "{part}");
    }
}

#[test]
fn answers_may_come_byte_by_byte() {
    let shop = open(|asked| Some(Deed::Trickle(honest(&asked.line))));
    let outcomes = Trial { fans: 3, ..Trial::default() }.live(shop.address);
    assert_eq!(outcomes.departures(), [Departure::Bought; 3]);
}

#[test]
fn a_connection_that_is_to_be_closed_is_not_used_again() {
    let closing = |line: &str| honest(line).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let shop = open(move |asked| Some(Deed::AnswerAndClose(closing(&asked.line))));
    let outcomes = Trial { fans: 3, ..Trial::default() }.live(shop.address);
    assert_eq!(outcomes.departures(), [Departure::Bought; 3]);
    assert!(shop.connections.load(Ordering::SeqCst) >= 3 * 7, "every call had its own");
}

#[test]
fn an_idle_connection_closed_by_the_shop_is_replaced_for_questions() {
    let shop = open(|asked| {
        let question = asked.line.starts_with("GET") && !asked.line.starts_with("GET /items");
        question.then(|| Deed::AnswerAndClose(honest(&asked.line)))
    });
    let outcomes = Trial { fans: 5, ..Trial::default() }.live(shop.address);
    assert_eq!(outcomes.departures(), [Departure::Bought; 5]);
}

#[test]
fn a_late_answer_is_never_taken_for_another_request() {
    let late = json(&ShopReply::of(Outcome::SoldOut));
    let shop = rude_about("GET /items/0", Deed::Late(Duration::from_millis(250), late));
    let timeout = Duration::from_millis(200);
    let outcomes = Trial { fans: 6, timeout, ..Trial::default() }.live(shop.address);
    let told: Vec<Outcome> =
        outcomes.operations().iter().map(|(_, reply, _)| reply.outcome).collect();
    assert!(told.contains(&Outcome::Unknown));
    assert!(!told.contains(&Outcome::SoldOut));
}

#[test]
fn a_freeze_shows_in_the_response_time_of_those_it_met() {
    let freeze = Duration::from_millis(300);
    let answer = honest("GET /sales/0/slots");
    let shop = rude_about("GET /sales/0/slots", Deed::Late(freeze, answer));
    let outcomes = Trial { fans: 5, ..Trial::default() }.live(shop.address);
    let waited = |(asked, _, at): &(Request, Reply, Time)| *at - asked.intended;
    assert_eq!(outcomes.operations().iter().filter(|one| waited(one) >= freeze).count(), 1);
    assert_eq!(outcomes.departures(), [Departure::Bought; 5]);
}

#[test]
fn who_waits_for_the_pool_until_the_deadline_is_shed_and_the_reading_invalid() {
    let shop = open(|_| Some(Deed::Silence));
    let trial = Trial {
        fans: 5,
        timeout: Duration::from_millis(300),
        connections: Connections::Pool(1),
        ..Trial::default()
    };
    let outcomes = trial.live(shop.address);
    let told: Vec<Outcome> =
        outcomes.operations().iter().map(|(_, reply, _)| reply.outcome).collect();
    assert!(told.contains(&Outcome::Unknown) && told.contains(&Outcome::Shed));
    let doubts = outcomes.run.unwrap().doubts;
    let shed = told.iter().filter(|outcome| **outcome == Outcome::Shed).count();
    assert!(doubts[0].starts_with(&format!("{shed} ")) && doubts[0].contains("pool"), "{doubts:?}");
}

#[test]
fn a_target_that_refuses_is_one_clear_sentence() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let outcomes = Trial::default().live(address);
    let error = outcomes.run.unwrap_err();
    assert!(matches!(error, LiveError::TargetRefuses { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(outcomes.steps, []);
}

#[test]
fn a_shop_that_closes_in_mid_run_gives_errors_not_sheds_and_unreadable_ledgers() {
    // An address that no other test uses, for its port becomes free in the middle.
    let listener = TcpListener::bind("127.0.0.77:0").unwrap();
    let address = listener.local_addr().unwrap();
    let probed = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        while !request.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut request).unwrap();
            request.rotate_left(count);
        }
        stream.write_all(b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n").unwrap();
        drop(listener);
        // Until the prober has read it and goes.
        let _ = io::copy(&mut stream, &mut io::sink());
    });
    let trial = Trial { fans: 3, ..Trial::default() };
    let outcomes = trial.live(address);
    probed.join().unwrap();
    assert!(outcomes.operations().iter().all(|(_, reply, _)| reply.outcome == Outcome::Error));
    let ending = outcomes.run.unwrap();
    assert_eq!(ending.unreadable.len(), 2);
    assert!(!ending.doubts.iter().any(|doubt| doubt.contains("never sent")));
    assert!(ending.unreadable[0].starts_with("shop: fetch /admin/ledger"));
}

#[test]
fn the_first_stop_ends_the_sending_and_the_run_is_still_judged() {
    let not_open = json(&ShopReply::of(Outcome::NotOpen));
    let shop =
        open(move |asked| asked.line.contains("/status").then(|| Deed::Answer(not_open.clone())));
    let user = Stop::default();
    let trial = Trial { fans: 4, closes: Time::from_millis(600_000), ..Trial::default() };
    let outcomes = trial.live_until(shop.address, &user, &mut |_| {
        if user.presses() == 0 {
            user.press();
        }
    });
    let run = outcomes.run.as_ref().unwrap();
    assert!(run.aborted && run.drained);
    assert_eq!(run.unreadable, [""; 0]);
    assert!(outcomes.departures().is_empty());
}

#[test]
fn the_second_stop_abandons_the_run() {
    let shop = open(|asked| asked.line.contains("/status").then_some(Deed::Silence));
    let user = Stop::default();
    let trial = Trial { fans: 4, ..Trial::default() };
    let outcomes = trial.live_until(shop.address, &user, &mut |_| {
        user.press();
        user.press();
    });
    assert!(matches!(outcomes.run, Err(LiveError::Abandoned)));
}

//! Pushes to an OpenTelemetry collector: the figures each second, and what was traced.
//!
//! Figures are sums since the run began, so a push that is left out costs a second's detail and no truth:
//! while one is under way, the next second is passed over. Spans wait in a queue of bounded length. A
//! collector that fails is left alone for a while, longer each time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::time::Duration;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Shared;
use crate::live::abroad::Trust;
use crate::live::admin::with_causes;
use crate::live::ledger::Server;
use crate::telemetry::otlp;
use crate::tracing::{Span, Spans};

/// The consumers' words in the figures.
const METRICS: &str = "otlp_metrics";
/// See [`METRICS`].
const TRACES: &str = "otlp_traces";

/// How many spans go into one request.
pub(super) const BATCH: usize = 1_024;
/// How many wait at most: some megabytes.
pub(super) const QUEUE_MAX: usize = 16_384;
/// The longest answer that is read \[bytes\]: it says how much was refused, and why.
const ANSWER_MAX: usize = 64 * 1024;
/// How long a collector is left alone after the first failure.
const PAUSE: Duration = Duration::from_secs(1);
/// And at most, after several.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A collector that is pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Where it takes metrics, a whole URL; absent: it is told none.
    pub metrics: Option<String>,
    /// Where it takes traces, likewise.
    pub traces: Option<String>,
    /// What is said to it besides, such as who asks.
    pub headers: HeaderMap,
    /// How long a push may take.
    pub timeout: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
}

/// The tasks that push.
#[derive(Debug)]
pub(super) struct Pusher {
    metrics: Option<Task>,
    traces: Option<Task>,
    queue: Arc<Mutex<VecDeque<Span>>>,
}

#[derive(Debug)]
struct Task {
    wake: Sender<()>,
    handle: JoinHandle<()>,
}

/// One of a collector's addresses, and how it is getting on.
struct Post {
    server: Server,
    headers: HeaderMap,
    timeout: Duration,
    /// How long it is left alone after the next failure.
    pause: Duration,
}

impl Pusher {
    /// Begins to push to `collector` what `shared` holds.
    pub(super) fn start(collector: &Collector, shared: &Arc<Shared>) -> Self {
        let queue: Arc<Mutex<VecDeque<Span>>> = Arc::default();
        let metrics = Post::to(collector.metrics.as_deref(), collector, shared, METRICS);
        let traces = Post::to(collector.traces.as_deref(), collector, shared, TRACES);
        let waiting = Arc::clone(&queue);
        Self {
            metrics: metrics.map(|post| {
                let shared = Arc::clone(shared);
                Task::start(|wake| push_metrics(post, wake, shared))
            }),
            traces: traces.map(|post| {
                let shared = Arc::clone(shared);
                Task::start(|wake| push_traces(post, wake, shared, waiting))
            }),
            queue,
        }
    }

    /// A second is over in which `spans` were traced.
    pub(super) fn tell(&self, shared: &Shared, spans: Spans) {
        if let Some(task) = &self.metrics
            && task.wake.try_send(()).is_err()
        {
            shared.count(METRICS, 0, 1);
        }
        let Some(task) = &self.traces else { return };
        let Spans { kept, lost } = spans;
        let came = kept.len();
        let room = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let room = QUEUE_MAX.saturating_sub(queue.len()).min(came);
            queue.extend(kept.into_iter().take(room));
            room
        };
        shared.under_way(TRACES, room as u64);
        shared.count(TRACES, 0, lost + (came - room) as u64);
        // It is awake where there is no room to wake it.
        let _ = task.wake.try_send(());
    }

    /// Pushes what is left, within `patience` in all; what is not told by then is dropped.
    pub(super) async fn end(self, patience: Duration) {
        let Self { metrics, traces, .. } = self;
        // Without who wakes them the tasks come to their last round.
        let tasks = [metrics, traces].into_iter().flatten().map(|task| task.handle);
        let handles: Vec<JoinHandle<()>> = tasks.collect();
        let ended = async {
            for handle in handles {
                // A panic has been printed; there is nothing to add.
                let _ = handle.await;
            }
        };
        let _ = timeout(patience, ended).await;
    }
}

impl Task {
    fn start<F>(work: impl FnOnce(Receiver<()>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (wake, woken) = mpsc::channel(1);
        Self { wake, handle: tokio::spawn(work(woken)) }
    }
}

/// Pushes the figures at once, so that whoever cannot be told is known of before the run begins; then whenever
/// it is woken, and once more at the end.
async fn push_metrics(mut post: Post, mut wake: Receiver<()>, shared: Arc<Shared>) {
    let mut goes_on = true;
    loop {
        shared.under_way(METRICS, 1);
        let body = {
            let state = shared.state();
            let now_utc_ns = shared.clock.now_utc_ns();
            otlp::metrics(&shared.run, &state.totals, &state.traffics, now_utc_ns)
        };
        match post.push(body).await {
            Ok(answer) => {
                shared.arrived(METRICS, 1, 0);
                if otlp::rejected_metrics(&answer) > 0 {
                    shared.note("the collector refused some of the figures".to_owned());
                }
            }
            Err(why) => {
                shared.arrived(METRICS, 0, 1);
                shared.note(why);
                let passed_over = post.rest(&mut wake).await;
                shared.count(METRICS, 0, passed_over);
            }
        }
        if !goes_on {
            return;
        }
        goes_on = wake.recv().await.is_some();
    }
}

/// Pushes what waits whenever it is woken, and what is left at the end.
async fn push_traces(
    mut post: Post,
    mut wake: Receiver<()>,
    shared: Arc<Shared>,
    queue: Arc<Mutex<VecDeque<Span>>>,
) {
    loop {
        let goes_on = wake.recv().await.is_some();
        loop {
            let batch: Vec<Span> = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                let count = queue.len().min(BATCH);
                queue.drain(..count).collect()
            };
            if batch.is_empty() {
                break;
            }
            let count = batch.len() as u64;
            match post.push(otlp::traces(&shared.run, &batch)).await {
                Ok(answer) => {
                    let rejected = otlp::rejected_spans(&answer).min(count);
                    shared.arrived(TRACES, count - rejected, rejected);
                }
                Err(why) => {
                    shared.arrived(TRACES, 0, count);
                    shared.note(why);
                    post.rest(&mut wake).await;
                }
            }
        }
        if !goes_on {
            return;
        }
    }
}

impl Post {
    /// The post to `url`, if there is one; that it cannot be reached at all is noted.
    fn to(
        url: Option<&str>,
        collector: &Collector,
        shared: &Shared,
        consumer: &'static str,
    ) -> Option<Self> {
        let url = url?;
        shared.count(consumer, 0, 0);
        let headers = collector.headers.clone();
        match Server::at(url, &collector.trust) {
            Ok(server) => Some(Self { server, headers, timeout: collector.timeout, pause: PAUSE }),
            Err(why) => {
                shared.note(why);
                None
            }
        }
    }

    /// Posts a body; the answer's, or why it was not taken.
    async fn push(&mut self, body: Vec<u8>) -> Result<Vec<u8>, String> {
        let request = self
            .server
            .post("")
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(body);
        let exchange = async {
            let mut answer = request.send().await.map_err(told)?;
            let status = answer.status();
            if !status.is_success() {
                return Err(format!("the collector answered {status}"));
            }
            let mut body = Vec::new();
            while let Some(bytes) = answer.chunk().await.map_err(told)? {
                body.extend_from_slice(&bytes);
                if body.len() > ANSWER_MAX {
                    return Err(format!("the collector answered more than {ANSWER_MAX} bytes"));
                }
            }
            Ok(body)
        };
        let answer = timeout(self.timeout, exchange).await;
        let late = || format!("the collector took more than {} s", self.timeout.as_secs_f64());
        let answer = answer.unwrap_or_else(|_| Err(late()))?;
        self.pause = PAUSE;
        Ok(answer)
    }

    /// Leaves the collector alone for a while, longer each time, unless the run is over; how often it would
    /// have been woken meanwhile.
    async fn rest(&mut self, wake: &mut Receiver<()>) -> u64 {
        let mut passed_over = 0;
        let closed = async {
            while wake.recv().await.is_some() {
                passed_over += 1;
            }
        };
        let _ = timeout(self.pause, closed).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        passed_over
    }
}

/// What went wrong, without the address: it may hold what is nobody's business.
fn told(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}

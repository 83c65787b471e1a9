//! What of a loop's requests goes into traces: each request is told which trace it belongs to, and of the
//! fans that are followed a span is kept for each request and each operation.

use std::collections::HashMap;

use domain::outcome::Outcome;
use domain::time::Time;

use super::LoadLoop;
use crate::evidence::Attempt;
use crate::live::dialogue::Call;
use crate::scenario::Tls;
use crate::step::funnel::Scheme;
use crate::tracing::{Exchange, Head, Sampler, Span, SpanId, Spans, Traced};

/// How many spans a loop keeps in a second at most: what is more is counted. At two for each operation a
/// thousand operations a second fit twice over, and they take a megabyte.
const SPANS_MAX: usize = 4_096;

/// So much of a path or a host is kept in a span \[bytes\]: a shop may redirect to any.
const TEXT_MAX: usize = 1_024;

/// Tells requests their trace, and keeps spans.
#[derive(Debug)]
pub(super) struct Tracer {
    sampler: Sampler,
    /// The requests on their way of fans that are followed, by the fans' numbers.
    open: HashMap<u32, Open>,
    spans: Spans,
}

/// A request on its way.
#[derive(Debug)]
struct Open {
    traced: Traced,
    id: SpanId,
    began: Time,
    call: Call,
    exchange: Exchange,
}

/// As much of it as a span keeps.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_MAX)]).into_owned()
}

/// How a request is sent.
#[derive(Copy, Clone, Debug)]
pub(super) struct Sending {
    /// Its number within its operation.
    pub(super) number: u16,
    /// When it was begun.
    pub(super) began: Time,
    /// Whether over TLS.
    pub(super) secured: bool,
}

impl Tracer {
    /// Nothing traced yet.
    pub(super) fn new(sampler: Sampler) -> Self {
        Self { sampler, open: HashMap::new(), spans: Spans::default() }
    }

    /// The request in `bytes` with its place in a trace, written into `out`; as it is where it names a trace
    /// itself.
    pub(super) fn mark<'out>(
        &mut self,
        call: &Call,
        sending: Sending,
        bytes: &'out [u8],
        out: &'out mut Vec<u8>,
    ) -> &'out [u8] {
        let Some(head) = Head::read(bytes) else { return bytes };
        let traced = self.sampler.operation(call.fan, call.request.intended);
        let id = traced.request(sending.number);
        traced.mark(id, &head, bytes, out);
        if traced.is_sampled() {
            let exchange = Exchange {
                method: text(head.method),
                secured: sending.secured,
                host: text(head.host),
                path: text(head.path),
                status: None,
            };
            let open = Open { traced, id, began: sending.began, call: *call, exchange };
            self.open.insert(call.visitor, open);
        }
        out
    }

    /// The request on its way of that fan was answered with `status`.
    pub(super) fn answered(&mut self, visitor: u32, status: Option<u16>) {
        if let Some(open) = self.open.get_mut(&visitor) {
            open.exchange.status = status;
        }
    }

    /// That request is over.
    pub(super) fn ended(&mut self, visitor: u32, ended: Time, outcome: Outcome) {
        let Some(Open { traced, id, began, call, exchange }) = self.open.remove(&visitor) else {
            return;
        };
        let span = Span {
            trace: traced.trace(),
            id,
            parent: Some(traced.whole()),
            fan: call.fan,
            operation: call.request.operation,
            began,
            // A deadline may have passed before a late instrument began at all.
            ended: ended.max(began),
            outcome,
            request: Some(exchange),
        };
        self.spans.add(span, SPANS_MAX);
    }

    /// The whole operation is over.
    pub(super) fn finished(&mut self, visitor: u32, attempt: &Attempt) {
        self.open.remove(&visitor);
        if !self.sampler.samples(attempt.fan) {
            return;
        }
        let traced = self.sampler.operation(attempt.fan, attempt.intended);
        let span = Span {
            trace: traced.trace(),
            id: traced.whole(),
            parent: None,
            fan: attempt.fan,
            operation: attempt.operation,
            began: attempt.intended,
            ended: attempt.done,
            outcome: attempt.outcome,
            request: None,
        };
        self.spans.add(span, SPANS_MAX);
    }

    /// What was kept since this was last asked.
    pub(super) fn take(&mut self) -> Spans {
        std::mem::take(&mut self.spans)
    }
}

impl LoadLoop<'_> {
    /// How the present request of `visitor` is sent, where requests are traced; the next has another number.
    pub(super) fn sending(&mut self, visitor: u32) -> Option<Sending> {
        self.tracer.as_ref()?;
        let number = self.visitors[visitor as usize].connection;
        let host = self.connections.get(number)?.host();
        let secured = match self.dialogue.host(host) {
            Some(host) => host.scheme == Scheme::Https,
            None => self.course.settings.wire.tls != Tls::Off,
        };
        let flight = self.flight_mut(visitor);
        let (number, began) = (flight.requests, flight.call_sent);
        flight.requests = number.wrapping_add(1);
        Some(Sending { number, began, secured })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_path_without_end_a_span_keeps_its_beginning() {
        assert_eq!(text(b"/checkout"), "/checkout");
        assert_eq!(text(&[b'/'; 16_384]).len(), TEXT_MAX);
        // Cut within a letter it is text all the same.
        assert!(text("\u{7269}".repeat(400).as_bytes()).chars().count() <= 342);
    }
}

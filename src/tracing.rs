//! Distributed tracing: which fans are traced, and what their operations and requests are called in a
//! trace (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).
//!
//! Nothing is stored to know it: whether a fan is traced is a draw of the seed, so that the same people are
//! followed in every run, and what an operation and its requests are called are draws of the run, so
//! that two runs of one seed are two crowds in the tracing backend. An operation is a trace of its own,
//! each of its requests a span in it; the shop's spans hang under the request that caused them.

use std::fmt;

use domain::draw::{Purpose, draw, draw_for};
use domain::id::FanId;
use domain::outcome::{Operation, Outcome};
use domain::time::Time;
use serde::{Deserialize, Serialize};

/// The name of the field that carries the context of a request.
const FIELD: &str = "traceparent";
/// How long its value is: version, trace, parent and flags, with what stands between \[bytes\].
const VALUE_LENGTH: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;

/// Which fans are traced, and what their operations are called.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampler {
    share: f64,
    seed: u64,
    run: u64,
}

impl Sampler {
    /// Traces this share of the fans, in \[0, 1\], of a run of `seed` that began at `began_utc_ns`.
    pub const fn new(share: f64, seed: u64, began_utc_ns: u64) -> Self {
        Self { share, seed, run: began_utc_ns }
    }

    /// Whether this fan's requests are traced: all of them, or none.
    pub fn samples(&self, fan: FanId) -> bool {
        draw(self.seed, fan, Purpose::Traced, 0).chance(self.share)
    }

    /// What the operation of `fan` that was intended then is called; a fan does one at a time.
    pub fn operation(&self, fan: FanId, intended: Time) -> Traced {
        let key = draw(self.run, fan, Purpose::TraceId, 0).bits();
        let half = |n| u128::from(draw_for(key, intended.nanos(), Purpose::TraceId, n).bits());
        // No trace may be called 0.
        let trace = TraceId(((half(1) << 64) | half(2)).max(1));
        Traced { key, intended, trace, sampled: self.samples(fan) }
    }
}

/// What an operation and its requests are called in a trace.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    key: u64,
    intended: Time,
    trace: TraceId,
    sampled: bool,
}

impl Traced {
    /// The operation's trace.
    pub const fn trace(&self) -> TraceId {
        self.trace
    }

    /// Whether it is recorded.
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The span of the whole operation.
    pub fn whole(&self) -> SpanId {
        self.span(0)
    }

    /// The span of its request of that number, from 0: each that is sent has a number of its own, also those
    /// that a redirect led to and those that are sent again.
    pub fn request(&self, number: u16) -> SpanId {
        self.span(1 + u32::from(number))
    }

    fn span(&self, number: u32) -> SpanId {
        let drawn = draw_for(self.key, self.intended.nanos(), Purpose::SpanId, number);
        SpanId(drawn.bits().max(1))
    }

    /// What stands in the field `traceparent` of the request whose span is `parent`: version 00.
    fn value(&self, parent: SpanId) -> [u8; VALUE_LENGTH] {
        let mut value = *b"00-00000000000000000000000000000000-0000000000000000-00";
        hex(&self.trace.bytes(), &mut value[3..35]);
        hex(&parent.bytes(), &mut value[36..52]);
        value[54] += u8::from(self.sampled);
        value
    }

    /// Writes the request in `bytes` into `out`, which is emptied first, with the field `traceparent` as the
    /// last of its head; `head` is what was read of it.
    pub fn mark(&self, parent: SpanId, head: &Head<'_>, bytes: &[u8], out: &mut Vec<u8>) {
        let (fields, rest) = bytes.split_at(head.end);
        out.clear();
        out.extend_from_slice(fields);
        out.extend_from_slice(FIELD.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&self.value(parent));
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(rest);
    }
}

/// The name of a trace: 16 bytes, never all 0.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TraceId(u128);

impl TraceId {
    /// Its bytes, the highest first.
    pub const fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// The name of a span within its trace: 8 bytes, never all 0.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpanId(u64);

impl SpanId {
    /// Its bytes, the highest first.
    pub const fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// Writes bytes as lower-case hexadecimal digits, two for each.
fn hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// What a trace wants to know of a request's head.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Such as `GET`.
    pub method: &'a [u8],
    /// What is asked for, without its query: that may hold what is nobody's business.
    pub path: &'a [u8],
    /// What stands in the field `Host`.
    pub host: &'a [u8],
    /// Where the empty line begins that ends the head.
    end: usize,
}

impl<'a> Head<'a> {
    /// Reads the head of a whole HTTP/1.1 request; nothing where it says itself which trace it belongs to,
    /// or is no request.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let first = memchr::memchr(b'\n', bytes)?;
        let mut words = bytes[..first].split(|byte| *byte == b' ');
        let (method, target) = (words.next()?, words.next()?);
        let path = target.split(|byte| *byte == b'?').next()?;
        let mut head = Self { method, path, host: b"", end: first + 1 };
        loop {
            let rest = &bytes[head.end..];
            let line = &rest[..memchr::memchr(b'\n', rest)?];
            if line == b"\r" {
                return Some(head);
            }
            if let Some(host) = value_of(line, "host") {
                head.host = host;
            } else if value_of(line, FIELD).is_some() {
                return None;
            }
            head.end += line.len() + 1;
        }
    }
}

/// The value of a line of a head, if it is the field of that name.
fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    let is_it = found.eq_ignore_ascii_case(name.as_bytes());
    rest.strip_prefix(b":").filter(|_| is_it).map(<[u8]>::trim_ascii)
}

/// A stretch of a fan's time in a trace: an operation, or one request of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The operation's trace.
    pub trace: TraceId,
    /// Its own name.
    pub id: SpanId,
    /// The span that it is a part of; an operation is part of none.
    pub parent: Option<SpanId>,
    /// Whose it is.
    pub fan: FanId,
    /// What was done.
    pub operation: Operation,
    /// An operation: when it was intended. A request: when it, or the connection for it, was begun.
    pub began: Time,
    /// When it was answered or given up.
    pub ended: Time,
    /// What came of it.
    pub outcome: Outcome,
    /// The request; absent: it is the whole operation.
    pub request: Option<Exchange>,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Such as `GET`.
    pub method: String,
    /// Whether over TLS.
    pub secured: bool,
    /// The other side, as the field `Host` names it.
    pub host: String,
    /// What was asked for, without its query.
    pub path: String,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
}

/// Spans, and how many more there were than are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans {
    /// Those that are kept, in about the order of their ends.
    pub kept: Vec<Span>,
    /// How many there were besides.
    pub lost: u64,
}

impl Spans {
    /// Keeps a span, unless `most` are kept already.
    pub fn add(&mut self, span: Span, most: usize) {
        if self.kept.len() < most { self.kept.push(span) } else { self.lost += 1 }
    }

    /// Adds what others kept.
    pub fn merge(&mut self, mut other: Self) {
        self.kept.append(&mut other.kept);
        self.lost += other.lost;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn sampler(share: f64) -> Sampler {
        Sampler::new(share, 7, 1_795_000_000_000_000_000)
    }

    fn fans(count: u32) -> impl Iterator<Item = FanId> {
        (0..count).map(|index| FanId { population: 0, index })
    }

    fn marked(bytes: &[u8]) -> Option<String> {
        let head = Head::read(bytes)?;
        let traced = sampler(1.0).operation(FanId::default(), Time::from_millis(5));
        let mut out = b"left over".to_vec();
        traced.mark(traced.request(0), &head, bytes, &mut out);
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_share_of_the_fans_is_traced_and_the_same_in_every_run() {
        let traced = |sampler: Sampler| {
            fans(100_000).filter(|fan| sampler.samples(*fan)).collect::<Vec<_>>()
        };
        let some = traced(sampler(0.01));
        // 1 % of 100,000 within five standard deviations.
        assert!((850..=1_150).contains(&some.len()), "{}", some.len());
        assert_eq!(some, traced(Sampler::new(0.01, 7, 1)), "by the seed, not by the run");
        assert_ne!(some, traced(Sampler::new(0.01, 8, 1)));
        assert_eq!(traced(sampler(0.0)), []);
        assert_eq!(traced(sampler(1.0)).len(), 100_000);
    }

    #[test]
    fn no_two_operations_or_requests_are_called_alike_and_no_two_runs() {
        let (mut names, mut spans) = (BTreeSet::new(), BTreeSet::new());
        for run in [1, 2] {
            let sampler = Sampler::new(1.0, 7, run);
            for fan in fans(100) {
                for intended in [0, 1, 1_000_000_000].map(Time::from_nanos) {
                    let traced = sampler.operation(fan, intended);
                    assert!(names.insert(traced.trace()));
                    assert!(spans.insert(traced.whole()));
                    assert!((0..20).all(|number| spans.insert(traced.request(number))));
                    assert_eq!(traced, sampler.operation(fan, intended), "it is a draw");
                }
            }
        }
    }

    #[test]
    fn the_field_stands_at_the_end_of_the_head_as_the_standard_writes_it() {
        let request =
            "POST /cart?token=7 HTTP/1.1\r\nHost: shop.test:81\r\nContent-Length: 4\r\n\r\na\r\nb";
        let text = marked(request.as_bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "a\r\nb");
        let (before, value) = head.rsplit_once("\r\ntraceparent: ").unwrap();
        assert_eq!(
            before,
            "POST /cart?token=7 HTTP/1.1\r\nHost: shop.test:81\r\nContent-Length: 4"
        );
        let parts: Vec<&str> = value.split('-').collect();
        let traced = sampler(1.0).operation(FanId::default(), Time::from_millis(5));
        let (trace, span) = (traced.trace().to_string(), traced.request(0).to_string());
        assert_eq!(parts, ["00", trace.as_str(), span.as_str(), "01"]);
        assert_eq!((trace.len(), span.len()), (32, 16));
        let unsampled = sampler(0.0).operation(FanId::default(), Time::from_millis(5));
        assert_eq!(unsampled.value(traced.whole())[52..], *b"-00");
    }

    #[test]
    fn a_trace_knows_method_path_and_host_but_no_query() {
        let head =
            Head::read(b"GET /a?card=4242 HTTP/1.1\r\nX: y\r\nHOST:shop.test\r\n\r\n").unwrap();
        assert_eq!(
            (head.method, head.path, head.host),
            (&b"GET"[..], &b"/a"[..], &b"shop.test"[..])
        );
    }

    #[test]
    fn whoever_names_a_trace_itself_keeps_it_and_what_is_no_request_is_left_alone() {
        let own = "GET / HTTP/1.1\r\nHost: a\r\nTraceParent: 00-1-2-01\r\n\r\n";
        for bytes in [own, "", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n\r\n", "GET\n\r\n\n"] {
            assert_eq!(marked(bytes.as_bytes()), None, "{bytes:?}");
        }
        let in_body = "POST / HTTP/1.1\r\nHost: a\r\n\r\ntraceparent: 1\r\n";
        assert!(marked(in_body.as_bytes()).is_some(), "a body is nobody's head");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            if let Some(head) = Head::read(&bytes) {
                prop_assert!(bytes[head.end..].starts_with(b"\r\n"));
            }
        }
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let traced = sampler(1.0).operation(FanId::default(), Time::ZERO);
        let span = Span {
            trace: traced.trace(),
            id: traced.whole(),
            parent: None,
            fan: FanId::default(),
            operation: Operation::Checkout,
            began: Time::ZERO,
            ended: Time::ZERO,
            outcome: Outcome::Ok,
            request: None,
        };
        let mut spans = Spans::default();
        for _ in 0..5 {
            spans.add(span.clone(), 3);
        }
        spans.merge(Spans { kept: vec![span], lost: 4 });
        assert_eq!((spans.kept.len(), spans.lost), (4, 6));
    }
}

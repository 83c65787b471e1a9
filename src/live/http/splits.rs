//! What must hold of any bytes at all, however they are cut: for the tests, and for the fuzzer in
//! `fuzz/`, which compiles the reader from these files.

use super::{BODY_MAX, Body, HEAD_MAX, Head, Heads, KEPT_MAX, Reader};

/// The most memory that a reader may hold: what it keeps of a head and a body, and as much again,
/// for memory grows by doubling \[bytes\].
const MEMORY_MAX: usize = 2 * (KEPT_MAX + HEAD_MAX);
/// How many bytes at the beginning of the fuzzer's input say how the rest is cut.
const CUTS: usize = 4;

/// What a reader made of a stream of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// The head, if an answer was read.
    pub(super) head: Option<Head>,
    /// The lines of its head, if they are kept.
    pub(super) fields: Vec<u8>,
    /// The body, as far as it is kept.
    pub(super) body: Vec<u8>,
    /// How many of the bytes belong to the answer.
    pub(super) used: usize,
    /// Whether it was whole before the connection was closed.
    pub(super) ended: Ended,
}

/// How an answer ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself.
    Itself,
    /// By the end of the connection.
    AtClose,
    /// It never did, or is none.
    Wrong,
}

/// Reads `bytes` in pieces that end at `cuts` (which ascend), then closes.
///
/// # Panics
/// When the reader uses more than it was given, holds more memory than it may, or reads on after an
/// answer's end.
pub(super) fn read(expected: Body, bytes: &[u8], cuts: &[usize]) -> Read {
    let mut heads = Heads::default();
    let first = read_among(&mut heads, expected, bytes, cuts);
    let again = read_among(&mut heads, expected, bytes, cuts);
    assert_eq!(again, first, "a head that is known says the same");
    first
}

fn read_among(heads: &mut Heads, expected: Body, bytes: &[u8], cuts: &[usize]) -> Read {
    let (fields, body) = (Vec::new(), Vec::new());
    let wrong = Read { head: None, fields, body, used: 0, ended: Ended::Wrong };
    let mut reader = Reader::new();
    reader.expect(expected);
    let (mut from, mut used, mut piece) = (0, 0, &bytes[..0]);
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        piece = &bytes[from..cut];
        from = cut;
        let Ok(count) = reader.feed(piece, heads) else { return wrong };
        assert!(count <= piece.len(), "it uses what it was given");
        assert!(reader.is_whole() || count == piece.len(), "it uses all until the end");
        assert!(reader.kept.capacity() <= MEMORY_MAX, "{} bytes", reader.kept.capacity());
        assert!(reader.body_bytes <= BODY_MAX);
        used += count;
        if reader.is_whole() {
            break;
        }
    }
    let ended = if reader.is_whole() { Ended::Itself } else { Ended::AtClose };
    if reader.close().is_err() {
        return wrong;
    }
    let more = reader.feed(b"HTTP/1.1 200 OK\r\n\r\n", heads);
    assert_eq!(more, Ok(0), "after the end nothing is used");
    assert!(reader.head().is_some(), "a whole answer has a head");
    let (fields, body) = (reader.fields(piece).to_vec(), reader.body(piece).to_vec());
    assert!(expected.keeps_fields() || fields.is_empty(), "nobody pays for what is not wanted");
    Read { head: reader.head().copied(), fields, body, used, ended }
}

/// Reads bytes of the fuzzer's, whose first ones say what is expected and where the rest is cut:
/// the reading is that of the bytes in one piece, and of the bytes one by one.
///
/// # Panics
/// When the reader's promises do not hold.
pub(in crate::live) fn assert_any_split_reads_alike(input: &[u8]) {
    let Some((choices, bytes)) = input.split_at_checked(CUTS) else { return };
    let wishes = [Body::Keep, Body::Skip, Body::Absent, Body::KeepWithFields];
    let expected = wishes[usize::from(choices[0]) % wishes.len()];
    let whole = read(expected, bytes, &[]);
    let places = choices[1..].iter();
    // Heads and size lines stand at the beginning, and small numbers cut there.
    let mut cuts: Vec<usize> =
        places.map(|place| usize::from(*place) * usize::from(choices[0]) / 16).collect();
    cuts.retain(|cut| *cut <= bytes.len());
    cuts.sort_unstable();
    assert_alike(&read(expected, bytes, &cuts), &whole);
    let singly: Vec<usize> = (0..bytes.len().min(HEAD_MAX / 8)).collect();
    assert_alike(&read(expected, bytes, &singly), &whole);
}

/// Which fault is seen first may depend on the cuts; that there is one may not.
#[track_caller]
pub(super) fn assert_alike(split: &Read, whole: &Read) {
    assert_eq!(split, whole, "the same bytes are the same answer");
}

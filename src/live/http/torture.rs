//! The reader on the rack: every way in which a server can be wrong, cut at every byte.

use proptest::prelude::*;

use super::splits::{Ended, Read, assert_alike, read};
use super::*;

/// What an answer is to be read as.
#[derive(Copy, Clone, Debug)]
enum Meant {
    /// A whole answer: its status, whether the connection may be used again, its body. All bytes
    /// belong to it.
    Whole(u16, Use, &'static str),
    /// Likewise, and so many bytes after it that nobody asked for.
    Surplus(u16, &'static str, usize),
    /// An answer that ends with the connection.
    UntilClose(u16, &'static str),
    /// None.
    Fault,
}

/// Whether the server lets the connection be used again.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Use {
    Again,
    Once,
}

use Body::{Absent, Keep, KeepWithFields, Skip};
use Meant::{Fault, Surplus, UntilClose, Whole};
use Use::{Again, Once};

/// Each answer, what was asked for, and what is to be read.
const RACK: &[(&str, Body, Meant)] = &[
    // Lengths.
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Keep, Whole(200, Again, "hi")),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Keep, Whole(200, Again, "")),
    ("HTTP/1.1 200 OK\r\nContent-Length: 002\r\n\r\nhi", Keep, Whole(200, Again, "hi")),
    ("HTTP/1.1 200 OK\r\nContent-Length:\t2 \r\n\r\nhi", Keep, Whole(200, Again, "hi")),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", Keep, Whole(200, Again, "hi")),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi",
        Keep,
        Whole(200, Again, "hi"),
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhi", Keep, Surplus(200, "h", 1)),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhi", Keep, Surplus(200, "", 2)),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2 2\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", Keep, Fault),
    // The end of the connection as the end of the body, and its end before that.
    ("HTTP/1.1 200 OK\r\n\r\nhi", Keep, UntilClose(200, "hi")),
    ("HTTP/1.1 200 OK\r\n\r\n", Keep, UntilClose(200, "")),
    ("HTTP/1.0 200 OK\r\n\r\nhi", Keep, UntilClose(200, "hi")),
    ("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nhi", Keep, UntilClose(200, "hi")),
    ("", Keep, Fault),
    ("\r\n", Keep, Fault),
    ("HTTP/1.1", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", Keep, Fault),
    // Versions, and who may stay.
    ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", Keep, Whole(200, Once, "hi")),
    (
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nhi",
        Keep,
        Whole(200, Once, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nhi",
        Keep,
        Whole(200, Once, "hi"),
    ),
    ("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("SSH-2.0-OpenSSH_9.2\r\n\r\n", Keep, Fault),
    ("<html>hi</html>\r\n\r\n", Keep, Fault),
    // Status lines.
    ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Keep, Whole(200, Again, "")),
    ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Keep, Whole(200, Again, "")),
    ("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Keep, Whole(200, Again, "")),
    ("HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    // Lines and fields.
    ("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", Keep, Whole(200, Again, "hi")),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", Keep, Whole(200, Again, "hi")),
    ("HTTP/1.1 200 OK\rContent-Length: 2\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nX\0: a\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nX:\r\nContent-Length: 0\r\n\r\n", Keep, Whole(200, Again, "")),
    ("HTTP/1.1 200 OK\r\nX: \u{e9}\r\nContent-Length: 0\r\n\r\n", Keep, Whole(200, Again, "")),
    // Chunks.
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n000\r\n\r\n",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 ;a=\"b\" ; c\r\nhi\r\n0;d\r\n\r\n",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: r\r\nContent-Length: 9\r\n\r\n",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 500 X\r\n\r\n",
        Keep,
        Surplus(200, "", 18),
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi", Keep, UntilClose(200, "hi")),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nhi", Keep, UntilClose(200, "hi")),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nhi", Keep, UntilClose(200, "hi")),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 2\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\nhi\r\n0\r\n\r\n", Keep, Fault),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nhi\r\n0\r\n\r\n",
        Keep,
        Fault,
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nhi", Keep, Fault),
    // Two ways to end a body, of which one is a lie: read by the stronger, never used again.
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Keep,
        Whole(200, Once, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Keep,
        Whole(200, Once, "hi"),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
        Keep,
        UntilClose(200, "hi"),
    ),
    // RFC 9112 §6.1: whoever speaks HTTP/1.0 does not know chunks.
    (
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Keep,
        Whole(200, Once, "hi"),
    ),
    // Answers without a body.
    ("HTTP/1.1 204 No Content\r\n\r\n", Keep, Whole(204, Again, "")),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", Keep, Surplus(204, "", 2)),
    ("HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", Keep, Whole(304, Again, "")),
    (
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Keep,
        Surplus(304, "", 5),
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Absent, Whole(200, Again, "")),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Absent, Surplus(200, "", 2)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Absent, Whole(200, Again, "")),
    // Interim answers.
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        Keep,
        Whole(200, Again, "hi"),
    ),
    (
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\n\r\nHTTP/1.1 204 X\r\n\r\n",
        Keep,
        Whole(204, Again, ""),
    ),
    ("HTTP/1.1 100 Continue\r\n\r\n", Keep, Fault),
    ("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", Keep, Fault),
    // More than was asked for.
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        Keep,
        Surplus(200, "hi", 38),
    ),
];

fn expected(text: &str, asked: Body, meant: Meant) -> Read {
    // None of those whose head alone is wanted begins with an interim answer.
    let head = text.find("\r\n\r\n").map_or(text, |end| &text[..end + 4]);
    let lines = head.split_once('\n').map_or("", |(_, lines)| lines);
    let fields = if asked == Absent { lines.into() } else { Vec::new() };
    let (status, usage, body, surplus, ended) = match meant {
        Whole(status, usage, body) => (status, usage, body, 0, Ended::Itself),
        Surplus(status, body, surplus) => (status, Again, body, surplus, Ended::Itself),
        UntilClose(status, body) => (status, Once, body, 0, Ended::AtClose),
        Fault => {
            return Read {
                head: None,
                fields: Vec::new(),
                body: Vec::new(),
                used: 0,
                ended: Ended::Wrong,
            };
        }
    };
    let head = Head { status, retry_after: None, keep_alive: usage == Again };
    Read { head: Some(head), fields, body: body.into(), used: text.len() - surplus, ended }
}

#[test]
fn every_rude_answer_is_read_as_it_is_meant() {
    for (text, asked, meant) in RACK {
        assert_eq!(read(*asked, text.as_bytes(), &[]), expected(text, *asked, *meant), "{text:?}");
    }
}

#[test]
fn every_rude_answer_split_at_every_byte_is_the_same_answer() {
    for (text, asked, meant) in RACK {
        let (bytes, expected) = (text.as_bytes(), expected(text, *asked, *meant));
        for cut in 0..=bytes.len() {
            assert_eq!(read(*asked, bytes, &[cut]), expected, "{text:?} cut at {cut}");
        }
        let singly: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(read(*asked, bytes, &singly), expected, "{text:?} byte by byte");
    }
}

#[test]
fn the_lines_of_a_head_are_kept_however_it_is_split() {
    for (text, asked, _) in RACK.iter().filter(|(_, asked, _)| *asked == Keep) {
        let bytes = text.as_bytes();
        let whole = read(KeepWithFields, bytes, &[]);
        let plain = read(*asked, bytes, &[]);
        assert_eq!(Read { fields: Vec::new(), ..whole.clone() }, plain, "{text:?}");
        let lines = String::from_utf8(whole.fields.clone()).unwrap();
        assert!(
            whole.head.is_none() || lines.ends_with("\r\n") || lines.ends_with('\n'),
            "{text:?}"
        );
        assert!(text.contains(&lines) && !lines.contains("HTTP/1"), "{text:?}");
        for cut in 0..=bytes.len() {
            assert_eq!(read(KeepWithFields, bytes, &[cut]), whole, "{text:?} cut at {cut}");
        }
        let singly: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(read(KeepWithFields, bytes, &singly), whole, "{text:?} byte by byte");
    }
}

/// Feeds `head`, then `more` for ever: how many bytes it took until the reader had enough.
fn endless(head: &str, more: &str) -> usize {
    let mut reader = Reader::new();
    reader.expect(Keep);
    let mut fed = head.len();
    let mut verdict = reader.feed(head.as_bytes(), &mut Heads::default());
    while verdict.is_ok() {
        assert!(!reader.is_whole(), "it has no end");
        assert!(reader.kept.capacity() <= 2 * KEPT_MAX, "{} bytes", reader.kept.capacity());
        verdict = reader.feed(more.as_bytes(), &mut Heads::default());
        fed += more.len();
    }
    fed
}

#[test]
fn what_has_no_end_is_given_up_and_takes_no_memory() {
    let long = "x".repeat(1_000);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let many = "12345678\r\n".len() * 3;
    for (head, more, most) in [
        ("HTTP/1.1 200 OK\r\nX: ", long.as_str(), HEAD_MAX + 2_000),
        ("HTTP/1.1 200 OK\r\n", "A: b\r\n", HEAD_MAX + 2_000),
        ("HTTP/1.1 ", "\r\n", HEAD_MAX + 2_000),
        ("", "\r\n", HEAD_MAX + 2_000),
        ("", "HTTP/1.1 102 Processing\r\n\r\n", 10 * 30),
        (&format!("{chunked}1;"), &long, 6_000),
        (&format!("{chunked}0\r\n"), "T: railer\r\n", 6_000),
        (&format!("{chunked}0\r\n"), &long, 6_000),
        (&format!("{chunked}0"), "0", chunked.len() + many),
    ] {
        let fed = endless(head, more);
        assert!(fed <= most, "{head:?} {more:.9?}: {fed} bytes");
    }
}

#[test]
fn a_body_without_end_is_given_up_at_its_limit_and_takes_no_memory() {
    let mebibyte = "x".repeat(1 << 20);
    let chunk = format!("100000\r\n{mebibyte}\r\n");
    let most = usize::try_from(BODY_MAX).unwrap() + 3 * mebibyte.len();
    assert!(endless("HTTP/1.1 200 OK\r\n\r\n", &mebibyte) <= most);
    assert!(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk) <= most);
}

proptest! {
    #[test]
    fn answers_of_the_rack_in_a_row_are_read_one_by_one_however_they_are_cut(
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        asked in prop_oneof![Just(Keep), Just(Skip), Just(Absent), Just(KeepWithFields)],
    ) {
        let text: String = places.iter().map(|place| RACK[place.index(RACK.len())].0).collect();
        cuts.sort_unstable_by_key(|cut| cut.index(text.len() + 1));
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        let whole = read(asked, text.as_bytes(), &[]);
        assert_alike(&read(asked, text.as_bytes(), &cuts), &whole);
    }

    #[test]
    fn damaged_answers_of_the_rack_are_the_same_however_they_are_cut(
        place in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (text, asked, _) = RACK[place.index(RACK.len())];
        let mut bytes = format!("{text} ").into_bytes();
        for (place, byte) in damages {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let whole = read(asked, &bytes, &[]);
        assert_alike(&read(asked, &bytes, &[cut.index(bytes.len() + 1)]), &whole);
        splits::assert_any_split_reads_alike(&bytes);
    }
}

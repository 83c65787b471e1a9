//! The reader against whole, split, wrong and hostile answers.

use proptest::prelude::*;

use super::*;

/// What a reader makes of one stream of bytes, cut into pieces, and then closed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    head: Option<Head>,
    body: Vec<u8>,
    used: usize,
    error: Option<ReadError>,
}

fn read_in_pieces(bytes: &[u8], cuts: &[usize]) -> Read {
    read_of(Body::Keep, bytes, cuts)
}

fn read_of(body: Body, bytes: &[u8], cuts: &[usize]) -> Read {
    let mut reader = Reader::new();
    reader.expect(body);
    let mut used = 0;
    let mut taken: &[u8] = &[];
    let mut error = None;
    let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    edges.extend([0, bytes.len()]);
    edges.sort_unstable();
    for edge in edges.windows(2) {
        taken = &bytes[edge[0]..edge[1]];
        match reader.feed(taken, &mut Heads::default()) {
            Ok(count) => used += count,
            Err(wrong) => error = Some(wrong),
        }
        if error.is_some() || reader.is_whole() {
            break;
        }
    }
    if error.is_none() {
        error = reader.close().err();
    }
    if error.is_some() {
        // How far a reader came before it saw the fault depends on the cuts.
        return Read { head: None, body: Vec::new(), used: 0, error };
    }
    Read { head: reader.head().copied(), body: reader.body(taken).to_vec(), used, error }
}

fn read(text: &str) -> Read {
    read_in_pieces(text.as_bytes(), &[])
}

fn whole(status: u16, keep_alive: bool, body: &str, used: usize) -> Read {
    let head = Some(Head { status, retry_after: None, keep_alive });
    Read { head, body: body.into(), used, error: None }
}

#[test]
fn every_way_to_end_a_body_is_understood() {
    for (text, status, keep_alive, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, true, "hi"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, true, ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, true, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, true, ""),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nhi", 200, false, "hi"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, false, "hi"),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
            200,
            true,
            "hi",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, false, "until the end"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nraw", 200, false, "raw"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
            200,
            true,
            "hello!",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
            200,
            true,
            "0123456789",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 425 Too Early\r\nContent-Length: 0\r\n\r\n",
            425,
            true,
            "",
        ),
    ] {
        assert_eq!(read(text), whole(status, keep_alive, body, text.len()), "{text}");
    }
}

#[test]
fn an_answer_to_a_head_request_ends_with_its_head() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    ] {
        let next = format!("{text}HTTP/1.1 200 OK\r\n");
        for cuts in [&[][..], &[7, 30]] {
            let read = read_of(Body::Absent, next.as_bytes(), cuts);
            assert_eq!(read, whole(200, true, "", text.len()), "{text}");
        }
    }
}

#[test]
fn an_answer_that_comes_whole_is_understood_in_place() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ] {
        let mut reader = Reader::new();
        reader.expect(Body::Keep);
        reader.feed(text.as_bytes(), &mut Heads::default()).unwrap();
        assert_eq!(reader.body(text.as_bytes()), b"hi");
        assert_eq!(reader.kept.capacity(), 0, "nothing is copied: {text}");
        let (first, rest) = text.split_at(text.len() - 9);
        reader.expect(Body::Keep);
        reader.feed(first.as_bytes(), &mut Heads::default()).unwrap();
        reader.feed(rest.as_bytes(), &mut Heads::default()).unwrap();
        assert_eq!(reader.body(rest.as_bytes()), b"hi");
        reader.expect(Body::Skip);
        assert_eq!(reader.kept.capacity(), 0, "the memory of a split answer is given back");
    }
}

#[test]
fn bytes_after_an_answer_are_not_taken_for_it() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(read(&format!("{answer}HTTP/1.1 500")), whole(200, true, "hi", answer.len()));
}

#[test]
fn what_cannot_be_framed_is_an_error() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(HEAD_MAX));
    let endless = "HTTP/1.1 102 Processing\r\n\r\n".repeat(9);
    let extension =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;{}\r\n", "x".repeat(5_000));
    for (text, error) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", ReadError::Truncated),
        ("HTTP/1.1 200 OK\r\nContent-Le", ReadError::Truncated),
        ("", ReadError::Truncated),
        ("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nhi", ReadError::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", ReadError::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", ReadError::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", ReadError::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", ReadError::BodyTooLong),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", ReadError::Chunk),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", ReadError::Chunk),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx", ReadError::Chunk),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!", ReadError::Chunk),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            ReadError::Chunk,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
            ReadError::Truncated,
        ),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", ReadError::Interim(101)),
        (endless.as_str(), ReadError::Interim(102)),
        (long.as_str(), ReadError::HeadTooLong),
        (extension.as_str(), ReadError::Chunk),
    ] {
        assert_eq!(read(text).error, Some(error), "{}", &text[..text.len().min(80)]);
    }
    assert!(matches!(read("SSH-2.0-OpenSSH_9.2\r\n").error, Some(ReadError::Head(_))));
}

#[test]
fn length_and_coding_together_end_the_connection() {
    let text =
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(read(text), whole(200, false, "", text.len()));
}

#[test]
fn a_body_too_long_to_keep_is_read_to_its_end_but_not_shown() {
    let body = "x".repeat(KEPT_MAX + 1);
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(read(&text), whole(200, true, "", text.len()));
}

#[test]
fn a_skipped_body_takes_no_memory() {
    let mut reader = Reader::new();
    reader.expect(Body::Skip);
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1_000));
    assert_eq!(reader.feed(text.as_bytes(), &mut Heads::default()), Ok(text.len()));
    assert!(reader.is_whole() && reader.kept.capacity() == 0);
}

/// Answers, right and wrong, whose reading must not depend on how they are cut.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(
        prop_oneof![
            Just("Content-Length: 11".to_owned()),
            Just("Transfer-Encoding: chunked".to_owned()),
            Just("Connection: close".to_owned()),
            "Retry-After: [0-9]{1,3}",
            "X-[A-Za-z]{1,12}: [ -~]{0,30}",
        ],
        0..6,
    );
    let bodies = prop_oneof![
        Just(b"hello world".to_vec()),
        Just(b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: r\r\n\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..60),
    ];
    (prop_oneof![Just(0_usize), Just(1), Just(2)], 200_u16..600, lines, bodies).prop_map(
        |(interim, status, lines, body)| {
            let interims = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(interim);
            let fields: String = lines.into_iter().flat_map(|line| [line, "\r\n".into()]).collect();
            let text = format!("{interims}HTTP/1.1 {status} Reason\r\n{fields}\r\n");
            [text.into_bytes(), body].concat()
        },
    )
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_answer(
        bytes in answers(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        prop_assert_eq!(read_in_pieces(&bytes, &cuts), read_in_pieces(&bytes, &[]));
    }

    #[test]
    fn one_byte_at_a_time_is_enough(bytes in answers()) {
        let cuts: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(read_in_pieces(&bytes, &cuts), read_in_pieces(&bytes, &[]));
    }

    #[test]
    fn no_bytes_at_all_can_make_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        read_in_pieces(&bytes, &cuts);
    }

    #[test]
    fn a_damaged_answer_never_panics(
        mut bytes in answers(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let place = place.index(bytes.len());
        bytes[place] = byte;
        read_in_pieces(&bytes, &cuts);
    }
}

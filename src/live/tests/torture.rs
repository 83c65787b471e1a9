//! Fans against every rudeness over real sockets: the outcome is right, a connection is used again
//! exactly when it may be, no answer is taken for another request's, and nothing hangs.

use super::*;

/// What becomes of a question that is answered so.
struct Row {
    /// What the shop does about it.
    deed: Deed,
    /// What may come of it; several where it hangs on who is faster.
    outcomes: &'static [Outcome],
    /// How many connections the fan needs in all, if it goes on: 1 where the one is used again;
    /// none where that hangs on who is faster.
    connections: Option<usize>,
}

const OK: &[Outcome] = &[Outcome::Ok];
const ERROR: &[Outcome] = &[Outcome::Error];
const UNKNOWN: &[Outcome] = &[Outcome::Unknown];

/// What nobody asked for, and would send the next request's fan away.
const SURPLUS: &str = "HTTP/1.1 409 X\r\nContent-Length: 0\r\n\r\n";

/// The reply of an honest shop, as JSON.
fn body() -> String {
    let reply = ShopReply { items: Some(1), slots: Some(1), ..ShopReply::of(Outcome::Ok) };
    serde_json::to_string(&reply).unwrap()
}

/// An answer with these fields and its right length.
fn answer(start: &str, fields: &str) -> String {
    let body = body();
    format!("{start}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// An answer in two chunks, with an extension and a trailer.
fn chunked(fields: &str) -> String {
    let body = body();
    let (first, second) = body.split_at(5);
    format!(
        "HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\n{first}\r\n{:x}\r\n\
         {second}\r\n0\r\nT: railer\r\n\r\n",
        second.len()
    )
}

/// A head that promises so many bytes more than there are.
fn lying(bytes: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n{}", body())
}

fn used_again() -> Vec<Deed> {
    let whole = answer("HTTP/1.1 200 OK", "");
    vec![
        Deed::Answer(whole.clone()),
        Deed::Trickle(whole),
        Deed::Answer(chunked("")),
        Deed::Trickle(chunked("")),
        Deed::Answer(answer("HTTP/1.1 200", "")),
        Deed::Answer(answer("HTTP/1.1 200 OK", "").replace("\r\n", "\n")),
        Deed::Answer(answer("HTTP/1.0 200 OK", "Connection: keep-alive\r\n")),
        Deed::Answer(answer(
            &format!("{}HTTP/1.1 200 OK", "HTTP/1.1 100 Continue\r\n\r\n".repeat(8)),
            "",
        )),
        Deed::Answer("HTTP/1.1 204 X\r\n\r\n".to_owned()),
    ]
}

fn used_once() -> Vec<Deed> {
    let whole = answer("HTTP/1.1 200 OK", "");
    let short = (body().len() - 1).to_string();
    vec![
        Deed::Answer(answer("HTTP/1.0 200 OK", "")),
        Deed::Answer(answer("HTTP/1.1 200 OK", "Connection: close\r\n")),
        Deed::Answer(whole + SURPLUS),
        Deed::Answer(chunked("") + SURPLUS),
        Deed::Answer("HTTP/1.1 204 X\r\nContent-Length: 40\r\n\r\n".to_owned() + SURPLUS),
        Deed::Answer("HTTP/1.1 304 X\r\nContent-Length: 40\r\n\r\n".to_owned() + SURPLUS),
        Deed::Answer(lying(&short)),
        Deed::Answer(chunked("Content-Length: 3\r\n")),
        Deed::AnswerAndClose(format!("HTTP/1.1 200 OK\r\n\r\n{}", body())),
        Deed::HalfClose(format!("HTTP/1.0 200 OK\r\n\r\n{}", body())),
        Deed::Deaf(answer("HTTP/1.1 200 OK", "Connection: close\r\n")),
        // Before a byte of the answer, it may just have been closed as idle: asked once more.
        Deed::Reset(String::new()),
    ]
}

/// Whole answers, and an end that nothing announced: the next request, which would be a purchase,
/// may be on its way by the time it comes.
fn ended_unannounced() -> Vec<Deed> {
    let whole = answer("HTTP/1.1 200 OK", "");
    vec![Deed::AnswerAndClose(whole.clone()), Deed::HalfClose(whole)]
}

fn faults() -> Vec<Deed> {
    let long = (body().len() + 1).to_string();
    let head = "HTTP/1.1 200 OK\r\n";
    let coded = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let part = |text: &str| text[..text.len() - 3].to_owned();
    vec![
        Deed::Answer(lying("-1")),
        Deed::Answer(lying("5, 6")),
        Deed::Answer(answer(head.trim_end(), "Content-Length: 1\r\n")),
        Deed::AnswerAndClose(lying(&long)),
        Deed::HalfClose(lying(&long)),
        Deed::AnswerAndClose(part(&chunked(""))),
        Deed::Answer(format!("{coded}xyz\r\n")),
        Deed::Answer(format!("{coded}-1\r\n")),
        Deed::Answer(format!("{coded}2\r\nhi!\r\n")),
        Deed::Answer(answer(head.trim_end(), "X: a\0b\r\n")),
        Deed::Answer(answer(head.trim_end(), "X: a\r\n folded\r\n")),
        Deed::Answer("HTTP/1.1 101 X\r\n\r\n".to_owned()),
        Deed::Answer("HTTP/1.1 102 X\r\n\r\n".repeat(9)),
        Deed::Answer("<html>hi</html>\r\n\r\n".to_owned()),
        Deed::Reset("HTTP/1.1 200 O".to_owned()),
        Deed::Reset(head.to_owned()),
        Deed::Reset(part(&lying(&long))),
        Deed::Reset(format!("{coded}5\r\nhi")),
        Deed::Endless(head.to_owned(), "X: y\r\n".repeat(100)),
        Deed::Endless(String::new(), "HTTP/1.1 102 X\r\n\r\n".repeat(10)),
        Deed::Endless(format!("{coded}1;"), "x".repeat(1_000)),
        Deed::Endless(format!("{coded}0\r\n"), "T: railer\r\n".repeat(100)),
    ]
}

fn silences() -> Vec<Deed> {
    let coded = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = (body().len() + 1).to_string();
    vec![
        Deed::Silence,
        Deed::Part("HTTP/1.1 200 O".to_owned()),
        Deed::Part("HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        Deed::Part(lying(&long)),
        Deed::Part(format!("{coded}5\r\nhi")),
        Deed::Part(format!("{coded}2\r\nhi\r\n0\r\n")),
        Deed::Part(format!("HTTP/1.1 200 OK\r\n\r\n{}", body())),
    ]
}

/// What becomes of the item that is asked for, by deed.
fn rows() -> Vec<Row> {
    let row = |outcomes, connections| move |deed| Row { deed, outcomes, connections };
    let long = "1000\r\n".to_owned() + &"x".repeat(0x1000) + "\r\n";
    let coded = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let bodies = vec![
        Deed::Endless(coded, long.repeat(16)),
        Deed::Endless("HTTP/1.1 200 OK\r\n\r\n".to_owned(), "x".repeat(1 << 16)),
    ];
    let groups: [Vec<Row>; 6] = [
        used_again().into_iter().map(row(OK, Some(1))).collect(),
        used_once().into_iter().map(row(OK, Some(2))).collect(),
        ended_unannounced().into_iter().map(row(OK, None)).collect(),
        faults().into_iter().map(row(ERROR, Some(1))).collect(),
        silences().into_iter().map(row(UNKNOWN, Some(1))).collect(),
        // It ends at the limit of a body or at the deadline, whichever comes first.
        bodies.into_iter().map(row(&[Outcome::Error, Outcome::Unknown], Some(1))).collect(),
    ];
    groups.into_iter().flatten().collect()
}

/// Does what is asked for each row, some at a time.
fn each(rows: &[Row], check: impl Fn(&Row) + Sync) {
    for some in rows.chunks(8) {
        thread::scope(|scope| some.iter().for_each(|row| drop(scope.spawn(|| check(row)))));
    }
}

/// The deadline of rows in which nothing more comes; the others never meet theirs.
fn patience(row: &Row) -> Duration {
    let waits = row.outcomes.contains(&Outcome::Unknown);
    if waits { Duration::from_millis(700) } else { Duration::from_secs(20) }
}

#[test]
fn a_rude_answer_to_a_question_has_the_right_outcome_and_its_connection_the_right_end() {
    each(&rows(), |row| {
        let shop = RudeShop::open({
            let deed = row.deed.clone();
            move |asked| {
                (asked.line.starts_with("GET /items/0") && asked.before == 0).then(|| deed.clone())
            }
        });
        let trial = Trial { timeout: patience(row), ..Trial::default() };
        let outcomes = trial.live(shop.address);
        let (request, reply, at) = outcomes.first(Operation::Item);
        assert!(row.outcomes.contains(&reply.outcome), "{:.300?}: {reply:?}", row.deed);
        assert!(at <= request.deadline || reply.outcome != Outcome::Unknown, "{:.300?}", row.deed);
        assert_eq!(outcomes.departures().len(), 1, "it leaves: {:.300?}", row.deed);
        let Some(expected) = row.connections else { return };
        if reply.outcome == Outcome::Ok {
            // What comes later is answered by what was asked later.
            assert_eq!(outcomes.departures(), [Departure::Bought], "{:.300?}", row.deed);
            let all = outcomes.operations();
            assert!(all.iter().all(|(_, reply, _)| reply.outcome == Outcome::Ok), "{all:?}");
        }
        let connections = shop.connections.load(Ordering::SeqCst);
        assert_eq!(connections, expected, "{:.300?}", row.deed);
    });
}

#[test]
fn a_rude_answer_to_a_purchase_is_unknown_where_it_is_none() {
    let mut rows = rows();
    // A purchase that was sent is never repeated by the connection.
    rows.retain(|row| !matches!(&row.deed, Deed::Reset(sent) if sent.is_empty()));
    each(&rows, |row| {
        let shop = RudeShop::open({
            let deed = row.deed.clone();
            move |asked| (asked.line == "POST /checkout" && asked.before == 0).then(|| deed.clone())
        });
        let trial = Trial { timeout: patience(row), ..Trial::default() };
        let outcome = trial.live(shop.address).checkout().3;
        let expected = if row.outcomes == OK { Outcome::Ok } else { Outcome::Unknown };
        assert_eq!(outcome, expected, "{:.300?}", row.deed);
    });
}

#[test]
fn what_nobody_asked_for_is_nobodys_answer_however_many_share_the_connections() {
    let shop = open(|asked| Some(Deed::Answer(honest(&asked.line) + SURPLUS)));
    let connections = Connections::Pool(3);
    let trial = Trial { fans: 20, connections, ..Trial::default() };
    let outcomes = trial.live(shop.address);
    assert_eq!(outcomes.departures(), [Departure::Bought; 20]);
    assert!(outcomes.operations().iter().all(|(_, reply, _)| reply.outcome == Outcome::Ok));
    let requests = 20 * 7;
    assert_eq!(shop.connections.load(Ordering::SeqCst), requests, "none is used again");
}

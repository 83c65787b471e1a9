//! Bytes as a client may send them: in pieces, together, plain and odd.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Mood, PLACES, Street, settings};
use crate::settings::Storage;

const CART: &str = r#"{"item":0,"slot":0,"quantity":1}"#;

/// Everything that comes back for `pieces`, each sent when the one before has left.
async fn exchange(street: &Street, pieces: &[&str]) -> String {
    let mut stream = TcpStream::connect(street.client.edge).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The statuses of answers that came one after the other.
fn statuses(answers: &str) -> Vec<&str> {
    let begins = answers.match_indices("HTTP/1.").map(|(begin, _)| &answers[begin..]);
    begins.map(|answer| &answer["HTTP/1.1 ".len()..][..3]).collect()
}

#[tokio::test]
async fn requests_that_come_together_or_in_pieces_are_answered_in_their_order() {
    let street = Street::open(PLACES[0], settings(3), Storage::Memory, Mood::Well).await;
    let all = format!(
        "GET /sales/0/page/0?from=mail HTTP/1.1\r\nhost: shop\r\n\r\n\
         POST /cart HTTP/1.1\r\nhost: shop\r\ncontent-length: {}\r\n\r\n{CART}\
         GET /nothing HTTP/1.1\r\nhost: shop\r\nconnection: keep-alive\r\n\r\n\
         GET /sales/0/status HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n",
        CART.len()
    );
    let together = exchange(&street, &[&all]).await;
    assert_eq!(statuses(&together), ["200", "200", "404", "200"]);
    for expected in ["max-age=1", "Everything is sold", "there is nothing", "connection: close"] {
        assert!(together.contains(expected), "{together}");
    }
    let pieces: Vec<&str> = all.split_inclusive(|_: char| true).collect();
    let split = exchange(&street, &pieces).await;
    let undated = |answers: &str| {
        let lines = answers.lines().filter(|line| !line.starts_with("date: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(undated(&split), undated(&together));
    assert_eq!(street.snapshot().await.edge, 6);
    street.close().await;
}

#[tokio::test]
async fn what_is_not_plain_is_answered_all_the_same() {
    let street = Street::open(PLACES[0], settings(3), Storage::Memory, Mood::Well).await;
    let first = "GET /sales/0/page/0 HTTP/1.1\r\nhost: shop\r\n\r\n";
    let long = format!("GET /{} HTTP/1.1\r\nconnection: close\r\n\r\n", "x".repeat(9_000));
    let chunks = format!(
        "POST /cart HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         {:x}\r\n{CART}\r\n0\r\n\r\n",
        CART.len()
    );
    for (odd, expected) in [
        ("GET /sales/0/status HTTP/1.0\r\n\r\n", "200"),
        ("HEAD /sales/0/status HTTP/1.1\r\nconnection: close\r\n\r\n", "404"),
        ("GET /sales/0/status HTTP/1.1\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx", "200"),
        ("GET http://shop/sales/0/status HTTP/1.1\r\nconnection: close\r\n\r\n", "200"),
        (&chunks, "200"),
        (&long, "404"),
        ("POST /cart HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", "400"),
        ("POST /cart HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n{}", "400"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let answers = exchange(&street, &[&format!("{first}{odd}")]).await;
        assert_eq!(statuses(&answers), ["200", expected], "{odd}: {answers}");
    }
    let expecting = "POST /cart HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\n\
                     content-length: 2\r\n\r\n";
    let answers = exchange(&street, &[expecting, "{}"]).await;
    assert_eq!(statuses(&answers).last(), Some(&"400"), "{answers}");
    street.close().await;
}

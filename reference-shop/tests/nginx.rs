//! A real nginx in front of the shop, where this machine has it (`./test` sees to it).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::path::Path;
use std::thread;

use domain::time::{Duration, Span};
use program::Shop;
use reference_shop::settings::{Cookies, Edge, EdgeBy, ShopSettings, Storage};

/// How often something is looked at that comes true by itself.
const LOOKS_MAX: u32 = 100_000;

/// A shop behind nginx, and the folder of its settings; nothing where nginx is not installed.
fn shop(edge: Edge) -> Option<(Shop, tempfile::TempDir)> {
    if !Path::new("/usr/sbin/nginx").exists() {
        eprintln!("nginx is not installed: nothing was tested with it");
        return None;
    }
    let mut settings = ShopSettings::small();
    settings.shop.storage = Storage::Memory;
    settings.shop.edge = Edge { by: EdgeBy::Nginx, ..edge };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.json");
    std::fs::write(&path, serde_json::to_string(&settings).unwrap()).unwrap();
    Some((Shop::start(&["--settings", path.to_str().unwrap()]), folder))
}

fn seconds(seconds: u64) -> Span {
    Span(Duration::from_secs(seconds))
}

/// What nginx says it did with a request for the page.
fn word(shop: &Shop) -> String {
    let answer = shop.get("/sales/0/page/0");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let word = answer.lines().find_map(|line| line.strip_prefix("X-Cache-Status: "));
    word.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn a_crowd_at_once_is_one_request_at_the_shop() {
    let Some((shop, _folder)) = shop(Edge { ttl: seconds(3_600), ..Edge::default() }) else {
        return;
    };
    let words = thread::scope(|scope| {
        let crowd: Vec<_> = (0..40).map(|_| scope.spawn(|| word(&shop))).collect();
        crowd.into_iter().map(|fan| fan.join().unwrap()).collect::<BTreeSet<_>>()
    });
    assert!(words.iter().all(|word| word == "MISS" || word == "HIT"), "{words:?}");
    let snapshot = shop.snapshot();
    assert_eq!((snapshot.edge, snapshot.origin), (40, 1));
    // What is no page is passed on, and what is not there is nobody's request.
    assert!(shop.get("/sales/0/status").ends_with(r#""items":7,"slots":7}"#));
    assert!(shop.get("/nothing").starts_with("HTTP/1.1 404 "));
    let snapshot = shop.snapshot();
    assert_eq!((snapshot.edge, snapshot.origin), (41, 2));
}

#[test]
fn a_page_is_fetched_again_when_its_time_is_over() {
    let Some((shop, _folder)) = shop(Edge::default()) else { return };
    assert_eq!(word(&shop), "MISS");
    let expired = (0..LOOKS_MAX).any(|_| match word(&shop).as_str() {
        "HIT" => false,
        "EXPIRED" => true,
        word => panic!("{word}"),
    });
    assert!(expired);
    let snapshot = shop.snapshot();
    assert_eq!(snapshot.origin, 2);
    assert!(snapshot.edge >= 3, "{}", snapshot.edge);
}

#[test]
fn in_its_grace_a_stale_page_is_given_while_it_is_fetched() {
    let edge = Edge { grace: seconds(3_600), ..Edge::default() };
    let Some((shop, _folder)) = shop(edge) else { return };
    assert_eq!(word(&shop), "MISS");
    let stale = (0..LOOKS_MAX).any(|_| match word(&shop).as_str() {
        "HIT" => false,
        "STALE" => true,
        word => panic!("{word}"),
    });
    assert!(stale);
    assert!((0..LOOKS_MAX).any(|_| shop.snapshot().origin == 2), "nobody fetched it");
    assert!((0..LOOKS_MAX).any(|_| word(&shop) == "HIT"), "it is not fresh again");
}

#[test]
fn a_page_with_a_cookie_is_kept_for_nobody() {
    let cookies = Cookies::EveryPage;
    let Some((shop, _folder)) = shop(Edge { cookies, ttl: seconds(3_600), ..Edge::default() })
    else {
        return;
    };
    for _ in 0..5 {
        assert_eq!(word(&shop), "MISS");
    }
    let snapshot = shop.snapshot();
    assert_eq!((snapshot.edge, snapshot.origin), (5, 5));
}

#[test]
fn without_a_time_to_live_all_reach_the_shop() {
    let Some((shop, _folder)) = shop(Edge { ttl: seconds(0), ..Edge::default() }) else { return };
    for _ in 0..5 {
        assert_eq!(word(&shop), "MISS");
    }
    assert_eq!(shop.snapshot().origin, 5);
}

#[test]
fn it_ends_with_the_shop_however_that_ends() {
    let Some((mut shop, _folder)) = shop(Edge::default()) else { return };
    let address = shop.url.strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    shop.child.kill().unwrap();
    shop.child.wait().unwrap();
    assert!((0..LOOKS_MAX).any(|_| TcpStream::connect(&address).is_err()), "it goes on");
}

//! Servers of ledgers and hooks over TLS: read by whom their certificate convinces, by nobody else.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::live::tests::rude::identity;
use crate::scenario::target::Hook;

/// What the server answers, to whatever it is asked at that host.
const CHARGES: &str =
    r#"[{"payment": "pi_1", "intent": "mi9s4k2p-0-1", "status": "captured", "amount": 100}]"#;

/// A server over TLS for `localhost`, until the sender is dropped; and what it is to be trusted by.
fn server() -> (SocketAddr, Vec<u8>, oneshot::Sender<()>) {
    let (certificate, config) = identity("localhost", &["http/1.1"]);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let serve = async {
                while let Ok((tcp, _)) = listener.accept().await {
                    tokio::spawn(answer(tcp, acceptor.clone()));
                }
            };
            tokio::select! { () = serve => {}, _ = ended => {} }
        });
    });
    (told.recv().unwrap(), certificate, end)
}

/// Whoever does not name the host, or is not convinced, is told nothing.
async fn answer(tcp: tokio::net::TcpStream, acceptor: TlsAcceptor) {
    let address = tcp.local_addr().unwrap();
    let Ok(mut stream) = acceptor.accept(tcp).await else { return };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let is_named = head.contains(&format!("host: localhost:{}\r\n", address.port()));
    let status = if is_named { "200 OK" } else { "421 Misdirected Request" };
    let body = if head.starts_with("get /charges ") { CHARGES } else { "" };
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    drop(stream.write_all(text.as_bytes()).await);
    drop(stream.shutdown().await);
}

#[test]
fn a_ledger_and_a_hook_over_https_are_asked_by_the_trust_of_the_fans() {
    let (address, certificate, _end) = server();
    let url = format!("https://localhost:{}", address.port());
    let shop = Shop::before_the_storm();
    let at_home = |trust: Trust| {
        let rows = Rows::Http { url: url.clone() };
        let provider = ProviderLedger::Mapped { rows, payments: "/charges".to_owned() };
        let reset = Hook::Http { url: format!("{url}/reset") };
        let wanted = Wanted { provider: Some(provider), reset: Some(reset), ..shop.wanted(FREE) };
        let clock = Clock::begin_in(Duration::ZERO);
        let home = Home::of(shop.folder.path(), trust);
        Foreign::new(wanted, &shop.catalogue(), clock, RUN, home).unwrap()
    };
    for trust in [Trust::System { besides: Some(certificate) }, Trust::Anyone] {
        let mut foreign = at_home(trust);
        foreign.reset().unwrap();
        assert_eq!(foreign.provider_names(&format!("{RUN}-0-1")), Some(Ok(true)));
    }
    let (other, _) = identity("localhost", &[]);
    let mut foreign = at_home(Trust::System { besides: Some(other) });
    let why = with_causes(&foreign.reset().unwrap_err());
    assert!(why.starts_with(&format!("restore stock by `POST {url}/reset`")), "{why}");
    assert!(matches!(foreign.provider_names("x"), Some(Err(_))));
}

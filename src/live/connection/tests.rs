//! Connections that come to stand, and those that do not, over real sockets on loopback.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use domain::time::Duration;
use mio::{Events, Poll, Token};
use rustls::{ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

use super::probe::ProbeError;
use super::stream::Stream;
use super::*;
use crate::evidence::ConnectionFailure;
use crate::live::Target;
use crate::live::tests::rude::{RudeShop, identity};
use crate::scenario::{Protocol, Tls, Wire};

const PATIENCE: Duration = Duration::from_secs(10);
const SECURED: Wire = Wire { protocol: Protocol::Http1, tls: Tls::Full };

fn dialer(shop: SocketAddr, wire: Wire, certificate: Option<Vec<u8>>) -> Dialer {
    let target = Target {
        shop,
        host: "shop.test".to_owned(),
        provider: None,
        provider_ledger: None,
        certificate,
        abroad: None,
    };
    Dialer::new(&target, wire, &[]).unwrap()
}

fn ask(dialer: &Dialer) -> Result<(), ProbeError> {
    probe(dialer, "shop.test", Clock::begin_in(Duration::ZERO), PATIENCE)
}

fn failure(asked: Result<(), ProbeError>) -> (ConnectionFailure, String) {
    match asked {
        Err(ProbeError::Connect(error)) => (error.failure(), error.to_string()),
        other => panic!("the connection was to fail: {other:?}"),
    }
}

/// A server of TLS that offers `protocols`, shakes hands once and says nothing; its certificate.
fn mute_server(protocols: &[&str]) -> (SocketAddr, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, config) = identity("shop.test", protocols);
    thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        let _ = StreamOwned::new(tls, tcp).read(&mut [0]);
    });
    (address, certificate)
}

#[test]
fn each_wire_asks_and_is_answered() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for tls in [Tls::Off, Tls::Full] {
            let wire = Wire { protocol, tls };
            let shop = RudeShop::open_over(wire, |_| None);
            let asked = ask(&dialer(shop.address, wire, shop.certificate));
            assert!(asked.is_ok(), "{wire:?}: {asked:?}");
        }
    }
}

#[test]
fn a_certificate_of_somebody_else_is_a_failed_handshake() {
    let shop = RudeShop::open_over(SECURED, |_| None);
    let (other, _) = identity("shop.test", &[]);
    let (counted, _) = failure(ask(&dialer(shop.address, SECURED, Some(other))));
    assert_eq!(counted, ConnectionFailure::Handshake);
}

#[test]
fn a_server_that_does_not_speak_http2_is_a_failed_handshake_that_says_so() {
    let wire = Wire { protocol: Protocol::Http2, ..SECURED };
    let (address, certificate) = mute_server(&[]);
    let (counted, said) = failure(ask(&dialer(address, wire, Some(certificate))));
    assert_eq!(counted, ConnectionFailure::Handshake);
    assert_eq!(said, "the server does not speak h2: it chose nothing");
    let (address, certificate) = mute_server(&["http/1.1"]);
    let (counted, _) = failure(ask(&dialer(address, wire, Some(certificate))));
    assert_eq!(counted, ConnectionFailure::Handshake);
}

#[test]
fn who_hangs_up_or_resets_during_the_handshake_is_told_from_who_refuses() {
    for linger in [None, Some(Duration::ZERO)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (certificate, _) = identity("shop.test", &[]);
        thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            // Part of its greeting, so that hanging up is met while shaking hands.
            tcp.read_exact(&mut [0; 64]).unwrap();
            socket2::SockRef::from(&tcp).set_linger(linger).unwrap();
        });
        let (counted, _) = failure(ask(&dialer(address, SECURED, Some(certificate))));
        assert_eq!(counted, ConnectionFailure::Reset, "{linger:?}");
    }
    // Bound, so that nobody else gets the port, but not listening.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let (counted, _) = failure(ask(&dialer(address, Wire::default(), None)));
    assert_eq!(counted, ConnectionFailure::Refused);
}

#[test]
fn whom_a_full_accept_queue_drops_goes_on_connecting() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let (mut dialer, clock) =
        (dialer(address, Wire::default(), None), Clock::begin_in(Duration::ZERO));
    let mut poll = Poll::new().unwrap();
    let mut connections: Vec<Connection> = (0..4)
        .map(|n| dialer.open((0, 0), clock.now(), poll.registry(), Token(n)).unwrap())
        .collect();
    // The first is accepted into the queue; once it stands, the last would too, if it could.
    let mut events = Events::with_capacity(16);
    while connections[0].is_connecting() {
        poll.poll(&mut events, Some(PATIENCE)).unwrap();
        for event in &events {
            connections[event.token().0].establish(clock).unwrap();
        }
    }
    assert!(connections[3].is_connecting(), "a queue of one place has no room for four");
    assert!(connections[3].establish(clock).unwrap().is_none());
}

#[test]
fn connections_come_from_each_source_in_turn() {
    let shop = RudeShop::open(|_| None);
    let target = Target {
        shop: shop.address,
        host: "a".to_owned(),
        provider: None,
        provider_ledger: None,
        certificate: None,
        abroad: None,
    };
    let sources: Vec<std::net::IpAddr> =
        ["127.0.0.2", "127.0.0.3"].map(|text| text.parse().unwrap()).to_vec();
    let mut dialer = Dialer::new(&target, Wire::default(), &sources).unwrap().for_loop(1);
    let poll = Poll::new().unwrap();
    let mut came_from = |fan| {
        let at = Clock::begin_in(Duration::ZERO).now();
        let mut connection = dialer.open(fan, at, poll.registry(), Token(0)).unwrap();
        let Exchange::Http1(exchange) = &mut connection.exchange else { panic!("HTTP/1.1") };
        let Stream::Plain(tcp) = exchange.stream() else { panic!("plain") };
        tcp.local_addr().unwrap().ip()
    };
    let order = [came_from((0, 0)), came_from((0, 1)), came_from((0, 2))];
    assert_eq!(order, [sources[0], sources[1], sources[0]]);
}

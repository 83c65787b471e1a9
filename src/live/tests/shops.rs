//! Foreign shops on loopback that see whole requests, and funnels to walk through them.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{IpAddr, TcpListener, TcpStream};

use rustls::{ServerConnection, StreamOwned};

use super::rude::identity;
use super::*;
use crate::fan::route::Stage;
use crate::live::abroad::{Abroad, Trust};
use crate::step::Names;
use crate::step::capture::{Capture, Kept, Need};
use crate::step::funnel::{Funnel, Given, Host, Scheme, Step};
use crate::step::message::Message;
use crate::step::rule::{Rule, Rules};
use crate::step::template::{Place, Template};

/// A request as a shop sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Such as `GET /page`.
    pub(super) line: String,
    fields: Vec<(String, String)>,
    pub(super) body: String,
    /// Which connection it came over.
    pub(super) connection: usize,
}

impl Seen {
    /// The value of a field, empty where there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        let is_it = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.fields.iter().find(is_it).map_or("", |(_, value)| value)
    }

    /// The value of a name in a query or a form.
    pub(super) fn value(&self, name: &str) -> &str {
        let query = self.line.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').chain(self.body.split('&'));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map_or("", |p| p.1)
    }
}

/// An answer with a body and more fields, each with its end.
pub(super) fn answer(status: u16, fields: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A running shop; it ends with the process.
pub(super) struct ForeignShop {
    pub(super) host: Host,
    pub(super) certificate: Vec<u8>,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
}

impl ForeignShop {
    pub(super) fn open(
        scheme: Scheme,
        deed: impl Fn(&Seen) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (certificate, config) = identity("127.0.0.1", &["http/1.1"]);
        let (config, deed) = (Arc::new(config), Arc::new(deed));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for (number, tcp) in listener.incoming().map_while(Result::ok).enumerate() {
                let (deed, config, noted) =
                    (Arc::clone(&deed), Arc::clone(&config), Arc::clone(&noted));
                thread::spawn(move || match scheme {
                    Scheme::Http => serve(tcp, number, &*deed, &noted),
                    Scheme::Https => {
                        let tls = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(tls, tcp), number, &*deed, &noted);
                    }
                });
            }
        });
        let host = Host { scheme, name: address.ip().to_string(), port: address.port() };
        Self { host, certificate, seen }
    }

    /// The requests whose line begins so.
    pub(super) fn asked(&self, line: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.line.starts_with(line)).cloned().collect()
    }

    /// How many connections carried requests.
    pub(super) fn connections(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        let mut numbers: Vec<usize> = seen.iter().map(|seen| seen.connection).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len()
    }
}

fn serve(
    stream: impl Read + Write,
    connection: usize,
    deed: &dyn Fn(&Seen) -> String,
    noted: &Mutex<Vec<Seen>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream, connection) {
        noted.lock().unwrap().push(seen.clone());
        let said = deed(&seen);
        if stream.get_mut().write_all(said.as_bytes()).is_err() {
            return;
        }
        let _ = stream.get_mut().flush();
    }
}

fn read(stream: &mut BufReader<impl Read>, connection: usize) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut seen = Seen { connection, ..Seen::default() };
    seen.line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        seen.fields.push((name.to_owned(), value.to_owned()));
    }
    let length = seen.field("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// A proxy that opens ways (`CONNECT`) to this machine alone, and notes for whom.
pub(super) fn proxy() -> (SocketAddr, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let noted = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let noted = Arc::clone(&noted);
            thread::spawn(move || {
                let mut reader = BufReader::new(client.try_clone().unwrap());
                let seen = read(&mut reader, 0)?;
                noted.lock().unwrap().push(seen.clone());
                let port = seen.line.rsplit(':').next()?.parse().ok()?;
                let shop = TcpStream::connect((IpAddr::from([127, 0, 0, 1]), port)).ok()?;
                (&client).write_all(b"HTTP/1.1 200 Connected\r\nVia: test\r\n\r\n").ok()?;
                let (mut up, mut down) = (shop.try_clone().unwrap(), client);
                thread::spawn(move || io::copy(&mut reader, &mut up));
                io::copy(&mut &shop, &mut down).ok()
            });
        }
    });
    (address, asked)
}

/// A funnel that is put together step by step, and who walks it.
pub(super) struct Trip {
    pub(super) names: Names,
    given: Given,
    pub(super) stages: Vec<(Stage, Vec<Step>)>,
    pub(super) abroad: Abroad,
    pub(super) allow_hosts: Vec<String>,
    pub(super) data: Option<scenario::target::Data>,
    pub(super) trial: Trial,
}

impl Trip {
    pub(super) fn to(hosts: &[&Host]) -> Self {
        let mut names = Names::default();
        let given = Given::define(&mut names, &[]);
        let hosts = hosts.iter().map(|host| (*host).clone()).collect();
        let abroad = Abroad { hosts, ..Abroad::default() };
        let trial = Trial::default();
        Self {
            names,
            given,
            stages: Vec::new(),
            abroad,
            allow_hosts: Vec::new(),
            data: None,
            trial,
        }
    }

    /// Adds a stage of one request, such as `POST /buy` to the host of that number, with a form.
    pub(super) fn step(
        &mut self,
        operation: Operation,
        host: usize,
        line: &str,
        form: &str,
    ) -> &mut Step {
        let (method, target) = line.split_once(' ').unwrap();
        let template = |text, place| Template::compile(text, place, &self.names).unwrap();
        let fields = [("User-Agent", "spike/test"), ("X-Spike-Run", "{{run}}")];
        let fields = fields.map(|(name, value)| (name.to_owned(), template(value, Place::Field)));
        let body = (!form.is_empty()).then(|| template(form, Place::Form));
        let authority = self.abroad.hosts[host].authority();
        let target = template(target, Place::Url);
        let step = Step {
            name: operation.word().into(),
            host,
            message: Message::new(method, &authority, target, fields.to_vec(), body),
            captures: Vec::new(),
            rules: Rules::default(),
            redirects: 10,
        };
        self.stages.push((Stage::of(operation), vec![step]));
        &mut self.stages.last_mut().unwrap().1[0]
    }

    /// Lets the latest step capture `name`.
    pub(super) fn capture(&mut self, name: &str, at: Capture) {
        let name = self.names.define(name);
        let kept = Kept { name, at, need: Need::Required };
        self.stages.last_mut().unwrap().1[0].captures.push(kept);
    }

    /// A row of one column for each fan.
    pub(super) fn data(&mut self, column: &str, rows: &[&str]) {
        self.given.columns = vec![self.names.define(column)];
        self.data = Some(scenario::target::Data {
            file: "fans.csv".to_owned(),
            columns: vec![column.to_owned()],
            rows: rows.iter().map(|row| vec![(*row).to_owned()]).collect(),
        });
    }

    /// Whom certificates must lead to, besides those of this machine.
    pub(super) fn trust(&mut self, certificate: &[u8]) {
        self.abroad.trust = Trust::System { besides: Some(certificate.to_vec()) };
    }

    /// Who walks it.
    pub(super) fn scenario(&self) -> Scenario {
        let mut scenario = self.trial.scenario();
        let crowd = &mut scenario.populations[0].crowd;
        let looks = self.stages.iter().filter(|(stage, _)| stage.operation == Operation::Reload);
        let calls = looks.map(|(_, steps)| steps.len()).sum::<usize>();
        crowd.behaviour.reload.calls = u16::try_from(calls).unwrap();
        crowd.behaviour.reload.cacheable = 0;
        crowd.route =
            Route { stages: self.stages.iter().map(|(stage, _)| stage.clone()).collect() };
        let funnel = Funnel {
            names: self.names.clone(),
            given: self.given.clone(),
            hosts: self.abroad.hosts.clone(),
            stages: self.stages.iter().map(|(_, steps)| steps.clone()).collect(),
        };
        let mut target = scenario::target::Target::of(funnel);
        target.allow_hosts.clone_from(&self.allow_hosts);
        target.data.clone_from(&self.data);
        scenario.target = Some(Arc::new(target));
        scenario
    }

    pub(super) fn live(&self) -> Outcomes {
        let scenario = self.scenario();
        let clock = Clock::begin_in(Duration::ZERO);
        let shop = SocketAddr::from(([127, 0, 0, 1], 1));
        let trial = Trial { abroad: Some(self.abroad.clone()), ..self.trial.clone() };
        trial.live_as(&scenario, clock, shop, &Stop::default(), &mut |_| {})
    }
}

/// The visit of one fan.
pub(super) fn walk(scenario: &Scenario, abroad: &Abroad) -> alone::Walk {
    let clock = Clock::begin_in(Duration::ZERO);
    let settings = Trial::default().settings(clock);
    let shop = SocketAddr::from(([127, 0, 0, 1], 1));
    let target = Trial { abroad: Some(abroad.clone()), ..Trial::default() }.target(shop);
    alone::walk(scenario, &settings, &target, &Stop::default()).unwrap()
}

/// A rule of a status.
pub(super) fn rule(status: u16, is: Outcome, then: Option<u8>) -> Rule {
    Rule { status: Some(status..=status), conditions: Vec::new(), is, then }
}

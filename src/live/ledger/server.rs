//! A server over HTTP or HTTPS: a ledger's, one that a hook calls, or one that takes telemetry.
//!
//! Redirects are not followed: what is asked is at its place or nowhere, and nobody may be sent to a
//! host that the scenario does not name.

use domain::time::Duration;
use reqwest::header::{HOST, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Url};

use crate::live::abroad::Trust;
use crate::live::admin::with_causes;
use crate::live::connection::{foreign, server_name};
use crate::live::tunnel::Tunnel;
use crate::scenario::Protocol;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest silence within an answer: a ledger of a million lines may be thought about.
const SILENCE: Duration = Duration::from_secs(30);

/// A server that may be asked.
#[derive(Debug)]
pub(in crate::live) struct Server {
    client: Client,
    /// What stands before each path: the server's own address, or the entrance of a tunnel.
    base: String,
    /// The server's name, where it is asked through a tunnel.
    host: Option<HeaderValue>,
}

impl Server {
    /// The server at `base`, `http://…` or `https://…`, whose certificate must lead to whom `trust`
    /// names. Within a runtime, which carries what is said over TLS.
    ///
    /// # Errors
    /// When the address is none, or nobody can be trusted; why, in one line without the address.
    pub(in crate::live) fn at(base: &str, trust: &Trust) -> Result<Self, String> {
        let mut url = Url::parse(base).map_err(|error| error.to_string())?;
        let host = match url.scheme() {
            "https" => Some(enter_tunnel(&mut url, trust)?),
            _ => None,
        };
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| with_causes(&error))?;
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned(), host })
    }

    /// The question for `path` of this server; empty: for its own address.
    pub(in crate::live) fn get(&self, path: &str) -> RequestBuilder {
        self.ask(Method::GET, path)
    }

    /// The same with `POST`, and no body yet.
    pub(in crate::live) fn post(&self, path: &str) -> RequestBuilder {
        self.ask(Method::POST, path)
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.trim_start_matches('/') {
            "" => self.base.clone(),
            path => format!("{}/{path}", self.base),
        };
        let request = self.client.request(method, url);
        match &self.host {
            Some(host) => request.header(HOST, host.clone()),
            None => request,
        }
    }
}

/// Points `url` at the entrance of a tunnel to the server that it names, and says that one's name.
fn enter_tunnel(url: &mut Url, trust: &Trust) -> Result<HeaderValue, String> {
    let name = url.host_str().ok_or("it names no host")?.to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let authority = url.port().map_or(name.clone(), |port| format!("{name}:{port}"));
    let configuration = foreign(trust, Protocol::Http1).map_err(|error| with_causes(&error))?;
    let bare = server_name(&name).map_err(|error| with_causes(&error))?;
    let tunnel = Tunnel::open(format!("{name}:{port}"), bare, configuration);
    let tunnel = tunnel.map_err(|error| with_causes(&error))?;
    let entrance = tunnel.entrance;
    tokio::spawn(tunnel.serve());
    let at = "the address of a tunnel is one";
    url.set_scheme("http").expect(at);
    url.set_ip_host(entrance.ip()).expect(at);
    url.set_port(Some(entrance.port())).expect(at);
    HeaderValue::from_str(&authority).map_err(|error| error.to_string())
}

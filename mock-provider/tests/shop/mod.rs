//! What a test over real HTTP begins with: a provider that serves, and where.

mod settings;

use std::future::pending;

use mock_provider::server::{Args, Server};
use mock_provider::settings::Settings;

pub(crate) use settings::settings;

/// Where a provider listens, such as `http://127.0.0.1:40001`; it serves until the test ends.
pub(crate) fn serve(args: Args, settings: Settings) -> String {
    let server = Server::bind(args, settings).unwrap();
    let url = format!("http://{}", server.address());
    tokio::spawn(server.serve(pending()));
    url
}

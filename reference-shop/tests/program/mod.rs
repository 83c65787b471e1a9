//! The shop as a program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use domain::shop::ShopSnapshot;

/// A running shop that ends with its test.
pub(crate) struct Shop {
    pub(crate) child: Child,
    /// What it printed: scheme and address.
    pub(crate) url: String,
}

impl Shop {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reference-shop"))
            .args(["--provider", "http://127.0.0.1:1", "--until-stdin-closes"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap().trim().to_owned();
        Self { child, url }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What it says of itself.
    pub(crate) fn snapshot(&self) -> ShopSnapshot {
        let answer = self.get("/admin/snapshot");
        let (_, snapshot) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(snapshot).unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! An nginx of one's own: started from the system's packages as a user without privileges, in a
//! temporary folder, and gone with who started it, however that ends.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::guard::Guard;
use crate::server::{self, StartError, find};

/// Where Debian, and those who build it themselves, put it.
const PROGRAMS: [&str; 3] =
    ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"];

/// The name of its configuration in its folder.
const CONFIGURATION: &str = "nginx.conf";

/// What it says once it listens; its log must be `stderr` at `notice`.
const READY: &str = "start worker process ";

/// A server that runs as long as this is kept.
#[derive(Debug)]
pub struct Nginx {
    guard: Guard,
}

/// Why there is no nginx.
#[derive(Debug, thiserror::Error)]
pub enum NginxError {
    /// It is not installed.
    #[error("start nginx: it is not installed\nhint: `apt-get install nginx-light` installs it")]
    Missing,
    /// Its folder or a file in it cannot be made.
    #[error("make a folder for nginx in {}", std::env::temp_dir().display())]
    Folder(#[source] io::Error),
    /// It did not come up.
    #[error("start nginx")]
    Start(#[source] StartError),
}

impl Nginx {
    /// Starts it and waits until it listens. `files` are the names and texts of its files, the
    /// configuration (`nginx.conf`) among them; paths in that are relative to its folder. It must stay
    /// in the foreground and log to `stderr` at `notice`.
    ///
    /// # Errors
    /// When it is not installed, or does not start: an address is taken, or the configuration wrong.
    pub fn start(files: &[(&str, &str)]) -> Result<Self, NginxError> {
        let program = find(&PROGRAMS).ok_or(NginxError::Missing)?;
        let folder = server::folder().map_err(NginxError::Folder)?;
        for (name, text) in files {
            server::write(folder.path(), name, text).map_err(NginxError::Folder)?;
        }
        let command = command(&program, folder.path());
        let guard = Guard::begin(folder, "TERM", &command).map_err(NginxError::Folder)?;
        guard.wait_until("nginx", 0, READY).map_err(NginxError::Start)?;
        Ok(Self { guard })
    }

    /// Where its files and its log are.
    pub fn folder(&self) -> &Path {
        self.guard.folder()
    }
}

/// `-e` is there for what it says before it has read where its log is.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(folder.join(CONFIGURATION));
    command
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    const PLAIN: &str = "daemon off; error_log stderr notice; pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server { listen unix:http.sock; return 200 well; }
}";

    fn start(text: &str) -> Option<Nginx> {
        match Nginx::start(&[(CONFIGURATION, text)]) {
            Ok(nginx) => Some(nginx),
            Err(NginxError::Missing) => {
                eprintln!("nginx is not installed: nothing was tested with it");
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn it_answers_and_leaves_nothing_behind() {
        let Some(nginx) = start(PLAIN) else { return };
        let folder = nginx.folder().to_owned();
        let mut stream = UnixStream::connect(folder.join("http.sock")).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("well"), "{answer}");
        drop(nginx);
        assert!(!folder.exists());
        assert!(UnixStream::connect(folder.join("http.sock")).is_err());
    }

    #[test]
    fn what_is_wrong_with_its_configuration_is_told() {
        if start(PLAIN).is_none() {
            return;
        }
        let error = Nginx::start(&[(CONFIGURATION, "nonsense on;")]).unwrap_err();
        let NginxError::Start(StartError::Ended { said, .. }) = error else { panic!("{error}") };
        assert!(said.contains("nonsense"), "{said}");
    }
}

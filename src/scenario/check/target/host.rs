//! Whom an address names, and whether anything may be sent there.

use url::Url;

use crate::scenario::check::{Checker, Setting};
use crate::scenario::place::Place;
use crate::scenario::target::{self, Stranger};
use crate::step::funnel::{Host, Scheme};
use crate::step::template::TemplateError;

/// The host of `text`, the value of `key`: a scheme, a name and perhaps a port, nothing behind it.
pub(in crate::scenario::check) fn host_of(
    checker: &mut Checker,
    text: &str,
    here: Place<'_>,
    key: &str,
) -> Option<Host> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            checker
                .wrong(here, format!("`{key}` is no address: {error}"))
                .advise("write scheme, host and port: \"https://staging.shop.example\"");
            return None;
        }
    };
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => {
            checker
                .wrong(here, format!("`{key}` speaks `{other}`"))
                .mark("must begin with `http://` or `https://`");
            return None;
        }
    };
    let name = url.host_str()?.trim_matches(['[', ']']).trim_end_matches('.').to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        checker.wrong(here, format!("`{key}` holds a name or a password")).advise(
            "send them in `headers`, such as `authorization = \"Basic {{env.SHOP_LOGIN}}\"`",
        );
    } else if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        checker
            .wrong(here, format!("`{key}` names more than a host"))
            .advise("write paths in each `[[step]] path`");
    }
    Some(Host { scheme, name, port: url.port_or_known_default().unwrap_or(scheme.port()) })
}

/// Tells where nothing may be sent to `name`.
pub(in crate::scenario::check) fn admitted(
    checker: &mut Checker,
    name: &str,
    allow_hosts: &[String],
    here: Place<'_>,
) {
    match target::admit(name, allow_hosts) {
        Ok(()) => {}
        Err(Stranger::TakesPayments) => {
            checker
                .wrong(here, format!("`{name}` takes payments, and nothing is ever sent there"))
                .advise("let the shop pay a mock instead: `spike provider`");
        }
        Err(Stranger::NotNamed) => {
            checker
                .wrong(here, format!("`{name}` is not in `allow_hosts`"))
                .mark("is another machine")
                .advise(format!(
                    "if it is yours to load, write `allow_hosts = [\"{name}\"]` in `[target]`"
                ));
        }
    }
}

/// A parameter of an address that is a password.
const PASSWORDS: [&str; 3] = ["password", "sslpassword", "token"];

/// The address `text`, the value of `key`, which begins with one of `schemes`, of a server that may
/// be spoken to. `{{env.NAME}}` in it stands for a variable of the environment, and a password can
/// stand in no other way.
pub(super) fn address(
    checker: &mut Checker,
    text: &str,
    (here, key): (Place<'_>, &str),
    schemes: &[&str],
    allow_hosts: &[String],
    setting: Setting<'_>,
) {
    let filled = match target::filled(text, setting.surroundings.env) {
        Ok(filled) => filled,
        Err(TemplateError::Unset { name }) if setting.surroundings.are_gone() => {
            drop(name);
            return;
        }
        Err(error) => {
            checker.template(here, &error);
            return;
        }
    };
    let example = schemes.join("://…, ") + "://…";
    let Ok(url) = Url::parse(&filled) else {
        checker.wrong(here, format!("`{key}` is no address")).advise(format!("write {example}"));
        return;
    };
    if !schemes.contains(&url.scheme()) {
        let scheme = if text.contains("{{") { "something else" } else { url.scheme() };
        checker
            .wrong(here, format!("`{key}` speaks {scheme}"))
            .mark(format!("must be one of {example}"));
        return;
    }
    let literal = Url::parse(&without_holes(text)).ok();
    let named = |url: &Url| url.query_pairs().any(|(name, _)| PASSWORDS.contains(&&*name));
    if literal.is_some_and(|url| url.password().is_some() || named(&url)) {
        checker
            .wrong(here, format!("`{key}` holds a password"))
            .mark("would be written into every copy of this scenario")
            .advise("let the environment hold it: `{{env.NAME}}`");
    }
    let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    if url.scheme() != "sqlite" && text.contains("{{") && target::admit(name, allow_hosts).is_err()
    {
        // The name may be a secret: it is not repeated.
        checker.wrong(
            here,
            format!("the host of `{key}` is another machine and not in `allow_hosts`"),
        );
    } else if url.scheme() != "sqlite" {
        admitted(checker, name, allow_hosts, here);
    }
}

/// The text without its holes: what is left of a password then stands in the file.
fn without_holes(text: &str) -> String {
    let parts = crate::step::template::parts(text).filter_map(Result::ok);
    let literal = parts.filter_map(|part| match part {
        crate::step::template::Part::Text(text) => Some(text),
        crate::step::template::Part::Hole(_) => None,
    });
    literal.collect()
}

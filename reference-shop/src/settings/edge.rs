//! The cache in front of the shop: `[shop] edge`.

use domain::time::{Duration, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Misfit;

/// The most restarts: more than any CDN allows (Fastly: three).
const RESTARTS_MAX: u32 = 10;

/// What counts as an error of the origin, where nothing else is said: a server that fails, is not there, has
/// no room, or no time. Amazon's CDN keeps these whatever they say of themselves (its developer guide on error
/// caching).
const ERROR_STATUSES: [u16; 4] = [500, 502, 503, 504];

/// The cache in front of the shop: `[shop] edge`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
    /// How long a cacheable answer is kept; "0s" turns the cache off.
    pub ttl: Span,
    /// How long after that it is still given while one request fetches it anew.
    pub grace: Span,
    /// Whether requests for an object that is being fetched wait for that one fetch.
    pub collapse: bool,
    /// Which of the shop's answers set a cookie. No cache that visitors share may keep one that does.
    pub cookies: Cookies,
    /// Who the cache is.
    pub by: EdgeBy,
    /// How long an error of the origin is given to all who ask, instead of asking again; "0s": no error is
    /// kept.
    #[serde(skip_serializing_if = "is_nothing")]
    pub error_ttl: Span,
    /// Which of the origin's answers are errors that are kept and after which it is asked again, by their
    /// status, from 400 to 599.
    #[serde(skip_serializing_if = "are_usual")]
    pub error_statuses: Vec<u16>,
    /// How often the origin is asked again, at once, when it answers with an error; at most 10.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(range(max = RESTARTS_MAX))]
    pub restarts: u32,
}

fn is_nothing(span: &Span) -> bool {
    span.0.is_zero()
}

fn are_usual(statuses: &[u16]) -> bool {
    statuses == ERROR_STATUSES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Which of the shop's answers set a cookie.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cookies {
    /// None that a cache might keep.
    #[default]
    Checkout,
    /// Every page: nothing can be cached any more, nor one answer serve two visitors.
    EveryPage,
}

/// Who the cache in front of the shop is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeBy {
    /// The shop itself.
    #[default]
    Shop,
    /// An nginx that the shop starts in front of itself.
    Nginx,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            ttl: Span(Duration::from_secs(1)),
            grace: Span(Duration::ZERO),
            collapse: true,
            cookies: Cookies::default(),
            by: EdgeBy::default(),
            error_ttl: Span(Duration::ZERO),
            error_statuses: ERROR_STATUSES.to_vec(),
            restarts: 0,
        }
    }
}

impl Edge {
    /// What every answer that may be kept says to caches: how long, and for how long it may be given
    /// while it is fetched anew (RFC 9111 §5.2.2.1, RFC 5861 §3), in whole seconds.
    pub fn cache_control(&self) -> String {
        let (ttl_s, grace_s) = (self.ttl.0.as_secs(), self.grace.0.as_secs());
        match (self.cookies, grace_s) {
            (Cookies::EveryPage, _) => "private".to_owned(),
            (Cookies::Checkout, 0) => format!("public, max-age={ttl_s}"),
            (Cookies::Checkout, _) => {
                format!("public, max-age={ttl_s}, stale-while-revalidate={grace_s}")
            }
        }
    }

    /// Whether it does anything about the origin's errors.
    pub fn deals_with_errors(&self) -> bool {
        self.restarts > 0 || !self.error_ttl.0.is_zero()
    }

    /// Whether a status of HTTP is an error that is kept, or after which the origin is asked again.
    pub fn is_error(&self, status: u16) -> bool {
        self.error_statuses.contains(&status)
    }

    /// What of it cannot work, a sentence each, with the key it is about.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.restarts > RESTARTS_MAX {
            let problem =
                format!("`restarts` is {}, it must be at most {RESTARTS_MAX}", self.restarts);
            problems.push(("restarts", problem));
        }
        let key = "error_statuses";
        for status in self.error_statuses.iter().filter(|status| !(400..600).contains(*status)) {
            let problem = format!("{status} is no error: statuses from 400 to 599 are");
            problems.push((key, problem));
        }
        if self.error_statuses.is_empty() && self.deals_with_errors() {
            let problem = "`error_statuses` names no error, and none is kept or asked for again: leave \
                           it out for 500, 502, 503 and 504";
            problems.push((key, problem.to_owned()));
        } else if !are_usual(&self.error_statuses) && !self.deals_with_errors() {
            let problem = "`error_statuses` says nothing without `error_ttl` or `restarts`";
            problems.push((key, problem.to_owned()));
        }
        problems
    }

    /// What of it does not fit together.
    pub(super) fn misfits(&self) -> impl Iterator<Item = Misfit> + use<> {
        let errors = (self.by == EdgeBy::Nginx && self.deals_with_errors()).then(|| Misfit {
            key: "edge",
            message:
                "`error_ttl` and `restarts` do not fit `by = \"nginx\"`, which is configured to \
                      keep no error and to ask its one origin once"
                    .to_owned(),
            hint: "leave them out, or `by`".to_owned(),
        });
        self.misfits_in_time().chain(errors)
    }

    fn misfits_in_time(&self) -> impl Iterator<Item = Misfit> + use<> {
        let by_nginx = self.by == EdgeBy::Nginx;
        let times = [("ttl", self.ttl.0), ("grace", self.grace.0)];
        times.into_iter().filter(move |(_, time)| by_nginx && time.subsec_nanos() > 0).map(
            |(key, time)| Misfit {
                key: "edge",
                message: format!(
                    "`{key} = \"{}\"` does not fit `by = \"nginx\"`, which counts whole seconds",
                    Span(time)
                ),
                hint: "write whole seconds, or leave `by` out".to_owned(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_told_how_long_and_how_much_longer() {
        let edge = Edge::default();
        assert_eq!(edge.cache_control(), "public, max-age=1");
        let graceful = Edge { grace: Span(Duration::from_secs(5)), ..edge.clone() };
        assert_eq!(graceful.cache_control(), "public, max-age=1, stale-while-revalidate=5");
        let cookies = Edge { cookies: Cookies::EveryPage, ..graceful.clone() };
        assert_eq!(cookies.cache_control(), "private");
    }

    #[test]
    fn nginx_counts_whole_seconds() {
        let half = Span(Duration::from_millis(500));
        let edge = Edge { ttl: half, grace: half, ..Edge::default() };
        assert_eq!(edge.misfits().count(), 0);
        let misfits: Vec<_> = Edge { by: EdgeBy::Nginx, ..edge.clone() }.misfits().collect();
        assert_eq!(misfits.len(), 2);
        assert!(misfits[0].message.contains("`ttl = \"500ms\"`"), "{}", misfits[0]);
        let whole = Edge { by: EdgeBy::Nginx, ..Edge::default() };
        assert_eq!(whole.misfits().count(), 0);
    }

    fn read(toml: &str) -> Edge {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn what_is_done_about_errors_is_read_and_refused_key_by_key() {
        let keys = |toml: &str| -> Vec<&str> {
            read(toml).problems().iter().map(|(key, _)| *key).collect()
        };
        assert!(keys("").is_empty() && !read("").deals_with_errors());
        let both = "error_ttl = \"10s\"\nrestarts = 1";
        assert!(keys(both).is_empty() && read(both).deals_with_errors());
        assert!([500, 502, 503, 504].iter().all(|status| read(both).is_error(*status)));
        assert!(!read(both).is_error(404) && !read(both).is_error(501));
        assert_eq!(keys("restarts = 11"), ["restarts"]);
        assert_eq!(keys("error_statuses = [503]"), ["error_statuses"]);
        assert_eq!(keys("restarts = 1\nerror_statuses = []"), ["error_statuses"]);
        assert_eq!(
            keys("restarts = 1\nerror_statuses = [200, 404, 600]"),
            ["error_statuses", "error_statuses"]
        );
        assert_eq!(read("by = \"nginx\"\nrestarts = 1").misfits().count(), 1);
        assert_eq!(
            read("by = \"nginx\"\nerror_ttl = \"10s\"\ngrace = \"1s\"").misfits().count(),
            1
        );
    }

    #[test]
    fn what_is_left_out_is_not_written() {
        let written = serde_json::to_string(&Edge::default()).unwrap();
        assert!(!written.contains("error") && !written.contains("restarts"), "{written}");
        let edge = read("error_ttl = \"10s\"\nerror_statuses = [503]\nrestarts = 2");
        let written = serde_json::to_string(&edge).unwrap();
        assert_eq!(serde_json::from_str::<Edge>(&written).unwrap(), edge);
    }
}

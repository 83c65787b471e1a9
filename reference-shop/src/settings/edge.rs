//! The cache in front of the shop: `[shop] edge`.

use domain::time::{Duration, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Misfit;

/// The cache in front of the shop: `[shop] edge`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

    /// What of it does not fit together.
    pub(super) fn misfits(&self) -> impl Iterator<Item = Misfit> + use<> {
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
        let graceful = Edge { grace: Span(Duration::from_secs(5)), ..edge };
        assert_eq!(graceful.cache_control(), "public, max-age=1, stale-while-revalidate=5");
        let cookies = Edge { cookies: Cookies::EveryPage, ..graceful };
        assert_eq!(cookies.cache_control(), "private");
    }

    #[test]
    fn nginx_counts_whole_seconds() {
        let half = Span(Duration::from_millis(500));
        let edge = Edge { ttl: half, grace: half, ..Edge::default() };
        assert_eq!(edge.misfits().count(), 0);
        let misfits: Vec<_> = Edge { by: EdgeBy::Nginx, ..edge }.misfits().collect();
        assert_eq!(misfits.len(), 2);
        assert!(misfits[0].message.contains("`ttl = \"500ms\"`"), "{}", misfits[0]);
        let whole = Edge { by: EdgeBy::Nginx, ..Edge::default() };
        assert_eq!(whole.misfits().count(), 0);
    }
}

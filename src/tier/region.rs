//! A region that goes out of service while another one stands by: when the other serves, where fans go meanwhile, and
//! what the other has never heard of.

use domain::time::{Duration, Offset, Span, Time, duration_from_seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The region of the whole stack goes out of service, and a standby takes over: `[stack.region]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// When the region goes out of service, from the first opening.
    pub at: Offset,
    /// How long it stays out of service.
    pub lasts: Span,
    /// How long it takes until the standby is called upon: 90 s, three health checks 30 s apart, as those of Route 53
    /// are by default. A region that is back before that is waited for.
    #[serde(default = "ninety_seconds")]
    pub detection: Span,
    /// How long the standby's database then takes until it serves: its promotion where it is a replica, its restore
    /// where there is a copy alone. 1 min, an assumption.
    #[serde(default = "one_minute")]
    pub database: Span,
    /// How long the standby's tasks take until they serve, meanwhile: left out, they run already (warm).
    #[serde(default)]
    pub tasks: Span,
    /// How long at most a fan goes on asking where it was told to ask before: the time to live of the DNS answer.
    /// 60 s, an assumption.
    #[serde(default = "one_minute")]
    pub ttl: Span,
    /// How far the standby's replica is behind, which nobody waits for (asynchronous): what was committed in that
    /// time is not there. Left out: each commit is there (synchronous).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<Span>,
    /// How long each commit waits for the synchronous replica: to the other region and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<Span>,
    /// Whether the region that was out of service sells nothing when it is back after the standby was called upon.
    #[serde(default = "yes")]
    pub fenced: bool,
}

const fn ninety_seconds() -> Span {
    Span(Duration::from_secs(90))
}

const fn one_minute() -> Span {
    Span(Duration::from_mins(1))
}

const fn yes() -> bool {
    true
}

/// Which region a fan asks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The one that everybody asked at first.
    Home,
    /// The one that stands by.
    Standby,
}

/// What happens to regions, and when, in a run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// When the standby's replica has heard the last of what it will have.
    pub heard: Time,
    /// When the region goes out of service.
    pub lost: Time,
    /// When it is there again and sells, where it ever does.
    pub back: Option<Time>,
    /// When the standby serves, and fans begin to be told so; none where it is not called upon.
    pub promoted: Option<Time>,
    /// How long an answer of the DNS is kept at most.
    ttl: Duration,
}

impl Region {
    /// What happens in a sale that opens then.
    pub fn course(&self, opens: Time) -> Course {
        let lost = self.at.from(opens);
        let back = lost + self.lasts.0;
        let called = Some(lost + self.detection.0).filter(|called| *called < back);
        Course {
            heard: lost.before(self.lag.map_or(Duration::ZERO, |lag| lag.0)),
            lost,
            back: Some(back).filter(|_| called.is_none() || !self.fenced),
            promoted: called.map(|called| called + self.database.0.max(self.tasks.0)),
            ttl: self.ttl.0,
        }
    }

    /// How long before the opening it goes out of service.
    pub fn lead(&self) -> Duration {
        duration_from_seconds(-self.at.seconds())
    }
}

impl Course {
    /// When some region serves again: the one that was lost comes back, or the other one takes over.
    pub fn serves_again(&self) -> Time {
        let sooner = self.back.into_iter().chain(self.promoted).min();
        sooner.unwrap_or(Time::NEVER)
    }

    /// Which region a fan asks `at` that time who came at `arrived`: what it was told before the standby served is kept
    /// for a `share` of the time to live, from 0 to 1; who comes later is told anew.
    pub fn named(&self, at: Time, arrived: Time, share: f64) -> Named {
        let knows = |promoted: Time| {
            at >= promoted && (arrived >= promoted || at >= promoted + self.ttl.mul_f64(share))
        };
        if self.promoted.is_some_and(knows) { Named::Standby } else { Named::Home }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(rest: &str) -> Region {
        let text = format!(r#"{{ "at": "+5m", "lasts": "10m"{rest} }}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn course(rest: &str) -> Course {
        region(rest).course(Time::from_millis(60_000))
    }

    fn s(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_warm_standby_waits_for_its_database_and_a_cold_one_for_what_takes_longer() {
        for (rest, promoted) in [
            ("", 360 + 90 + 60),
            (r#", "detection": "30s", "database": "45s""#, 360 + 75),
            (r#", "tasks": "40s""#, 360 + 150),
            (r#", "tasks": "4m""#, 360 + 90 + 240),
            (r#", "tasks": "4m", "database": "7m""#, 360 + 90 + 420),
        ] {
            let course = course(rest);
            assert_eq!((course.lost, course.promoted), (s(360), Some(s(promoted))), "{rest}");
            assert_eq!((course.back, course.serves_again()), (None, s(promoted)), "{rest}");
        }
    }

    #[test]
    fn what_is_over_before_it_is_found_out_is_waited_for() {
        let course = course(r#", "detection": "10m""#);
        assert_eq!((course.promoted, course.back), (None, Some(s(960))));
        assert_eq!(course.serves_again(), s(960));
        assert_eq!(course.named(s(2_000), s(1_999), 0.0), Named::Home);
    }

    #[test]
    fn what_is_not_fenced_comes_back_beside_the_standby_or_before_it() {
        let beside = course(r#", "fenced": false"#);
        assert_eq!((beside.promoted, beside.back), (Some(s(510)), Some(s(960))));
        assert_eq!(beside.serves_again(), s(510));
        let before = course(r#", "fenced": false, "database": "15m""#);
        assert_eq!((before.promoted, before.serves_again()), (Some(s(1_350)), s(960)));
    }

    #[test]
    fn a_replica_has_all_or_lacks_the_last_seconds() {
        assert_eq!(course("").heard, s(360));
        assert_eq!(course(r#", "round_trip": "20ms""#).heard, s(360));
        assert_eq!(course(r#", "lag": "8s""#).heard, s(352));
        assert_eq!(course(r#", "lag": "1h""#).heard, Time::ZERO);
    }

    #[test]
    fn a_fan_goes_on_asking_where_it_was_told_to_until_that_runs_out() {
        use Named::{Home, Standby};
        // The standby serves from the 510th second on, and answers are kept for 60 s.
        let course = course("");
        for (at, arrived, share, named) in [
            (509, 100, 0.0, Home),
            (510, 100, 0.0, Standby),
            (510, 100, 0.5, Home),
            (539, 100, 0.5, Home),
            (540, 100, 0.5, Standby),
            (569, 100, 0.999, Home),
            (570, 100, 0.999, Standby),
            (511, 510, 0.999, Standby),
            (511, 509, 0.999, Home),
        ] {
            assert_eq!(course.named(s(at), s(arrived), share), named, "at {at} since {arrived}");
        }
    }
}

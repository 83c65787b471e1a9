//! Uncertain inputs: what they may be, and which value and which seed each replication has.
//!
//! Each replication draws by itself, whatever the others drew and however many they are: so the replications are
//! independent of each other, as the intervals of their means want it, and more of them can be added. A Latin
//! hypercube (`McKay`, Beckman and Conover, Technometrics 21 (1979)) would narrow those means further, but says how
//! far only where it is drawn several times (Owen, JRSS B 54 (1992)).
//!
//! Draws hang on the scenario's seed, the replication's number and the key alone: whatever else is changed, the same
//! replication lives under the same conditions (common random numbers; Law, Simulation Modeling and Analysis, 5th
//! ed. 2015, §11.2).

use domain::draw::{Draw, Purpose, draw_for, number_of};
use domain::rate::Rate;
use domain::time::{Duration, Offset, Span, nanos_of};

use crate::verdict::replications::Life;

/// Seeds are below this, so that every reader of JSON knows them to the last digit.
const SEEDS: u64 = 1 << 53;
/// A drawn value is told in so many steps at least between its ends.
const STEPS: u64 = 10_000;

/// A key whose value nobody knows for sure.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncertain {
    /// The key, as `--set` takes it.
    pub key: String,
    /// What it may be.
    pub values: Values,
}

/// What a value may be; each as likely as the others.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// A whole number, both ends included.
    Whole {
        /// The least.
        from: i64,
        /// The greatest, at least as great.
        to: i64,
    },
    /// A number.
    Number {
        /// The least.
        from: f64,
        /// The greatest.
        to: f64,
    },
    /// A rate \[1/s\].
    Rate {
        /// The least.
        from: f64,
        /// The greatest.
        to: f64,
    },
    /// A length of time.
    Length {
        /// The shortest.
        from: Duration,
        /// The longest.
        to: Duration,
    },
    /// A moment, from an opening \[ns\].
    Moment {
        /// The earliest.
        from: i64,
        /// The latest.
        to: i64,
    },
    /// One of these texts, as `--set` takes them.
    OneOf(Vec<String>),
}

/// What the replication `number`, from 1, lives beside the scenario as written, whose seed is `seed`.
pub fn life(seed: u64, number: u32, uncertain: &[Uncertain]) -> Life {
    let set = uncertain.iter().map(|input| input.drawn(seed, number)).collect();
    Life { number, seed: seed_of(seed, number), set }
}

/// The seed of a replication; the first has the scenario's own.
fn seed_of(seed: u64, number: u32) -> u64 {
    match number {
        0 | 1 => seed,
        _ => draw_for(seed, u64::from(number), Purpose::Replication, 0).below(SEEDS),
    }
}

impl Uncertain {
    /// The key with its value in a replication, as `--set` takes it.
    fn drawn(&self, seed: u64, number: u32) -> String {
        let draw = draw_for(seed, number_of(&self.key), Purpose::Input, number);
        self.with(&self.values.at(draw))
    }

    /// The key and what it may be: `provider.declines: 0.01 to 0.05`.
    pub(super) fn told(&self) -> String {
        let ends = self.values.ends();
        let between = if matches!(self.values, Values::OneOf(_)) { " or " } else { " to " };
        format!("{}: {}", self.key, ends.join(between))
    }

    /// The key with a value, as `--set` takes it.
    pub(super) fn with(&self, value: &str) -> String {
        format!("{}={value}", self.key)
    }
}

impl Values {
    /// The values that tell whether all others fit: both ends, or each of several.
    pub(super) fn ends(&self) -> Vec<String> {
        match self {
            Self::Whole { from, to } => [from, to].map(i64::to_string).to_vec(),
            Self::Number { from, to } => [from, to].map(f64::to_string).to_vec(),
            Self::Rate { from, to } => [from, to].map(|per_s| format!("{per_s}/s")).to_vec(),
            Self::Length { from, to } => {
                [from, to].map(|length| Span(*length).to_string()).to_vec()
            }
            Self::Moment { from, to } => {
                [from, to].map(|nanos| Offset::from_nanos(*nanos).to_string()).to_vec()
            }
            Self::OneOf(texts) => texts.clone(),
        }
    }

    fn at(&self, draw: Draw) -> String {
        match self {
            Self::Whole { from, to } => {
                let count = to.abs_diff(*from).saturating_add(1);
                from.saturating_add_unsigned(draw.below(count)).to_string()
            }
            Self::Number { from, to } => number(*from, *to, draw),
            Self::Rate { from, to } => format!("{}/s", number(*from, *to, draw)),
            Self::Length { from, to } => {
                let (from, to) = (nanos_of(*from), nanos_of(*to));
                let length = Duration::from_nanos(from.saturating_add(stepped(to - from, draw)));
                Span(length).to_string()
            }
            Self::Moment { from, to } => {
                let after = stepped(to.abs_diff(*from), draw);
                Offset::from_nanos(from.saturating_add_unsigned(after)).to_string()
            }
            Self::OneOf(texts) => {
                let place = usize::try_from(draw.below(texts.len() as u64)).unwrap_or(0);
                texts[place].clone()
            }
        }
    }
}

/// So many nanoseconds of a `range` in steps of a power of ten, so that a length of time has a few digits alone.
fn stepped(range: u64, draw: Draw) -> u64 {
    let mut step = 1;
    while range / (step * 10) >= STEPS {
        step *= 10;
    }
    draw.below(range / step + 1) * step
}

/// A number from one to another, with a few digits alone.
fn number(from: f64, to: f64, draw: Draw) -> String {
    let (mut decimals, mut range) = (4_u32, to - from);
    while range < 1.0 && decimals < 15 {
        (decimals, range) = (decimals + 1, range * 10.0);
    }
    while range >= 10.0 && decimals > 0 {
        (decimals, range) = (decimals - 1, range / 10.0);
    }
    let scale = libm::pow(10.0, f64::from(decimals));
    let rounded = ((from + (to - from) * draw.uniform()) * scale).round() / scale;
    rounded.clamp(from, to).to_string()
}

/// What one end of a range means.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) enum End {
    Whole(i64),
    Number(f64),
    Rate(f64),
    Length(Duration),
    /// \[ns\]
    Moment(i64),
}

impl End {
    /// Of text: a rate has a `/`, a moment a sign, and anything else is a length of time.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        if text.contains('/') {
            return text.parse::<Rate>().ok().map(|rate| Self::Rate(rate.per_s()));
        }
        if !text.trim_start().starts_with(['+', '-']) {
            return text.parse::<Span>().ok().map(|span| Self::Length(span.0));
        }
        let offset: Offset = text.parse().ok()?;
        let distance: Span = text.trim().get(1..)?.parse().ok()?;
        let nanos = i64::try_from(nanos_of(distance.0)).ok()?;
        Some(Self::Moment(if offset.seconds() < 0.0 { -nanos } else { nanos }))
    }

    /// What it is called.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Rate(_) => "a rate",
            Self::Length(_) => "a length of time",
            Self::Moment(_) => "a moment",
        }
    }
}

/// All between two ends; nothing where they are not of one kind, or not in their order.
pub(super) fn between(from: End, to: End) -> Option<Values> {
    let number = |end| match end {
        End::Whole(whole) => Some(whole as f64),
        End::Number(number) => Some(number),
        _ => None,
    };
    let values = match (from, to) {
        (End::Whole(from), End::Whole(to)) if from < to => Values::Whole { from, to },
        (End::Rate(from), End::Rate(to)) if from < to => Values::Rate { from, to },
        (End::Length(from), End::Length(to)) if from < to => Values::Length { from, to },
        (End::Moment(from), End::Moment(to)) if from < to => Values::Moment { from, to },
        (End::Whole(_), End::Whole(_)) => return None,
        _ => {
            let (from, to) = (number(from)?, number(to)?);
            if from >= to {
                return None;
            }
            Values::Number { from, to }
        }
    };
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(key: &str, from: &str, to: &str) -> Uncertain {
        let [from, to] = [from, to].map(|text| End::of_text(text).unwrap());
        Uncertain { key: key.to_owned(), values: between(from, to).unwrap() }
    }

    /// What an input is in each of 2,000 replications.
    fn drawn(values: Values) -> Vec<String> {
        let input = Uncertain { key: "a.b".to_owned(), values };
        let value = |number| input.drawn(7, number).strip_prefix("a.b=").unwrap().to_owned();
        (1..=2_000).map(value).collect()
    }

    #[test]
    fn each_replication_has_a_seed_of_its_own_and_the_first_the_scenarios() {
        let seeds: std::collections::BTreeSet<u64> =
            (1..=1_000).map(|number| life(7, number, &[]).seed).collect();
        assert_eq!((seeds.len(), life(7, 1, &[]).seed), (1_000, 7));
        assert!(seeds.iter().all(|seed| *seed < SEEDS));
        assert_ne!(life(7, 2, &[]).seed, life(8, 2, &[]).seed);
    }

    #[test]
    fn a_value_hangs_on_seed_number_and_key_alone() {
        let latency = input("provider.latency", "500ms", "900ms");
        let servers = input("stack.application.service", "10ms", "20ms");
        let alone = std::slice::from_ref(&latency);
        let both = life(7, 3, &[servers, latency.clone()]).set;
        assert_eq!(both[1], life(7, 3, alone).set[0], "whatever else is uncertain");
        assert_ne!(both[1], life(7, 4, alone).set[0]);
        assert_ne!(both[1], life(8, 3, alone).set[0]);
    }

    #[test]
    fn lengths_are_even_between_their_ends_and_have_few_digits() {
        let input = input("a.b", "500ms", "900ms");
        let all = drawn(input.values);
        let millis: Vec<f64> =
            all.iter().map(|text| text.parse::<Span>().unwrap().0.as_secs_f64() * 1e3).collect();
        assert!(millis.iter().all(|millis| (500.0..=900.0).contains(millis)));
        let mean = millis.iter().sum::<f64>() / 2_000.0;
        // Four standard errors of an even law of that width: 4 · 400 / √12 / √2000.
        assert!((mean - 700.0).abs() < 10.4, "{mean}");
        assert!(all.iter().all(|text| text.len() <= "500000us".len()), "{:?}", &all[..5]);
    }

    #[test]
    fn whole_numbers_stay_whole_and_reach_both_ends() {
        let all = drawn(Values::Whole { from: -1, to: 2 });
        let seen: std::collections::BTreeSet<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(seen, std::collections::BTreeSet::from(["-1", "0", "1", "2"]));
    }

    #[test]
    fn every_kind_is_drawn_between_its_ends_as_it_is_written() {
        for (from, to, ending) in
            [("10/s", "0.5k/s", "/s"), ("-25s", "+5s", "s"), ("1s", "2s", "s")]
        {
            let input = input("a.b", from, to);
            let [low, high] = [from, to].map(|text| End::of_text(text).unwrap());
            for text in drawn(input.values.clone()) {
                assert!(text.ends_with(ending), "{text}");
                let end = End::of_text(&text).unwrap();
                let is_within = |end| match (low, end, high) {
                    (End::Rate(low), End::Rate(it), End::Rate(high)) => low <= it && it <= high,
                    (End::Moment(low), End::Moment(it), End::Moment(high)) => {
                        low <= it && it <= high
                    }
                    (End::Length(low), End::Length(it), End::Length(high)) => {
                        low <= it && it <= high
                    }
                    _ => false,
                };
                assert!(is_within(end), "{text} is not within {from} to {to}");
            }
        }
        let shares = drawn(Values::Number { from: 0.01, to: 0.03 });
        assert!(shares.iter().all(|share| (0.01..=0.03).contains(&share.parse::<f64>().unwrap())));
        assert!(shares.iter().all(|share| share.len() <= "0.012345".len()), "{:?}", &shares[..5]);
        let words = drawn(Values::OneOf(vec!["row-lock".to_owned(), "unit-rows".to_owned()]));
        let some = words.iter().filter(|word| *word == "row-lock").count();
        // Four standard errors: 4 · √(2000 / 4).
        assert!((910..=1_090).contains(&some), "{some}");
    }

    #[test]
    fn what_it_may_be_is_told_as_it_is_written() {
        assert_eq!(input("a.b", "0.5s", "900ms").told(), "a.b: 500ms to 900ms");
        let values = Values::OneOf(vec!["row-lock".to_owned(), "unit-rows".to_owned()]);
        let input = Uncertain { key: "shop.inventory".to_owned(), values };
        assert_eq!(input.told(), "shop.inventory: row-lock or unit-rows");
    }

    #[test]
    fn ends_of_two_kinds_or_out_of_order_make_no_range() {
        assert_eq!(End::of_text("-25s"), Some(End::Moment(-25_000_000_000)));
        assert_eq!(End::of_text("+1s"), Some(End::Moment(1_000_000_000)));
        assert_eq!(End::of_text("soon"), None);
        let length = |text| End::of_text(text).unwrap();
        assert_eq!(between(length("2s"), length("1s")), None);
        assert_eq!(between(length("1s"), length("1s")), None);
        assert_eq!(between(End::Whole(1), length("1s")), None);
        assert_eq!(between(End::Whole(3), End::Whole(2)), None);
        let mixed = between(End::Whole(1), End::Number(2.5));
        assert_eq!(mixed, Some(Values::Number { from: 1.0, to: 2.5 }));
    }
}

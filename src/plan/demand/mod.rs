//! How much a sale will be asked for at its peak: from what earlier sales came to, and from the few who look at it
//! before its day.
//!
//! A sale has an exposure (registered accounts, entries × team, seats). The logarithm of peak over exposure is a
//! common level, an effect of the organizer and chance, each normal. The effect is shrunk: a new organizer has none,
//! one of many sales has nearly their own mean (credibility, after Bühlmann and Straub); the two variances come of
//! the analysis of variance of one factor. A **peek** is what is seen a while before, of which the peak is a
//! multiple; the logarithm of that multiple is normal too, and both forecasts are combined by their precisions.
//! Formats, lead times and drift are not modelled, and a peak is a number, not a curve.

pub mod table;

use std::collections::BTreeMap;

use domain::draw::inverse_normal;

/// No variance is less: two sales that were the same say little of the third.
const VARIANCE_MIN: f64 = 1e-6;

/// A sale that was.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Whose.
    pub organizer: String,
    /// How many could have come.
    pub exposure: f64,
    /// What was seen of it a while before, where somebody looked.
    pub peek: Option<f64>,
    /// What it was asked for at its peak.
    pub peak: f64,
}

/// A forecast: the logarithm is normal.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// The mean of the logarithm.
    pub log: f64,
    /// Its variance.
    pub variance: f64,
}

impl Foreseen {
    /// As many or fewer come with this probability, in (0, 1).
    pub fn quantile(self, probability: f64) -> f64 {
        libm::exp(self.log + self.variance.sqrt() * inverse_normal(probability))
    }

    /// Half of the time it is more.
    pub fn median(self) -> f64 {
        libm::exp(self.log)
    }

    /// Both say something of the same, each with an error of its own.
    fn and(self, other: Self) -> Self {
        let (mine, theirs) = (1.0 / self.variance, 1.0 / other.variance);
        let variance = 1.0 / (mine + theirs);
        Self { log: (self.log * mine + other.log * theirs) * variance, variance }
    }
}

/// What earlier sales teach.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The common level: the logarithm of peak over exposure.
    level: Foreseen,
    /// The variance of one sale around its organizer's mean.
    within: f64,
    /// The variance of the organizers' means.
    between: f64,
    /// The sales of each organizer.
    organizers: BTreeMap<String, Group>,
    /// The logarithm of peak over peek, where two sales at least have both.
    multiple: Option<Foreseen>,
}

/// Numbers of one kind.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
struct Group {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Group {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        values.fold(Self::default(), Self::with)
    }

    fn with(self, value: f64) -> Self {
        Self {
            count: self.count + 1.0,
            sum: self.sum + value,
            squares: self.squares + value * value,
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count
    }

    /// The sum of the squares around the mean.
    fn scatter(&self) -> f64 {
        (self.squares - self.sum * self.sum / self.count).max(0.0)
    }
}

impl Demand {
    /// What these sales teach; nothing where there are fewer than two.
    pub fn learn(past: &[Past]) -> Option<Self> {
        if past.len() < 2 {
            return None;
        }
        let mut organizers: BTreeMap<String, Group> = BTreeMap::new();
        for sale in past {
            let group = organizers.entry(sale.organizer.clone()).or_default();
            *group = group.with(libm::log(sale.peak / sale.exposure));
        }
        let groups: Vec<Group> = organizers.values().copied().collect();
        let (within, between) = variances(&groups);
        let level = level(&groups, within, between);
        let multiples = past.iter().filter_map(|sale| Some(libm::log(sale.peak / sale.peek?)));
        let multiples = Group::of(multiples);
        let multiple = (multiples.count >= 2.0).then(|| {
            let variance = multiples.scatter() / (multiples.count - 1.0);
            // The mean of so few is uncertain itself.
            let variance = (variance * (1.0 + 1.0 / multiples.count)).max(VARIANCE_MIN);
            Foreseen { log: multiples.mean(), variance }
        });
        Some(Self { level, within, between, organizers, multiple })
    }

    /// How much of an organizer's own mean counts, from 0 to 1: its credibility.
    pub fn credibility(&self, organizer: &str) -> f64 {
        let Some(group) = self.organizers.get(organizer) else { return 0.0 };
        if self.between > 0.0 {
            self.between / (self.between + self.within / group.count)
        } else {
            0.0
        }
    }

    /// The peak of a sale of this organizer, without a look at it.
    pub fn foresee(&self, organizer: &str, exposure: f64) -> Foreseen {
        let own = self.organizers.get(organizer).map_or(self.level.log, Group::mean);
        let credibility = self.credibility(organizer);
        let rest = 1.0 - credibility;
        let variance = self.within + self.between * rest + self.level.variance * rest * rest;
        let log = self.level.log + credibility * (own - self.level.log) + libm::log(exposure);
        Foreseen { log, variance: variance.max(VARIANCE_MIN) }
    }

    /// Likewise, now that so much was seen of it; the same where no earlier sale has a peek to compare with.
    pub fn foresee_by(&self, organizer: &str, exposure: f64, peek: f64) -> Foreseen {
        let before = self.foresee(organizer, exposure);
        let Some(multiple) = self.multiple else { return before };
        before.and(Foreseen { log: multiple.log + libm::log(peek), ..multiple })
    }
}

/// The variance within groups and that between their means, by the analysis of variance. Where each group has one
/// number, all of it is within.
fn variances(groups: &[Group]) -> (f64, f64) {
    let whole = groups.iter().fold(Group::default(), |sum, group| Group {
        count: sum.count + group.count,
        sum: sum.sum + group.sum,
        squares: sum.squares + group.squares,
    });
    let kinds = groups.len() as f64;
    if whole.count - kinds < 1.0 {
        return ((whole.scatter() / (whole.count - 1.0)).max(VARIANCE_MIN), 0.0);
    }
    let scatter: f64 = groups.iter().map(Group::scatter).sum();
    let within = (scatter / (whole.count - kinds)).max(VARIANCE_MIN);
    if groups.len() < 2 {
        return (within, 0.0);
    }
    let between = (whole.scatter() - scatter) / (kinds - 1.0);
    let squares: f64 = groups.iter().map(|group| group.count * group.count).sum();
    let size = (whole.count - squares / whole.count) / (kinds - 1.0);
    (within, ((between - within) / size).max(0.0))
}

/// The common level of groups, each by its precision.
fn level(groups: &[Group], within: f64, between: f64) -> Foreseen {
    let precision = |group: &Group| 1.0 / (between + within / group.count);
    let whole: f64 = groups.iter().map(precision).sum();
    let log = groups.iter().map(|group| precision(group) * group.mean()).sum::<f64>() / whole;
    Foreseen { log, variance: 1.0 / whole }
}

/// How far forecasts of one sale were off, as a share of what came.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Miss {
    /// Without a look at it.
    pub before: f64,
    /// With the peek, where there was one.
    pub by_peek: Option<f64>,
}

/// Foresees each sale from number `first` on by those before it alone, in the order of time.
pub fn backtest(sales: &[Past], first: usize) -> Vec<Miss> {
    let off = |foreseen: Foreseen, sale: &Past| (foreseen.median() / sale.peak - 1.0).abs();
    let each = (first..sales.len()).filter_map(|number| {
        let sale = &sales[number];
        let demand = Demand::learn(&sales[..number])?;
        let Past { organizer, exposure, peek, .. } = sale;
        let by_peek = peek.map(|peek| off(demand.foresee_by(organizer, *exposure, peek), sale));
        Some(Miss { before: off(demand.foresee(organizer, *exposure), sale), by_peek })
    });
    each.collect()
}

/// The middle of some numbers; of an even number the mean of both in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let is_even = values.len().is_multiple_of(2);
    Some(if is_even { f64::midpoint(values[middle - 1], upper) } else { upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(organizer: &str, log: f64, peek_log: Option<f64>) -> Past {
        let peek = peek_log.map(libm::exp);
        Past { organizer: organizer.to_owned(), exposure: 1.0, peek, peak: libm::exp(log) }
    }

    /// Two organizers of two sales each.
    fn four() -> Vec<Past> {
        [("a", 1.0), ("a", 3.0), ("b", 5.0), ("b", 7.0)]
            .map(|(who, log)| past(who, log, None))
            .into()
    }

    fn is_near(seen: f64, expected: f64) -> bool {
        (seen - expected).abs() < 1e-9
    }

    #[test]
    fn an_organizer_counts_as_far_as_its_own_sales_are_credible() {
        let demand = Demand::learn(&four()).unwrap();
        // Within: (2 + 2) / 2 = 2. Between: 2 · 2² + 2 · 2² = 16, less 2, over 2 sales each: 7.
        assert!(is_near(demand.within, 2.0) && is_near(demand.between, 7.0));
        // 7 / (7 + 2 / 2).
        assert!(is_near(demand.credibility("a"), 0.875));
        let known = demand.foresee("a", 1.0);
        assert!(is_near(known.log, 4.0 - 0.875 * 2.0));
        // 2 + 7 / 8 + 4 / 64, for the level has a variance of 8 / 2.
        assert!(is_near(known.variance, 2.0 + 0.875 + 0.0625));
        let new = demand.foresee("c", libm::exp(2.0));
        assert!(is_near(demand.credibility("c"), 0.0) && is_near(new.log, 6.0));
        assert!(is_near(new.variance, 13.0));
    }

    #[test]
    fn a_peek_counts_by_its_precision() {
        // The peak is e⁴ and e⁶ times what was seen: 5 with a variance of 2, and of 3 for a third sale.
        let mut past_sales = four();
        past_sales[0].peek = Some(libm::exp(1.0 - 4.0));
        past_sales[3].peek = Some(libm::exp(7.0 - 6.0));
        let demand = Demand::learn(&past_sales).unwrap();
        let multiple = demand.multiple.unwrap();
        assert!(is_near(multiple.log, 5.0) && is_near(multiple.variance, 3.0));
        // 4 ± 13 before, 10 ± 3 by the peek: (4 / 13 + 10 / 3) / (1 / 13 + 1 / 3) = 8.875.
        let seen = demand.foresee_by("c", 1.0, libm::exp(5.0));
        assert!(is_near(seen.log, 8.875), "{seen:?}");
        assert!(is_near(seen.variance, 39.0 / 16.0));
        assert!(seen.variance < demand.foresee("c", 1.0).variance);
        // Without an earlier peek nobody knows what one is worth.
        let blind = Demand::learn(&four()).unwrap();
        assert_eq!(blind.foresee_by("c", 1.0, 9.0), blind.foresee("c", 1.0));
    }

    #[test]
    fn quantiles_are_those_of_the_logarithm() {
        let foreseen = Foreseen { log: 2.0, variance: 0.25 };
        assert!(is_near(foreseen.median(), libm::exp(2.0)));
        assert!((foreseen.quantile(0.5) / foreseen.median() - 1.0).abs() < 1e-6);
        // 1.6449 standard deviations.
        assert!((libm::log(foreseen.quantile(0.95)) - 2.0 - 0.5 * 1.6449).abs() < 1e-3);
    }

    #[test]
    fn few_sales_and_like_ones_teach_what_they_can() {
        assert_eq!(Demand::learn(&four()[..1]), None);
        // One of each organizer: nobody can say whose it was, and all of it is chance.
        let strangers = [past("a", 1.0, None), past("b", 3.0, None)];
        let demand = Demand::learn(&strangers).unwrap();
        assert!(is_near(demand.within, 2.0) && is_near(demand.between, 0.0));
        assert!(is_near(demand.foresee("a", 1.0).log, 2.0));
        // One organizer alone is the level.
        let alone = [past("a", 1.0, None), past("a", 3.0, None)];
        let demand = Demand::learn(&alone).unwrap();
        assert!(is_near(demand.foresee("a", 1.0).log, 2.0));
        assert!(is_near(demand.foresee("b", 1.0).log, 2.0));
        // No chance at all is no division by nothing.
        let same = [past("a", 1.0, Some(0.0)), past("a", 1.0, Some(0.0))];
        let foreseen = Demand::learn(&same).unwrap().foresee_by("a", 1.0, 1.0);
        assert!(is_near(foreseen.log, 1.0) && foreseen.variance > 0.0);
    }

    #[test]
    fn a_backtest_knows_nothing_of_what_came_later() {
        let mut sales = four();
        let misses = backtest(&sales, 2);
        assert_eq!(misses.len(), 2);
        // The third is foreseen by the two of the other organizer: e² instead of e⁵.
        assert!(is_near(misses[0].before, 1.0 - libm::exp(-3.0)));
        assert_eq!(misses[0].by_peek, None);
        sales[3].peak = 1.0;
        assert_eq!(backtest(&sales, 2)[0], misses[0]);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }
}

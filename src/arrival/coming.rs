//! Who comes next, without a list of who comes when.
//!
//! A moment is a function of a fan's number, so only an order has to be kept: none where fans come
//! in the order of their numbers, and four bytes a fan where each draws its own moment. Those are
//! given back as the fans arrive, for by then the fans themselves take room.

use domain::id::FanId;
use domain::time::Time;

use super::Moments;

/// After so many arrivals the memory of their order is given back \[fans\]: 256 KiB at once.
const GIVEN_BACK: usize = 1 << 16;

/// One share of the crowd: everybody whose index, divided by `of`, leaves `place`. So any number
/// of shares makes the same crowd.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which share, from 0.
    pub place: u32,
    /// How many shares there are, at least 1.
    pub of: u32,
}

/// The arrivals of one share that are still to come, ordered by time; those of one instant stay in
/// the populations' order, and in that of their indices.
#[derive(Debug)]
pub struct Arrivals {
    coming: Vec<Coming>,
}

/// Those of one population.
#[derive(Debug)]
struct Coming {
    population: u16,
    moments: Moments,
    /// How many shares there are.
    of: u32,
    order: Order,
    /// The next of them.
    first: Option<(Time, u32)>,
}

/// In which order they come.
#[derive(Debug)]
enum Order {
    /// By their indices: the next one's, and how far it is to the one after it.
    Even { next: Option<u32>, step: u32 },
    /// By the moments that they draw: the indices, the next one last.
    Drawn(Vec<u32>),
}

impl Share {
    /// All people.
    pub const WHOLE: Self = Self { place: 0, of: 1 };
}

impl Arrivals {
    /// The arrivals of a share of those who come at such moments, by the numbers of their populations.
    pub fn at(moments: impl Iterator<Item = (u16, Moments)>, share: Share) -> Self {
        let coming = moments.map(|(population, moments)| {
            let order = Order::of(&moments, share);
            let mut coming = Coming { population, moments, of: share.of, order, first: None };
            coming.advance();
            coming
        });
        Self { coming: coming.collect() }
    }

    /// How many of them there are, at most \[fans\].
    pub fn people(&self) -> usize {
        let of = |coming: &Coming| coming.moments.count().div_ceil(coming.of) as usize;
        self.coming.iter().map(of).sum()
    }

    /// When the next one comes; `None` when nobody comes any more.
    pub fn next_at(&self) -> Option<Time> {
        self.coming.iter().filter_map(|coming| coming.first).map(|(at, _)| at).min()
    }

    /// The next one, if its time has come by `now`.
    pub fn next_due(&mut self, now: Time) -> Option<(Time, FanId)> {
        let next = self.next_at().filter(|at| *at <= now)?;
        let is_next = |coming: &&mut Coming| coming.first.is_some_and(|(at, _)| at == next);
        let coming = self.coming.iter_mut().find(is_next)?;
        let (at, index) = coming.first?;
        coming.advance();
        Some((at, FanId { population: coming.population, index }))
    }

    /// Nobody comes any more.
    pub fn end(&mut self) {
        self.coming = Vec::new();
    }
}

impl Coming {
    /// Goes on to the next one.
    fn advance(&mut self) {
        let index = self.order.take(self.moments.count());
        self.first = index.map(|index| (self.moments.of(index), index));
    }
}

impl Order {
    fn of(moments: &Moments, Share { place, of }: Share) -> Self {
        if !moments.is_random() {
            return Self::Even { next: Some(place), step: of };
        }
        let mut drawn: Vec<(Time, u32)> = (place..moments.count())
            .step_by(of as usize)
            .map(|index| (moments.of(index), index))
            .collect();
        drawn.sort_unstable_by(|one, other| other.cmp(one));
        // Into memory of its own: a vector made of another may keep the other's room.
        let mut order = Vec::with_capacity(drawn.len());
        order.extend(drawn.iter().map(|(_, index)| index));
        Self::Drawn(order)
    }

    /// The next index, of a population of `count`.
    fn take(&mut self, count: u32) -> Option<u32> {
        match self {
            Self::Even { next, step } => {
                let index = next.filter(|index| *index < count)?;
                *next = index.checked_add(*step);
                Some(index)
            }
            Self::Drawn(order) => {
                if order.capacity() - order.len() >= GIVEN_BACK {
                    order.shrink_to_fit();
                }
                order.pop()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::{Arrive, Shape};

    const OPENS: Time = Time::from_millis(600_000);
    const COUNT: u32 = 1_000;

    fn populations() -> [Arrive; 4] {
        let at = |text: &str| Some(text.parse().unwrap());
        let span = |text: &str| Some(text.parse().unwrap());
        [
            Arrive {
                shape: Shape::Constant,
                from: at("-30s"),
                over: span("20s"),
                ..Arrive::default()
            },
            Arrive {
                midpoint: at("-20s"),
                spread: span("5s"),
                shape: Shape::Logistic,
                ..Arrive::default()
            },
            Arrive { shape: Shape::AtOnce, at: at("-20s"), ..Arrive::default() },
            Arrive {
                shape: Shape::Poisson,
                from: at("-40s"),
                over: span("30s"),
                ..Arrive::default()
            },
        ]
    }

    fn moments() -> impl Iterator<Item = (u16, Moments)> {
        (0_u16..).zip(populations()).map(|(population, arrive)| {
            (population, arrive.moments(7, population, COUNT, OPENS, None))
        })
    }

    fn all_of(mut arrivals: Arrivals) -> Vec<(Time, FanId)> {
        std::iter::from_fn(|| arrivals.next_due(Time::NEVER)).collect()
    }

    /// Everybody, by the lists that the arrivals are made without.
    fn everybody() -> Vec<(Time, FanId)> {
        let mut all = Vec::new();
        for (population, arrive) in (0_u16..).zip(populations()) {
            let listed = arrive.arrivals(7, population, COUNT, OPENS, None).into_iter();
            all.extend(listed.map(|(at, index)| (at, FanId { population, index })));
        }
        all.sort_by_key(|(at, _)| *at);
        all
    }

    #[test]
    fn all_come_in_the_order_of_their_moments_though_none_is_kept() {
        assert_eq!(all_of(Arrivals::at(moments(), Share::WHOLE)), everybody());
    }

    #[test]
    fn any_number_of_shares_makes_the_same_crowd() {
        for of in [2, 3, 7] {
            for place in 0..of {
                let mut share = everybody();
                share.retain(|(_, fan)| fan.index % of == place);
                assert_eq!(all_of(Arrivals::at(moments(), Share { place, of })), share);
            }
        }
    }

    #[test]
    fn nobody_comes_before_the_time() {
        let mut arrivals = Arrivals::at(moments(), Share::WHOLE);
        let first = arrivals.next_at().unwrap();
        assert_eq!(arrivals.next_due(first.before(domain::time::Duration::from_nanos(1))), None);
        assert_eq!(arrivals.next_due(first).map(|(at, _)| at), Some(first));
        arrivals.end();
        assert_eq!((arrivals.next_at(), arrivals.next_due(Time::NEVER)), (None, None));
    }

    #[test]
    fn the_order_takes_four_bytes_a_fan_and_is_given_back() {
        let arrive = &populations()[1];
        let count = 4 * u32::try_from(GIVEN_BACK).unwrap();
        let mut order = Order::of(&arrive.moments(7, 0, count, OPENS, None), Share::WHOLE);
        let room = |order: &Order| match order {
            Order::Drawn(order) => order.capacity(),
            Order::Even { .. } => 0,
        };
        assert_eq!(room(&order), count as usize);
        while order.take(count).is_some() {}
        assert!(room(&order) <= GIVEN_BACK, "{}", room(&order));
    }
}

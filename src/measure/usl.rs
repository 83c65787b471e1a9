//! The Universal Scalability Law: how throughput grows with concurrency, and why it stops growing.
//!
//! X(N) = γN / (1 + α(N − 1) + βN(N − 1)): γ is what one alone gets done, α the share of the work that only one can do
//! at a time (a lock), β what each pair costs to agree (retries, cache lines). N. J. Gunther, "Guerrilla Capacity
//! Planning", Springer 2007. With β = 0 it is Amdahl's law.

/// The most steps of one fit; a handful is enough.
const STEPS_MAX: u32 = 200;
/// A step that mends the sum of squares by less than this share of it is the last.
const ENOUGH: f64 = 1e-14;
/// How far a step is damped at first, at most, and by what factor it changes.
const DAMPING: f64 = 1e-3;
const DAMPING_MAX: f64 = 1e12;
const DAMPING_FACTOR: f64 = 10.0;
/// The fewest levels of concurrency that three figures can be read of.
const LEVELS_MIN: usize = 3;

/// The law with its three figures.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct ScalabilityLaw {
    /// γ: throughput of one alone, in the unit of the throughput.
    pub alone: f64,
    /// α: contention, at least 0; the serial share of the work.
    pub contention: f64,
    /// β: coherency, at least 0.
    pub coherency: f64,
}

impl ScalabilityLaw {
    /// The law nearest to measured points of concurrency and throughput, both more than 0, by least squares with α ≥ 0 and
    /// β ≥ 0 (Levenberg and Marquardt). None where there are fewer than three levels of concurrency.
    ///
    /// Where the nearest of all laws has an α or β below 0, that figure is 0 and the others are the nearest with
    /// it: a minimum of what is allowed lies within or on one of its faces, and there are but four to look at.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let is_usable = |(level, throughput): &(f64, f64)| {
            level.is_finite() && throughput.is_finite() && *level > 0.0 && *throughput > 0.0
        };
        let mut levels: Vec<f64> = points.iter().map(|(level, _)| *level).collect();
        levels.sort_unstable_by(f64::total_cmp);
        levels.dedup();
        if levels.len() < LEVELS_MIN || !points.iter().all(is_usable) {
            return None;
        }
        let faces = [(true, true), (true, false), (false, true), (false, false)];
        let fitted = faces.into_iter().filter_map(|free| nearest(points, free));
        let allowed =
            fitted.filter(|law| law.alone > 0.0 && law.contention >= 0.0 && law.coherency >= 0.0);
        allowed.min_by(|one, other| one.misses(points).total_cmp(&other.misses(points)))
    }

    /// Throughput at a level of concurrency.
    pub fn throughput(&self, level: f64) -> f64 {
        let Self { alone, contention, coherency } = *self;
        alone * level / (1.0 + contention * (level - 1.0) + coherency * level * (level - 1.0))
    }

    /// The concurrency with the most throughput, √((1 − α) / β); none where it never falls again.
    pub fn peak(&self) -> Option<f64> {
        let falls = self.coherency > 0.0 && self.contention < 1.0;
        falls.then(|| ((1.0 - self.contention) / self.coherency).sqrt())
    }

    /// What throughput would come near to without coherency, γ / α; none without contention.
    pub fn limit(&self) -> Option<f64> {
        (self.contention > 0.0).then(|| self.alone / self.contention)
    }

    /// The sum of the squares by which it misses the points.
    fn misses(&self, points: &[(f64, f64)]) -> f64 {
        let off = |(level, throughput): &(f64, f64)| throughput - self.throughput(*level);
        points.iter().map(|point| off(point).powi(2)).sum()
    }

    /// Likewise with figures that are changed by so much.
    fn moved(&self, by: [f64; 3]) -> Self {
        Self {
            alone: self.alone + by[0],
            contention: self.contention + by[1],
            coherency: self.coherency + by[2],
        }
    }
}

/// The nearest law, wherever it lies, of those whose α and β are not 0 where `free` says so.
fn nearest(points: &[(f64, f64)], free: (bool, bool)) -> Option<ScalabilityLaw> {
    let mut law = begin(points, free)?;
    let (mut misses, mut damping) = (law.misses(points), DAMPING);
    for _ in 0..STEPS_MAX {
        if damping > DAMPING_MAX {
            break;
        }
        let Some(step) = step(points, &law, free, damping) else { break };
        let next = law.moved(step);
        let then = next.misses(points);
        if then <= misses {
            let is_last = misses - then <= ENOUGH * misses;
            (law, misses, damping) = (next, then, damping / DAMPING_FACTOR);
            if is_last {
                break;
            }
        } else {
            damping *= DAMPING_FACTOR;
        }
    }
    misses.is_finite().then_some(law)
}

/// Where to begin: N / X = (1 + α(N − 1) + βN(N − 1)) / γ is linear in 1/γ, α/γ and β/γ. What is off there by so much is
/// off by X² / N times that in X.
fn begin(points: &[(f64, f64)], free: (bool, bool)) -> Option<ScalabilityLaw> {
    let mut sums = Sums::default();
    for (level, throughput) in points {
        let row = [1.0, level - 1.0, level * (level - 1.0)];
        sums.add(row, level / throughput, (throughput * throughput / level).powi(2));
    }
    let [alone, contention, coherency] = sums.solved(free, 0.0)?;
    Some(ScalabilityLaw {
        alone: 1.0 / alone,
        contention: contention / alone,
        coherency: coherency / alone,
    })
}

/// The next step of Levenberg and Marquardt from a law.
fn step(
    points: &[(f64, f64)],
    law: &ScalabilityLaw,
    free: (bool, bool),
    damping: f64,
) -> Option<[f64; 3]> {
    let mut sums = Sums::default();
    for (level, throughput) in points {
        let now = law.throughput(*level);
        // How X changes with γ, α and β.
        let by_alone = now / law.alone;
        let each = -now * by_alone / level;
        let row = [by_alone, each * (level - 1.0), each * level * (level - 1.0)];
        sums.add(row, throughput - now, 1.0);
    }
    sums.solved(free, damping)
}

/// The normal equations of a linear problem of least squares with three unknowns.
#[derive(Default)]
struct Sums {
    matrix: [[f64; 3]; 3],
    right: [f64; 3],
}

impl Sums {
    fn add(&mut self, row: [f64; 3], value: f64, weight: f64) {
        for (one, sums) in row.into_iter().zip(&mut self.matrix) {
            for (other, sum) in row.into_iter().zip(sums) {
                *sum += weight * one * other;
            }
        }
        for (one, sum) in row.into_iter().zip(&mut self.right) {
            *sum += weight * one * value;
        }
    }

    /// The unknowns, by Gauss and Jordan; one that is not free is 0. None where nothing follows.
    fn solved(mut self, (second, third): (bool, bool), damping: f64) -> Option<[f64; 3]> {
        for (unknown, is_free) in [true, second, third].into_iter().enumerate() {
            self.matrix[unknown][unknown] *= 1.0 + damping;
            if !is_free {
                self.matrix[unknown] = [0.0; 3];
                self.matrix.iter_mut().for_each(|row| row[unknown] = 0.0);
                (self.matrix[unknown][unknown], self.right[unknown]) = (1.0, 0.0);
            }
        }
        // They are as large as they are positive, so that no row must be looked for.
        for pivot in 0..3 {
            let row = self.matrix[pivot];
            if row[pivot] <= 0.0 || !row[pivot].is_finite() {
                return None;
            }
            for other in (0..3).filter(|other| *other != pivot) {
                let factor = self.matrix[other][pivot] / row[pivot];
                for (cell, of_pivot) in self.matrix[other].iter_mut().zip(row) {
                    *cell -= factor * of_pivot;
                }
                self.right[other] -= factor * self.right[pivot];
            }
        }
        let of = |unknown: usize| self.right[unknown] / self.matrix[unknown][unknown];
        Some([of(0), of(1), of(2)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts per hour of so many simulated users of a server with 16 processors (SPEC SDM91, in Gunther 2007).
    const SDM91: [(f64, f64); 7] = [
        (1.0, 64.9),
        (18.0, 995.9),
        (36.0, 1_652.4),
        (72.0, 1_853.2),
        (108.0, 1_828.9),
        (144.0, 1_775.0),
        (216.0, 1_702.2),
    ];

    /// Rays per second of a ray tracer with so many processors (in Gunther 2007).
    const RAYTRACER: [(f64, f64); 11] = [
        (1.0, 20.0),
        (4.0, 78.0),
        (8.0, 130.0),
        (12.0, 170.0),
        (16.0, 190.0),
        (20.0, 200.0),
        (24.0, 210.0),
        (28.0, 230.0),
        (32.0, 260.0),
        (48.0, 280.0),
        (64.0, 310.0),
    ];

    #[track_caller]
    fn near(seen: f64, expected: f64, share: f64) {
        assert!((seen / expected - 1.0).abs() < share, "{seen}, and {expected} is expected");
    }

    #[test]
    fn it_reads_the_published_figures_of_a_server_off_seven_points() {
        let law = ScalabilityLaw::fit(&SDM91).unwrap();
        near(law.contention, 0.027_728_5, 1e-5);
        near(law.coherency, 1.043_65e-4, 1e-4);
        near(law.alone, 89.995, 1e-5);
        let peak = law.peak().unwrap();
        near(peak, 96.52, 1e-4);
        near(law.throughput(peak), 1_884.0, 1e-3);
        near(law.limit().unwrap(), 3_245.6, 1e-4);
    }

    #[test]
    fn where_the_nearest_law_of_all_has_less_than_no_coherency_it_has_none() {
        let law = ScalabilityLaw::fit(&RAYTRACER).unwrap();
        near(law.contention, 0.057_77, 1e-4);
        near(law.alone, 21.85, 1e-3);
        assert_eq!((law.coherency.to_bits(), law.peak()), (0, None));
        // Left to itself it would grow faster the more there are.
        let free = nearest(&RAYTRACER, (true, true)).unwrap();
        assert!(free.coherency < -1e-4, "{free:?}");
        assert!(free.misses(&RAYTRACER) < law.misses(&RAYTRACER));
    }

    #[test]
    fn a_law_is_found_again_in_its_own_points_on_each_face_of_what_is_allowed() {
        for (contention, coherency) in [(0.05, 2e-4), (0.05, 0.0), (0.0, 2e-4), (0.0, 0.0)] {
            let law = ScalabilityLaw { alone: 40.0, contention, coherency };
            let levels = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
            let points = levels.map(|level| (level, law.throughput(level)));
            let found = ScalabilityLaw::fit(&points).unwrap();
            near(found.alone, 40.0, 1e-9);
            assert!((found.contention - contention).abs() < 1e-9, "{found:?} of {law:?}");
            assert!((found.coherency - coherency).abs() < 1e-11, "{found:?} of {law:?}");
        }
    }

    #[test]
    fn nothing_is_read_off_too_few_levels_or_off_what_is_no_throughput() {
        assert_eq!(ScalabilityLaw::fit(&[(1.0, 5.0), (2.0, 9.0), (2.0, 9.1)]), None);
        assert_eq!(ScalabilityLaw::fit(&[(1.0, 5.0), (2.0, 9.0), (4.0, 0.0)]), None);
        assert_eq!(ScalabilityLaw::fit(&[(1.0, 5.0), (2.0, 9.0), (4.0, f64::NAN)]), None);
    }
}

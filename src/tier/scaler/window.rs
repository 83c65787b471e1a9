//! What is measured of the tasks in a while: samples, one a second.

use super::Metric;

/// What was seen at the end of a second.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Tasks in service.
    pub tasks: u32,
    /// Servers of those.
    pub servers: u64,
    /// Servers that are busy, also those of tasks that only finish what they have.
    pub busy: u64,
    /// Requests that came in that second.
    pub arrived: u64,
}

/// Samples of a while.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    samples: u64,
    tasks: u64,
    servers: u64,
    busy: u64,
    arrived: u64,
}

impl Window {
    /// Another second.
    pub fn add(&mut self, sample: Sample) {
        self.samples += 1;
        self.tasks += u64::from(sample.tasks);
        self.servers += sample.servers;
        self.busy += sample.busy.min(sample.servers);
        self.arrived += sample.arrived;
    }

    /// The metric over these seconds, and a new window. There is none where nothing was there to be
    /// measured.
    pub fn take(&mut self, metric: Metric) -> Option<f64> {
        let all = std::mem::take(self);
        match metric {
            Metric::Utilisation => (all.servers > 0).then(|| all.busy as f64 / all.servers as f64),
            // Tasks are counted once a second: arrived / mean tasks, per minute.
            Metric::Requests => (all.tasks > 0 && all.arrived > 0)
                .then(|| all.arrived as f64 / all.tasks as f64 * 60.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utilisation_is_the_share_of_busy_servers_and_requests_are_per_task_and_minute() {
        let of = |metric| {
            let mut window = Window::default();
            for (busy, arrived) in [(40, 100), (90, 140)] {
                window.add(Sample { tasks: 10, servers: 80, busy, arrived });
            }
            window.take(metric).unwrap()
        };
        // 90 busy are those of 10 more that drain: no more than all is busy.
        assert!((of(Metric::Utilisation) - 0.75).abs() < 1e-12);
        // 240 in two seconds on 10 tasks: 12 a second each.
        assert!((of(Metric::Requests) - 720.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_measure_is_no_value() {
        let idle = Sample { tasks: 2, servers: 16, busy: 0, arrived: 0 };
        let mut window = Window::default();
        window.add(idle);
        assert_eq!(window.take(Metric::Requests), None);
        window.add(idle);
        assert_eq!(window.take(Metric::Utilisation), Some(0.0));
        assert_eq!(window.take(Metric::Utilisation), None, "it was taken");
    }
}

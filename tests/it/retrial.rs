//! A spike in which people give up and come back, against the fluid that many of them are: the calendar and the
//! stations of the simulator, held against Mandelbaum, Massey, Reiman, Stolyar and Rider (Telecommunication
//! Systems 21, 2002, 149-171).

use domain::draw::{Purpose, draw_for};
use domain::time::{Time, duration_from_seconds};
use spike::sim::calendar::Calendar;
use spike::tier::station::{Offered, Station};

/// Servers for each unit of size.
const SERVERS: u32 = 50;
/// How long one serves, in the mean \[s\].
const SERVICE_S: f64 = 1.0;
/// How long somebody waits before he gives up, in the mean \[s\].
const PATIENCE_S: f64 = 2.0;
/// The share of those who gave up that comes back.
const COMES_BACK: f64 = 0.5;
/// After how long, in the mean \[s\].
const AWAY_S: f64 = 5.0;
/// How long it is looked at, once a second \[s\].
const LASTS_S: usize = 60;
/// The most that come for each unit of size \[1/s\].
const PEAK_PER_S: f64 = 100.0;

/// How many come for each unit of size: twice what the servers do, for ten seconds \[1/s\].
fn per_s(at_s: f64) -> f64 {
    if (10.0..20.0).contains(&at_s) { PEAK_PER_S } else { 40.0 }
}

/// People in the system, and people who are to come back.
#[derive(Copy, Clone, Debug, Default)]
struct People {
    here: f64,
    away: f64,
}

/// What the fluid is at the end of each second, for one unit of size.
fn fluid() -> Vec<People> {
    const STEPS: u32 = 10_000;
    let (servers, step_s) = (f64::from(SERVERS), 1.0 / f64::from(STEPS));
    let mut people = People::default();
    let seconds = 0..LASTS_S;
    seconds
        .map(|second| {
            for step in 0..STEPS {
                let at_s = second as f64 + f64::from(step) * step_s;
                let give_up_per_s = (people.here - servers).max(0.0) / PATIENCE_S;
                let back_per_s = people.away / AWAY_S;
                let served_per_s = people.here.min(servers) / SERVICE_S;
                people.here += step_s * (per_s(at_s) + back_per_s - served_per_s - give_up_per_s);
                people.away += step_s * (COMES_BACK * give_up_per_s - back_per_s);
            }
            people
        })
        .collect()
}

/// What happens.
enum Event {
    /// Somebody may come: so many would at the peak's rate.
    MayCome,
    /// A server is done.
    Served,
    /// Who came as that number has no more patience.
    GivesUp(u64),
    /// Somebody comes back.
    ComesBack,
    /// A second is over.
    Second,
}

/// One life of it, `size` times as large.
struct Life {
    size: u32,
    seed: u64,
    draws: u64,
    calendar: Calendar<Event>,
    station: Station<u64>,
    came: u64,
    away: u64,
}

impl Life {
    /// The people at the end of each second, for one unit of size.
    fn lived(size: u32, seed: u64) -> Vec<People> {
        let mut life = Self {
            size,
            seed,
            draws: 0,
            calendar: Calendar::new(),
            station: Station::new(SERVERS * size, None),
            came: 0,
            away: 0,
        };
        life.calendar.schedule(Time::ZERO, Event::MayCome);
        for second in 1..=LASTS_S as u64 {
            life.calendar.schedule(Time::from_millis(second * 1_000), Event::Second);
        }
        let mut seconds = Vec::with_capacity(LASTS_S);
        while seconds.len() < LASTS_S {
            let (at, event) = life.calendar.pop().unwrap();
            match event {
                Event::Second => seconds.push(life.people()),
                other => life.happen(at, &other),
            }
        }
        seconds
    }

    fn people(&self) -> People {
        let size = f64::from(self.size);
        let here = self.station.in_service() + self.station.waiting();
        People { here: here as f64 / size, away: self.away as f64 / size }
    }

    fn happen(&mut self, at: Time, event: &Event) {
        match *event {
            Event::MayCome => {
                let gap_s = 1.0 / (PEAK_PER_S * f64::from(self.size));
                self.after(at, gap_s, Event::MayCome);
                if self.chance(per_s(at.seconds()) / PEAK_PER_S) {
                    self.come(at);
                }
            }
            Event::Served => {
                if self.station.finish().is_some() {
                    self.after(at, SERVICE_S, Event::Served);
                }
            }
            Event::GivesUp(who) => {
                let gave_up = self.station.withdraw(|waiting| waiting.cmp(&who)).is_some();
                if gave_up && self.chance(COMES_BACK) {
                    self.away += 1;
                    self.after(at, AWAY_S, Event::ComesBack);
                }
            }
            Event::ComesBack => {
                self.away -= 1;
                self.come(at);
            }
            Event::Second => {}
        }
    }

    fn come(&mut self, at: Time) {
        self.came += 1;
        match self.station.offer(self.came) {
            Offered::Started => self.after(at, SERVICE_S, Event::Served),
            Offered::Queued => self.after(at, PATIENCE_S, Event::GivesUp(self.came)),
            Offered::Refused => panic!("the line has no limit"),
        }
    }

    /// After an exponential time of that mean \[s\].
    fn after(&mut self, at: Time, mean_s: f64, event: Event) {
        let after = duration_from_seconds(self.draw().exponential(mean_s));
        self.calendar.schedule(at + after, event);
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.draw().chance(probability)
    }

    fn draw(&mut self) -> domain::draw::Draw {
        self.draws += 1;
        draw_for(self.seed, self.draws, Purpose::Service, 0)
    }
}

/// The people of so many lives of that size, second by second.
fn lives(size: u32, count: u64) -> Vec<Vec<People>> {
    (0..count).map(|seed| Life::lived(size, seed)).collect()
}

/// How far lives are from the fluid, each for itself: the root of the mean square.
fn apart(lives: &[Vec<People>], fluid: &[People]) -> f64 {
    let squares = lives.iter().flat_map(|life| {
        life.iter().zip(fluid).map(|(lived, fluid)| (lived.here - fluid.here).powi(2))
    });
    (squares.sum::<f64>() / (lives.len() * fluid.len()) as f64).sqrt()
}

fn mean(lives: &[Vec<People>], second: usize, of: fn(&People) -> f64) -> f64 {
    lives.iter().map(|life| of(&life[second])).sum::<f64>() / lives.len() as f64
}

#[test]
fn a_crowd_that_gives_up_and_comes_back_is_its_fluid_and_the_larger_the_more() {
    let fluid = fluid();
    let highest = |of: fn(&People) -> f64| fluid.iter().map(of).fold(0.0, f64::max);
    let (few, many) = (lives(1, 200), lives(10, 20));
    let parts: [fn(&People) -> f64; 2] = [|people| people.here, |people| people.away];
    for (size, lives) in [(1, &few), (10, &many)] {
        for (second, expected) in fluid.iter().enumerate() {
            for of in parts {
                let (lived, expected) = (mean(lives, second, of), of(expected));
                let off = (lived - expected).abs() / highest(of);
                assert!(off <= 0.03, "size {size}, second {second}: {lived}, not {expected}");
            }
        }
    }
    // With ten times as many the people in the system are within 3 % at each moment, once there are some.
    for (second, expected) in fluid.iter().enumerate().skip(5) {
        let lived = mean(&many, second, |people| people.here);
        assert!((lived / expected.here - 1.0).abs() <= 0.03, "{second}: {lived}, not {expected:?}");
    }
    // And one life alone is √10 times nearer.
    let nearer = apart(&few, &fluid) / apart(&many, &fluid);
    assert!((nearer / 10_f64.sqrt() - 1.0).abs() < 0.25, "{nearer}");
}

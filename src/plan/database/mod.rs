//! A database on a machine of its own or serverless: what each costs, and from which load on the machine does less.
//!
//! A machine costs the same whatever it does. What is serverless costs as many units as the load takes at each
//! hour, at its own utilisation, and never fewer than its least. Without that least, and on a day that is the same
//! at each hour, it costs less below u* = price of the machine / (its units · price of a unit) · utilisation; the
//! least of the night makes that line lower. Prices are inputs: none is built in.

pub mod file;

use std::fmt::Write;

/// Hours of a year, and of its twelfth.
const YEAR_H: f64 = 8_760.0;
const MONTH_H: f64 = YEAR_H / 12.0;
/// Halvings of a break-even's bracket: far below what is printed of it.
const HALVINGS: u32 = 60;

/// A file of prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// What all prices are in.
    pub currency: String,
    /// The load of equal parts of a day; only their ratios count. One part: the same all day.
    pub day: Vec<f64>,
    /// The database on a machine of its own.
    pub machine: Machine,
    /// The same, serverless.
    pub serverless: Serverless,
}

/// A machine that is paid for by the hour, whatever it does: `[machine]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// What it is called.
    pub name: String,
    /// Capacity units that are as much.
    pub capacity: f64,
    /// Its price, on demand \[1/h\].
    pub per_hour: f64,
    /// How often in a year an operator changes its size.
    pub resizes_per_year: f64,
    /// What each time costs.
    pub per_resize: f64,
    /// How it can be had for less.
    pub reserved: Vec<Reserved>,
}

/// Paid for ahead: `[[machine.reserved]]`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Reserved {
    /// For how long \[years\].
    pub years: f64,
    /// Its share of the price on demand.
    pub ratio: f64,
}

/// Capacity units that come and go: `[serverless]`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Serverless {
    /// The price of a unit \[1/h\].
    pub per_unit_hour: f64,
    /// It never has fewer.
    pub min: f64,
    /// The share of its units that is used while it has as many as it wants.
    pub utilisation: f64,
}

/// A way to have the machine, and the load up to which serverless costs less.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// `on demand`, `reserved for 3 years`.
    pub name: String,
    /// What the machine costs so \[1/h\], its operator included.
    pub per_hour: f64,
    /// The mean of its CPU's utilisation up to which serverless costs less, at most 1; absent where it never
    /// does.
    pub line: Option<f64>,
}

impl Prices {
    /// Each part of the day over their mean.
    fn parts(&self) -> impl Iterator<Item = f64> {
        let mean = self.day.iter().sum::<f64>() / self.day.len() as f64;
        self.day.iter().map(move |part| part / mean)
    }

    /// What serverless costs \[1/h\] where the load would keep the machine's CPU at `mean`, a share of 1, in the
    /// mean of the day.
    pub fn serverless_per_hour(&self, mean: f64) -> f64 {
        let Serverless { per_unit_hour, min, utilisation } = self.serverless;
        let wanted = |part: f64| mean * part * self.machine.capacity / utilisation;
        let units: f64 = self.parts().map(|part| wanted(part).max(min)).sum();
        units / self.day.len() as f64 * per_unit_hour
    }

    /// The machine's utilisation at the busiest part of such a day: where it is more than 1, it is too small.
    pub fn peak(&self, mean: f64) -> f64 {
        self.parts().fold(0.0, f64::max) * mean
    }

    /// Each way to have the machine, the dearest first.
    pub fn choices(&self) -> Vec<Choice> {
        let on_demand = ("on demand".to_owned(), 1.0);
        let reserved = self.machine.reserved.iter().map(|reserved| {
            let years = reserved.years.to_string();
            let unit = if years == "1" { "year" } else { "years" };
            (format!("reserved for {years} {unit}"), reserved.ratio)
        });
        let operator = self.machine.resizes_per_year * self.machine.per_resize / YEAR_H;
        let all = std::iter::once(on_demand).chain(reserved);
        all.map(|(name, ratio)| {
            let per_hour = self.machine.per_hour * ratio + operator;
            Choice { name, per_hour, line: self.line(per_hour) }
        })
        .collect()
    }

    /// The mean utilisation at which serverless costs as much as `per_hour`: its cost never falls with the load.
    fn line(&self, per_hour: f64) -> Option<f64> {
        if self.serverless_per_hour(0.0) >= per_hour {
            return None;
        }
        if self.serverless_per_hour(1.0) < per_hour {
            return Some(1.0);
        }
        let (mut below, mut above) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(below, above);
            if self.serverless_per_hour(middle) < per_hour {
                below = middle;
            } else {
                above = middle;
            }
        }
        Some(below)
    }

    /// The plan as text; with what either costs a month where the CPU is at `mean`.
    pub fn text(&self, mean: Option<f64>) -> String {
        let mut text = format!(
            "{} or serverless, {} capacity units\n\n",
            self.machine.name, self.machine.capacity
        );
        let head = format!("{} a month", self.currency);
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:<24}{head:>14}   serverless costs less", "");
        for choice in self.choices() {
            let line = match choice.line {
                None => "never".to_owned(),
                Some(line) if line >= 1.0 => "always".to_owned(),
                Some(line) => format!("below {:.1} % of its CPU", line * 100.0),
            };
            let month = choice.per_hour * MONTH_H;
            let _ = writeln!(text, "{:<24}{month:>14.2}   {line}", choice.name);
        }
        let Some(mean) = mean else { return text };
        let month = self.serverless_per_hour(mean) * MONTH_H;
        let name = format!("serverless, at {:.1} %", mean * 100.0);
        let _ = writeln!(text, "{name:<24}{month:>14.2}");
        let peak = self.peak(mean);
        if peak > 1.0 {
            let percent = peak * 100.0;
            let _ = writeln!(
                text,
                "\nThe machine is too small: at the busiest time of the day it would be at {percent:.0} %."
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit costs 1, and is used whole.
    fn prices(day: &[f64], machine: &str, serverless: &str) -> Prices {
        file::read(&format!(
            "currency = 'USD'\nday = {day:?}\n[machine]\nname = 'db'\n{machine}\n\
             [serverless]\nper_unit_hour = 1\n{serverless}"
        ))
        .unwrap()
    }

    fn lines(prices: &Prices) -> Vec<Option<f64>> {
        prices.choices().into_iter().map(|choice| choice.line).collect()
    }

    fn is_near(seen: Option<f64>, expected: f64) -> bool {
        seen.is_some_and(|seen| (seen - expected).abs() < 1e-9)
    }

    #[test]
    fn an_even_day_has_its_lines_where_the_closed_form_says() {
        // 0.30 of the price of its units, 0.667 utilised; half and 0.35 of it reserved.
        let reserved = "reserved = [{ years = 1, ratio = 0.5 }, { years = 3, ratio = 0.35 }]";
        let machine = format!("capacity = 1\nper_hour = 0.3\n{reserved}");
        let prices = prices(&[1.0], &machine, "utilisation = 0.667");
        let lines = lines(&prices);
        assert!(is_near(lines[0], 0.3 * 0.667));
        assert!(is_near(lines[1], 0.3 * 0.667 * 0.5));
        assert!(is_near(lines[2], 0.3 * 0.667 * 0.35));
        let text = prices.text(None);
        for line in ["on demand", "reserved for 1 year ", "reserved for 3 years"] {
            assert!(text.contains(line), "{text}");
        }
        for percent in ["below 20.0 %", "below 10.0 %", "below 7.0 %"] {
            assert!(text.contains(percent), "{text}");
        }
    }

    #[test]
    fn the_least_of_the_night_is_paid_for() {
        let machine = "capacity = 8\nper_hour = 2.5";
        let prices = prices(&[2.0, 0.0], machine, "min = 1\nutilisation = 0.5");
        // By day 2 · 0.25 · 8 / 0.5 = 8 units, by night the one that is always there.
        assert!((prices.serverless_per_hour(0.25) - 4.5).abs() < 1e-9);
        assert!((prices.peak(0.25) - 0.5).abs() < 1e-9);
        // (32 m + 1) / 2 = 2.5 at m = 0.125; without the least 16 m = 2.5 at 0.15625.
        assert!(is_near(lines(&prices)[0], 0.125));
        let without = Serverless { min: 0.0, ..prices.serverless };
        assert!(is_near(lines(&Prices { serverless: without, ..prices.clone() })[0], 0.156_25));
        // A least that costs more than the machine leaves nothing to choose.
        let dear = Serverless { min: 3.0, ..prices.serverless };
        assert_eq!(lines(&Prices { serverless: dear, ..prices })[0], None);
    }

    #[test]
    fn an_operator_who_resizes_raises_the_line_and_turns_the_choice() {
        // 12 times 73 are a tenth per hour: 0.10 becomes 0.11.
        let machine = "capacity = 10\nper_hour = 1\nper_resize = 73";
        let plain = prices(&[1.0], machine, "utilisation = 1");
        let resized = Machine { resizes_per_year: 12.0, ..plain.machine.clone() };
        let resized = Prices { machine: resized, ..plain.clone() };
        assert!(is_near(lines(&plain)[0], 0.1));
        assert!(is_near(lines(&resized)[0], 0.11));
        let serverless = plain.serverless_per_hour(0.105);
        assert!(serverless > plain.choices()[0].per_hour);
        assert!(serverless < resized.choices()[0].per_hour);
    }

    #[test]
    fn a_machine_that_would_be_too_small_is_told_of() {
        let machine = "capacity = 10\nper_hour = 99";
        let prices = prices(&[3.0, 1.0], machine, "utilisation = 1");
        assert_eq!(lines(&prices)[0], Some(1.0), "however much is asked for");
        assert!(prices.text(None).contains("always"));
        assert!(prices.text(Some(0.8)).contains("it would be at 120 %"));
        assert!(!prices.text(Some(0.6)).contains("too small"));
    }
}

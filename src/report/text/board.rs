//! The screen that a person watches while a run lasts: calm, and within 80 columns and 24 lines.

use std::collections::VecDeque;

use domain::time::Time;

use super::clean;
use super::table::{Side, Table, columns, cut};
use crate::measure::recent::WINDOW_S;
use crate::measure::recorder::{Progress, ShopProgress};
use crate::report::figure;

/// How wide the screen is \[columns\]. A narrower terminal is shown a single line instead.
pub const BOARD_COLUMNS: usize = 80;
/// How high it is at most \[lines\].
pub const BOARD_LINES: usize = 24;

/// How many seconds a curve shows: as many as fit beside its figures.
const CURVE_S: usize = 40;
/// How many columns the bar of the time takes: all but the edges.
const BAR_COLUMNS: u64 = 78;
/// Eighths of a line, the lowest first.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What a person watches: the run's title, and the last seconds of its rates.
#[derive(Debug)]
pub struct Board {
    title: String,
    opens: Time,
    ends: Time,
    /// Requests per second at each tier, the latest last; `None` for a shop that does not say.
    seconds: VecDeque<(u64, Option<ShopProgress>)>,
}

impl Board {
    /// A board of a run whose first sale opens at `opens` and whose last closes at `ends`.
    pub const fn new(title: String, opens: Time, ends: Time) -> Self {
        Self { title, opens, ends, seconds: VecDeque::new() }
    }

    /// The lines of the screen, at most [`BOARD_LINES`] of at most [`BOARD_COLUMNS`]; another second
    /// of the curves begins with each call.
    pub fn lines(&mut self, progress: &Progress) -> Vec<String> {
        if self.seconds.len() == CURVE_S {
            self.seconds.pop_front();
        }
        self.seconds.push_back((progress.sent, progress.shop));
        let parts = [
            self.head(progress),
            self.rates(progress),
            operations(progress),
            people_and_pieces(progress),
        ];
        let mut lines = parts.join(&String::new());
        lines.truncate(BOARD_LINES);
        lines
    }

    /// The title, the time to the opening or since, and how far the run is.
    fn head(&self, progress: &Progress) -> Vec<String> {
        let moment = figure::moment(progress.at.seconds() - self.opens.seconds());
        let phase = match progress.at {
            early if early < self.opens => "opens at T+0 s",
            late if late >= self.ends => "closed, what is under way ends",
            _ => "open",
        };
        let right = format!("{moment}  {phase}");
        let room = BOARD_COLUMNS - 3 - columns(&right);
        let title = cut(&clean(&self.title), room);
        let gap = " ".repeat(room - columns(&title) + 1);
        let ends = self.ends.nanos().max(1);
        let done = progress.at.nanos().min(ends);
        let done = u128::from(done) * u128::from(BAR_COLUMNS) / u128::from(ends);
        let done = usize::try_from(done).unwrap_or_default();
        let rest = usize::try_from(BAR_COLUMNS).unwrap_or_default() - done;
        vec![format!(" {title}{gap}{right}"), format!(" {}{}", "━".repeat(done), "─".repeat(rest))]
    }

    /// Requests per second by tier, now, at most, and as a curve.
    fn rates(&self, progress: &Progress) -> Vec<String> {
        let line = |name: &str, of: &dyn Fn(u64, Option<ShopProgress>) -> u64| {
            let each: Vec<u64> = self.seconds.iter().map(|(sent, shop)| of(*sent, *shop)).collect();
            let now = each.last().copied().unwrap_or_default();
            let rate = format!("{}/s", figure::number(now));
            format!(" {name:<12}{rate:>12}  {}", curve(&each))
        };
        if progress.shop.is_none() {
            return vec![line("sent", &|sent, _| sent)];
        }
        let tier = |part: fn(ShopProgress) -> u64| {
            move |_: u64, shop: Option<ShopProgress>| shop.map(part).unwrap_or_default()
        };
        vec![
            line("edge", &tier(|shop| shop.edge)),
            line("origin", &tier(|shop| shop.origin)),
            line("payment", &tier(|shop| shop.payment)),
        ]
    }
}

/// Rates as eighths of the highest of them; nothing is a blank.
fn curve(rates: &[u64]) -> String {
    let highest = rates.iter().max().copied().unwrap_or_default();
    let eighth = |rate: u64| match (rate * 8).div_ceil(highest.max(1)) {
        0 => ' ',
        eighths => EIGHTHS[usize::try_from(eighths - 1).unwrap_or_default().min(7)],
    };
    let curve: String = rates.iter().copied().map(eighth).collect();
    curve.trim_end().to_owned()
}

/// How operations fared in the last seconds.
fn operations(progress: &Progress) -> Vec<String> {
    let title = format!("last {WINDOW_S} s");
    let figures = ["per s", "p50", "p95", "p99", "429", "failed"];
    let figures = figures.map(|figure| (figure, Side::Right));
    let mut table = Table::new(&[&[(&*title, Side::Left)][..], &figures].concat());
    for recent in &progress.recent {
        let time = |place: usize| match recent.times_ms {
            Some(times) => figure::milliseconds(times[place]),
            None => figure::NONE.to_owned(),
        };
        let word = recent.series.tag();
        let rate = figure::decimal(recent.per_s, usize::from(recent.per_s < 10.0));
        let shares = [recent.limited, recent.failed].map(figure::ratio);
        table.row(&[&[word, rate, time(0), time(1), time(2)][..], &shares].concat());
    }
    table.lines(" ")
}

/// What is left, who is there, and whether the generator keeps up.
fn people_and_pieces(progress: &Progress) -> Vec<String> {
    let fans = figure::number(progress.present);
    let bought = figure::number(progress.confirmed);
    let late = figure::milliseconds(progress.lateness_p99_ms);
    let (opened, failed) = (figure::number(progress.opened), figure::number(progress.unconnected));
    let mark = if progress.unconnected > 0 { "✗ " } else { "" };
    let stock = progress.shop.map(|shop| {
        let (left, sold) = (figure::signed(shop.free), figure::signed(shop.sold));
        format!(" stock       {left} left, {sold} sold")
    });
    let people = [
        format!(" fans        {fans} here, {bought} orders confirmed"),
        format!(" generator   {late} late (p99), {opened} connections, {mark}{failed} failed"),
    ];
    stock.into_iter().chain(people).collect()
}

#[cfg(test)]
mod tests {
    use domain::outcome::Operation;

    use super::*;
    use crate::measure::latency::Series;
    use crate::measure::recent::RecentSeries;

    fn at(second: u64, edge: u64) -> Progress {
        let shop = ShopProgress { edge, origin: edge / 6, payment: 45, free: 1_482, sold: 518 };
        let reload = RecentSeries {
            series: Series::Response(Operation::Reload),
            per_s: 8_301.4,
            limited: 0.0,
            failed: 0.000_4,
            times_ms: Some([1.2, 3.4, 81.0]),
        };
        let checkout = RecentSeries {
            series: Series::Response(Operation::Checkout),
            per_s: 4.2,
            limited: 0.62,
            failed: 0.0,
            times_ms: None,
        };
        Progress {
            at: Time::from_millis(second * 1_000),
            present: 13_402,
            sent: edge / 5,
            shop: Some(shop),
            lateness_p99_ms: 1.2,
            confirmed: 518,
            opened: 12_000,
            unconnected: 0,
            recent: vec![reload, checkout],
        }
    }

    fn board(title: &str) -> Board {
        Board::new(title.to_owned(), Time::from_millis(40_000), Time::from_millis(70_000))
    }

    #[test]
    fn a_watcher_sees_the_storm_the_answers_and_the_stock() {
        let mut board = board("Dome tour, day 1: merchandise opens at noon");
        for (second, edge) in [(38, 0), (39, 9_000), (40, 26_000), (41, 50_112)] {
            board.lines(&at(second, edge));
        }
        let lines = board.lines(&at(43, 49_812));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn it_fits_whatever_there_is_to_show() {
        let mut board = board(
            "東京ドーム公演一日目・物販は正午に始まります・全商品数量限定・売り切れ御免・整理券は不要です",
        );
        for second in 0..200 {
            let mut progress = at(second, 999_999_999);
            let one = progress.recent[0].clone();
            let all = Operation::ALL.map(Series::Response).into_iter().chain([Series::Call]);
            progress.recent = all.map(|series| RecentSeries { series, ..one.clone() }).collect();
            let lines = board.lines(&progress);
            assert!(lines.len() <= BOARD_LINES, "{}", lines.join("\n"));
            for line in lines {
                assert!(columns(&line) < BOARD_COLUMNS, "{line}");
            }
        }
    }

    #[test]
    fn a_shop_that_does_not_say_is_shown_no_stock_and_no_tiers() {
        let mut progress = at(20, 600);
        progress.shop = None;
        let text = board("own").lines(&progress).join("\n");
        assert!(text.contains("opens at T+0 s"), "{text}");
        assert!(
            text.contains("sent") && !text.contains("stock") && !text.contains("edge"),
            "{text}"
        );
    }
}

//! The line that tells someone who watches how far the run is.

use domain::time::Time;

use crate::measure::recorder::Progress;
use crate::report::figure;

/// One second of a run as one line, relative to the opening at `opens`.
///
/// Figures stand in columns wide enough for 99,999/s, so that lines under each other can be
/// compared. Connections are told of from the first that failed on.
pub fn progress_line(progress: &Progress, opens: Time) -> String {
    let from_opening_s = progress.at.seconds() - opens.seconds();
    let shop = match &progress.shop {
        Some(shop) => format!(
            "edge {:>6}/s  origin {:>6}/s  payment {:>4}/s  {:>6} left",
            figure::number(shop.edge),
            figure::number(shop.origin),
            figure::number(shop.payment),
            figure::signed(shop.free),
        ),
        // What a foreign shop does not say is not shown as nothing.
        None => format!(
            "sent {:>6}/s  {:>6} bought",
            figure::number(progress.sent),
            figure::number(progress.confirmed)
        ),
    };
    let line = format!(
        "{:>7}  {shop}  {:>6} fans  late p99 {}",
        figure::moment(from_opening_s),
        figure::number(progress.present),
        figure::milliseconds(progress.lateness_p99_ms),
    );
    if progress.unconnected == 0 {
        return line;
    }
    let (opened, failed) = (figure::number(progress.opened), figure::number(progress.unconnected));
    format!("{line}  ✗ {failed} connections failed, {opened} opened")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::recorder::ShopProgress;

    #[test]
    fn a_watcher_sees_the_storm_come_and_the_stock_go() {
        let opens = Time::from_millis(40_000);
        let none = ShopProgress::default();
        let before = Progress {
            at: Time::from_millis(28_000),
            present: 13_402,
            shop: Some(ShopProgress { edge: 9_812, origin: 1_630, free: 2_000, ..none }),
            lateness_p99_ms: 1.2,
            ..Progress::default()
        };
        let after = Progress {
            at: Time::from_millis(43_000),
            present: 70_000,
            shop: Some(ShopProgress { edge: 49_812, origin: 8_305, payment: 45, free: -3, ..none }),
            lateness_p99_ms: 14.0,
            ..Progress::default()
        };

        let lines = [progress_line(&before, opens), progress_line(&after, opens)].join("\n");

        insta::assert_snapshot!(lines, @r"
        T−12 s  edge  9,812/s  origin  1,630/s  payment    0/s   2,000 left  13,402 fans  late p99 1.20 ms
         T+3 s  edge 49,812/s  origin  8,305/s  payment   45/s      −3 left  70,000 fans  late p99 14.0 ms
        ");
        assert!(lines.lines().all(|line| line.chars().count() <= 100));

        let failing = Progress { opened: 12_000, unconnected: 184, ..after };
        let line = progress_line(&failing, opens);
        assert!(line.ends_with("late p99 14.0 ms  ✗ 184 connections failed, 12,000 opened"));
    }

    #[test]
    fn of_a_shop_that_says_nothing_no_zeros_are_shown() {
        let progress = Progress { sent: 28, present: 40, confirmed: 3, ..Progress::default() };
        insta::assert_snapshot!(
            progress_line(&progress, Time::ZERO),
            @"  T+0 s  sent     28/s       3 bought      40 fans  late p99 0 ms"
        );
    }
}

//! How a sale went, in words.

use super::figure;
use crate::measure::{LotterySummary, SaleSummary};

/// How a sale went, as a clause: "open for 30.0 s, sold out after 12.3 s".
pub(super) fn course(sale: &SaleSummary) -> String {
    match &sale.lottery {
        Some(lottery) => format!("{}; {}", course_of_stock(sale), course_of_lottery(lottery)),
        None => course_of_stock(sale),
    }
}

fn course_of_lottery(lottery: &LotterySummary) -> String {
    let LotterySummary { entries, winners, paid, released, redrawn } = *lottery;
    let [entries, winners, paid, released, redrawn] =
        [entries, winners, paid, released, redrawn].map(figure::number);
    format!(
        "a lottery of {entries} entries: {winners} won ({redrawn} of them drawn again), {paid} paid, \
         {released} unpaid and released"
    )
}

fn course_of_stock(sale: &SaleSummary) -> String {
    let lasted = figure::seconds(sale.closes_s - sale.opens_s);
    match (sale.sold_out_s, sale.sold_out) {
        (Some(at_s), _) if at_s < sale.opens_s => {
            let before = figure::seconds(sale.opens_s - at_s);
            format!("open for {lasted}, sold out {before} before its opening")
        }
        (Some(at_s), _) => {
            let after = figure::seconds(at_s - sale.opens_s);
            format!("open for {lasted}, sold out after {after}")
        }
        (None, Some(true)) => format!("open for {lasted}, sold out"),
        (None, Some(false)) => format!("open for {lasted}, not sold out"),
        (None, None) => format!("open for {lasted}; nobody says whether it sold out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lottery_is_told_in_fans() {
        let lottery =
            LotterySummary { entries: 1_957, winners: 358, paid: 275, released: 75, redrawn: 58 };
        let sale = SaleSummary {
            opens_s: 4.0,
            closes_s: 34.0,
            sold_out_s: None,
            sold_out: Some(false),
            items: std::collections::BTreeMap::new(),
            slots: std::collections::BTreeMap::new(),
            lottery: Some(lottery),
        };
        assert_eq!(
            course(&sale),
            "open for 30.0 s, not sold out; a lottery of 1,957 entries: 358 won (58 of them drawn again), \
             275 paid, 75 unpaid and released"
        );
    }
}

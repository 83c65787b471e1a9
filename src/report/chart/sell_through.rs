//! How the stock went: sold and free pieces of each item as a share of its stock, over time.

use super::moments::TimeAxis;
use super::panel::{Frame, Panel, Tick};
use super::reading::Unit;
use super::sheet::{Caption, Ink, drawing};
use crate::measure::{Measured, Second};
use crate::report::figure;
use crate::verdict::Summary;

/// Where the upper panel stands if there are no labels above it.
const FRAME: Frame = Frame { left: 68, top: 0, right: 744, bottom: 160 };

/// How many items get a line of their own; the smaller ones are one line together.
const ITEMS_MAX: usize = 7;
/// How much higher than the data a panel is, so that no line lies on its edge.
const HEADROOM: f64 = 1.03;
/// What is shown before the opening and after the closing \[s\].
const MARGIN_S: f64 = 3.0;

/// Sold and free pieces per item over time as a share of the stock, as SVG.
pub fn sell_through(summary: &Summary) -> String {
    let measured = &summary.result.measured;
    let lots = lots(measured);
    let caption = Caption {
        name: "sell-through".to_owned(),
        title: "How the stock went".to_owned(),
        description: description(&lots, measured),
    };
    // An empty frame would look like none sold.
    let Some(axis) = axis(measured).filter(|_| is_told(&lots)) else {
        return super::nothing(&caption);
    };
    let labels = axis.labels_height(FRAME);
    let upper = moved(FRAME, labels + 28);
    let lower = moved(upper, FRAME.bottom + 38);
    let height = (lower.bottom + 44).unsigned_abs();
    drawing(&caption, (960, height), |sheet| {
        let greatest = lots.iter().flat_map(|lot| &lot.sold).map(|point| point.1);
        let greatest = greatest.fold(1.0, f64::max) * HEADROOM;
        let sold = Panel::new(sheet, upper, axis.range, (0.0, greatest));
        share(&sold, &axis, &lots, |lot| &lot.sold);
        sold.name(
            "sold",
            "share of each item's stock in paid orders; above 100 % it is oversold",
            labels,
        );
        let least = lots.iter().flat_map(|lot| &lot.free).map(|point| point.1).fold(0.0, f64::min);
        let free = Panel::new(sheet, lower, axis.range, (least, HEADROOM));
        share(&free, &axis, &lots, |lot| &lot.free);
        free.name("free", "neither sold nor reserved", 0);
        free.names_below(&axis.ticks(), axis.title);
        axis.labels(sheet, upper);
    })
}

/// Whether anybody said in the course of the run how the stock went: a foreign shop does not.
pub fn tells_stock(measured: &Measured) -> bool {
    let stocked = measured.sales.values().flat_map(|sale| &sale.items);
    let stocked: Vec<&String> =
        stocked.filter(|(_, item)| item.stock > 0).map(|(id, _)| id).collect();
    let tells = |second: &Second| {
        stocked.iter().any(|id| second.sold.contains_key(*id) || second.free.contains_key(*id))
    };
    measured.timeline.iter().any(tells)
}

fn is_told(lots: &[Lot]) -> bool {
    lots.iter().any(|lot| !lot.sold.is_empty() || !lot.free.is_empty())
}

fn moved(frame: Frame, down: i32) -> Frame {
    Frame { top: frame.top + down, bottom: frame.bottom + down, ..frame }
}

/// One item, or several small ones together.
struct Lot {
    name: String,
    sold: Vec<(f64, f64)>,
    free: Vec<(f64, f64)>,
}

/// From shortly before the first opening to shortly after the last closing.
fn axis(measured: &Measured) -> Option<TimeAxis> {
    let (first, last) = (measured.timeline.first()?, measured.timeline.last()?);
    let opens_s = measured.sales.values().map(|sale| sale.opens_s).reduce(f64::min)?;
    let closes_s = measured.sales.values().map(|sale| sale.closes_s).reduce(f64::max)?;
    let from_s = (opens_s - MARGIN_S).max(first.at_s);
    let to_s = (closes_s + MARGIN_S).min(last.at_s + 1.0);
    Some(TimeAxis::new(measured, from_s, to_s))
}

fn share(
    panel: &Panel<'_, '_>,
    axis: &TimeAxis,
    lots: &[Lot],
    read: impl Fn(&Lot) -> &Vec<(f64, f64)>,
) {
    axis.ground(panel);
    let quarters: Vec<Tick> = [0, 25, 50, 75, 100]
        .map(|percent| (f64::from(percent) / 100.0, format!("{percent} %")))
        .to_vec();
    panel.horizontal_grid(&quarters);
    axis.marks(panel);
    let within = |lot: &Lot| -> Vec<(f64, f64)> {
        let from_origin = read(lot).iter().map(|(at_s, share)| (at_s - axis.origin_s, *share));
        from_origin.filter(|(at_s, _)| (axis.range.0..=axis.range.1).contains(at_s)).collect()
    };
    let lines: Vec<Vec<(f64, f64)>> = lots.iter().map(within).collect();
    let mut names = Vec::with_capacity(lots.len());
    for (place, (lot, line)) in lots.iter().zip(&lines).enumerate() {
        panel.line(line, Ink::Line(place));
        if let Some((at_s, last)) = line.last() {
            let name = format!("{}, {}", lot.name, figure::ratio(*last));
            names.push((name, Ink::Line(place), panel.place(*at_s, *last)));
        }
    }
    panel.names_beside(&names);
    let told = lots.iter().zip(&lines).map(|(lot, line)| (&*lot.name, Unit::Share, &line[..]));
    panel.reads(axis.counts, &told.collect::<Vec<_>>());
}

/// The items with the most stock one by one, then all others together.
fn lots(measured: &Measured) -> Vec<Lot> {
    let mut items: Vec<(&str, u64)> = measured
        .sales
        .values()
        .flat_map(|sale| &sale.items)
        .map(|(id, item)| (id.as_str(), item.stock))
        .filter(|(_, stock)| *stock > 0)
        .collect();
    items.sort_by(|(left, many), (right, few)| few.cmp(many).then(left.cmp(right)));
    let alone = if items.len() > ITEMS_MAX + 1 { ITEMS_MAX } else { items.len() };
    let (large, small) = items.split_at(alone);
    let mut lots: Vec<Lot> =
        large.iter().map(|item| lot((*item.0).to_owned(), &[*item], &measured.timeline)).collect();
    if !small.is_empty() {
        let name = format!("{} other items", small.len());
        lots.push(lot(name, small, &measured.timeline));
    }
    lots
}

fn lot(name: String, items: &[(&str, u64)], timeline: &[Second]) -> Lot {
    let stock: u64 = items.iter().map(|(_, stock)| stock).sum();
    let shares = |read: fn(&Second, &str) -> Option<i64>| -> Vec<(f64, f64)> {
        let known = timeline.iter().filter_map(|second| {
            let pieces: Vec<i64> = items.iter().filter_map(|(id, _)| read(second, id)).collect();
            let sum: i64 = pieces.iter().sum();
            // What is said of a second is said of its end.
            (!pieces.is_empty()).then(|| (second.at_s + 1.0, sum as f64 / stock as f64))
        });
        known.collect()
    };
    Lot {
        name,
        sold: shares(|second, id| second.sold.get(id).copied()),
        free: shares(|second, id| second.free.get(id).copied()),
    }
}

fn description(lots: &[Lot], measured: &Measured) -> String {
    let mut sentences: Vec<String> = lots
        .iter()
        .filter_map(|lot| {
            let (_, share) = lot.sold.last()?;
            Some(format!("{}: {} sold at the end.", lot.name, figure::ratio(*share)))
        })
        .collect();
    for (id, sale) in &measured.sales {
        if let Some(at_s) = sale.sold_out_s {
            let after = figure::seconds(at_s - sale.opens_s);
            sentences.push(format!("{id} is sold out {after} after its opening."));
        }
    }
    sentences.join(" ")
}

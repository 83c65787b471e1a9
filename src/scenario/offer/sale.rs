//! What each sale can sell in its window.

use domain::id::ItemId;
use domain::shop::Sale;

use crate::scenario::offer::lots::{self, LotteryOffer};
use crate::scenario::offer::{expected, payment, reach, whole};
use crate::scenario::{Population, Scenario};

/// What a sale can sell.
#[derive(Clone, Debug, PartialEq)]
pub struct SaleOffer {
    /// The sale's name.
    pub id: String,
    /// Pieces of all items; absent where the ledger of a foreign shop says, for one of them at
    /// least.
    pub stock: Option<u64>,
    /// Pieces that are expected to be wanted by those who do not turn away.
    pub wanted: f64,
    /// Pieces that the slots have places for; absent: no slots.
    pub places: Option<f64>,
    /// Pieces that can be paid in the window: ⌊a · window⌋ × mean pieces; absent: no bound.
    pub payable: Option<f64>,
    /// The mean pieces of an order.
    pub mean_pieces: f64,
    /// Pieces that can be sold: the least of these.
    pub sellable: u64,
    /// Which of them it is.
    pub bound: Bound,
    /// Who enters its lottery and comes back, where it has one.
    pub lottery: Option<LotteryOffer>,
}

/// What bounds a sale.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The stock of the items that are wanted.
    Stock,
    /// What is wanted.
    Wanted,
    /// The places in the slots.
    Slots,
    /// What the payment admits in the window.
    Payment,
}

/// What each sale can sell, in the catalogue's order: the least of stock, pieces wanted, places in
/// the slots and ⌊a · window⌋ × mean pieces, where a is the orders per second that can be paid.
/// Sales that are open at once share a in proportion to what else bounds them, but where the shop admits
/// so many of each.
pub fn sellable(scenario: &Scenario) -> Vec<SaleOffer> {
    let sales = &scenario.catalogue.sales;
    let wants: Vec<Want> = (0..sales.len()).map(|sale| want(scenario, sale)).collect();
    let admitted = payment(scenario).admitted();
    let each = sales.iter().zip(&wants);
    each.map(|(sale, want)| {
        let open_at_once = sales.iter().zip(&wants).filter(|(other, _)| overlap(sale, other));
        let together: f64 = open_at_once.map(|(_, want)| want.base).sum();
        let share = if together > 0.0 { want.base / together } else { 1.0 };
        let number = sales.iter().position(|other| other.id == sale.id).unwrap_or_default();
        let stock = stated(scenario, number).into_iter().map(|stock| stock.map(u64::from)).sum();
        let offer = one(sale, stock, want, admitted.of_a_sale(share));
        SaleOffer { lottery: lots::lottery(scenario, number), ..offer }
    })
    .collect()
}

/// What the people of one sale want.
struct Want {
    /// Pieces wanted.
    pieces: f64,
    /// Pieces of an order in the mean.
    mean_pieces: f64,
    /// Over the items, the lesser of stock and pieces wanted.
    base: f64,
}

fn want(scenario: &Scenario, sale: usize) -> Want {
    let mut orders = 0.0;
    let people: Vec<_> = scenario.populations.iter().filter(|people| people.sale == sale).collect();
    let items = &scenario.catalogue.sales[sale].items;
    let mut by_item = vec![0.0; items.len()];
    for people in people {
        let buyers = expected(people, people.crowd.closes) * reach(people);
        orders += buyers;
        let total: f64 = people.crowd.demand.iter().sum();
        for (pieces, weight) in by_item.iter_mut().zip(&people.crowd.demand) {
            *pieces += buyers * mean_pieces(people) * weight / total;
        }
    }
    let pieces: f64 = by_item.iter().sum();
    let least = |(pieces, stock): (&f64, Option<u32>)| {
        stock.map_or(*pieces, |stock| pieces.min(f64::from(stock)))
    };
    Want {
        pieces,
        mean_pieces: if orders > 0.0 { pieces / orders } else { 1.0 },
        base: by_item.iter().zip(stated(scenario, sale)).map(least).sum(),
    }
}

/// How many pieces one order of a population has in the mean, at most what one fan may buy.
pub(super) fn mean_pieces(people: &Population) -> f64 {
    let limit = f64::from(people.crowd.limit_per_fan.max(1));
    let weights = &people.crowd.behaviour.pieces;
    let total: f64 = weights.iter().sum();
    let pieces = (1_u32..).map(f64::from).zip(weights);
    pieces.map(|(pieces, weight)| pieces.min(limit) * weight / total).sum()
}

fn overlap(one: &Sale, other: &Sale) -> bool {
    one.opens < other.closes && other.opens < one.closes || one.id == other.id
}

/// The stock of each item of a sale, where the scenario states it.
fn stated(scenario: &Scenario, sale: usize) -> Vec<Option<u32>> {
    let first = scenario.catalogue.first_item(sale).0;
    let items = (first..).zip(&scenario.catalogue.sales[sale].items);
    let is_stated = |number: u16| {
        scenario.target.as_ref().is_none_or(|target| !target.unstated.contains(&ItemId(number)))
    };
    items.map(|(number, item)| is_stated(number).then_some(item.stock)).collect()
}

fn one(sale: &Sale, stock: Option<u64>, want: &Want, admitted_per_s: Option<f64>) -> SaleOffer {
    let slots: u64 = sale.slots.iter().map(|slot| u64::from(slot.capacity)).sum();
    let window_s = sale.closes.since(sale.opens).as_secs_f64();
    let places = (!sale.slots.is_empty()).then_some(slots as f64 * want.mean_pieces);
    let payable = admitted_per_s.map(|per_s| (per_s * window_s).floor() * want.mean_pieces);
    let by_stock = want.base < want.pieces;
    let mut least = (want.base, if by_stock { Bound::Stock } else { Bound::Wanted });
    for (pieces, bound) in [(places, Bound::Slots), (payable, Bound::Payment)] {
        if let Some(pieces) = pieces.filter(|pieces| *pieces < least.0) {
            least = (pieces, bound);
        }
    }
    SaleOffer {
        id: sale.id.clone(),
        stock,
        wanted: want.pieces,
        places,
        payable,
        mean_pieces: want.mean_pieces,
        sellable: whole(least.0 + 0.5),
        bound: least.1,
        lottery: None,
    }
}

//! Whether pages speak of an availability that is no older than they may be.

use domain::id::FanId;
use domain::shop::Sale;
use domain::time::{Duration, Time};

use crate::audit::books::Books;
use crate::audit::course::Course;
use crate::audit::finding::{Found, Story, Unit, Who, WitnessEvent};
use crate::audit::history::{self, Bound, History};
use crate::audit::story;
use crate::evidence::rows::PurchaseRow;

/// The first page on which a fan saw something gone, and the first on which it was back, held
/// against what was free: what it says must have been so at some moment since the edge's time to
/// live, and a grace, before it was asked for.
pub(super) fn stale(books: &Books<'_>) -> Found {
    if books.ledgers.is_some() {
        return Found::not_applicable("a foreign shop does not say what was free when");
    }
    match history::history(books) {
        History::Told => {}
        History::ByOrders => return Found::held(),
        History::Forgotten(why) => return Found::not_checked(why.to_owned()),
        History::Unknown(why) => return Found::not_applicable(why),
    }
    if !books.evidence.has_shop() {
        return Found::held();
    }
    let [least, most] = [Bound::Least, Bound::Most].map(|bound| history::free(books, bound));
    let allowed = books.asked.budgets.stale;
    let age = books.facts.edge_ttl.saturating_add(allowed.grace.0);
    let error = books.clocks.shop.error();
    let mut pages = 0_u64;
    let (mut old, mut first) = (0_u64, None);
    for row in books.evidence.purchases() {
        let PurchaseRow::Seen { fan, sent, at, items, .. } = row else { continue };
        let Some(sale) = sale_of(books, &items) else { continue };
        pages += 1;
        let page = |item| Page { fan, sent, at, item, shows_it: items.contains(&item) };
        let mut claims = sale.items.iter().map(|item| page(item.id.as_str()));
        if let Some(page) = claims.find(|page| {
            let free = if page.shows_it { &most } else { &least };
            let free = free.get(page.item);
            free.is_some_and(|free| page.is_older_than(age, error, free))
        }) {
            old += 1;
            first.get_or_insert(page);
        }
    }
    let share = if pages == 0 { 0.0 } else { old as f64 / pages as f64 };
    let count = if share > allowed.share { old } else { 0 };
    let found = Found::count(count, "pages that spoke of what had long changed", || {
        first.map_or_else(Story::default, |page| page.told(age))
    });
    if pages == 0 {
        return found;
    }
    found.with((share, Unit::Share), "of the pages with news were stale", Some(allowed.share))
}

/// The sale that a page is of; where all is gone it cannot be told from the page, unless there is
/// only one.
fn sale_of<'a>(books: &Books<'a>, items: &[&str]) -> Option<&'a Sale> {
    match books.evidence.catalogue.sales.as_slice() {
        [only] => Some(only),
        sales => sales.iter().find(|sale| {
            let is_of = |item: &&str| sale.items.iter().any(|known| known.id == *item);
            items.first().is_some_and(is_of)
        }),
    }
}

/// What a page says of one item.
struct Page<'a> {
    fan: FanId,
    sent: Time,
    at: Time,
    item: &'a str,
    /// Whether it shows it as available.
    shows_it: bool,
}

impl Page<'_> {
    /// Whether it was otherwise ever since so long before the page was asked for: `free` is how much there
    /// was at the most if the page shows the item, and else at the least.
    fn is_older_than(&self, age: Duration, error: Duration, free: &Course) -> bool {
        let from = self.sent.before(age).before(error);
        let until = self.at + error;
        let free = free.within(from, until);
        if self.shows_it { free <= 0 } else { free > 0 }
    }

    fn told(&self, age: Duration) -> Story {
        let Self { fan, sent, at, item, .. } = self;
        let (said, truth) = if self.shows_it {
            ("is there", "none was free")
        } else {
            ("is gone", "some were free")
        };
        let from = sent.before(age);
        let asked = format!("fan {fan} asked for a page");
        let told = format!("fan {fan} was told that {item} {said}");
        let truth = format!("{truth} of {item} all the time from {from} to {at}");
        Story {
            lines: vec![story::line(*sent, &asked), story::line(*at, &told), truth.clone()],
            events: vec![
                WitnessEvent::new(from, Who::Shop, &truth),
                WitnessEvent::new(*sent, Who::Fan, &asked),
                WitnessEvent::new(*at, Who::Fan, &told),
            ],
        }
    }
}

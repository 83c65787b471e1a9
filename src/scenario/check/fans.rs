//! `[[fans]]`: who comes, how many, and how they behave.

use domain::law::Law;
use domain::time::Time;

use crate::fan::Crowd;
use crate::fan::behaviour::{Behaviour, Reload, Retry, SoldOut};
use crate::fan::route::Route;
use crate::scenario::Population;
use crate::scenario::check::arrive::{self, Usable};
use crate::scenario::check::sale::MeantSale;
use crate::scenario::check::target::Foreign;
use crate::scenario::check::{
    COUNT_MAX, Checker, Seen, Setting, TABLES_MAX, stands_without_a_sale,
};
use crate::scenario::place::Place;
use crate::scenario::problem::{did_you_mean, listed};
use crate::scenario::written::{FansTable, File};

/// The most requests of one reload; none means that nobody reloads.
const CALLS_MAX: u32 = 1_000;
/// The most pieces one fan may want: a quantity travels as 8 bits.
const PIECES_MAX: usize = 64;
/// The widest lognormal: at sigma 5 the mean is 268,000 times the median, which is no law of
/// waiting any more but a slip of the pen.
const SIGMA_MAX: f64 = 5.0;
/// The most retries of one operation.
const ATTEMPTS_MAX: u32 = 10_000;

/// What the populations of a scenario hang on.
#[derive(Copy, Clone)]
pub(super) struct Around<'a> {
    /// What they come for.
    pub(super) sales: &'a [MeantSale],
    /// Where they come to, if it is a shop of your own.
    pub(super) foreign: Option<&'a Foreign>,
    /// When and where the scenario is read.
    pub(super) setting: Setting<'a>,
}

/// All populations of `file`.
pub(super) fn populations(
    checker: &mut Checker,
    file: &File,
    root: Place<'_>,
    seed: u64,
    around: Around<'_>,
) -> Vec<Population> {
    let Around { sales, setting, .. } = around;
    if file.fans.is_empty() && !stands_without_a_sale(root) {
        checker.required_list(0, root, "the scenario", "fans");
    }
    if file.fans.len() > TABLES_MAX {
        checker.wrong(root.key("fans"), format!("a scenario has at most {TABLES_MAX} populations"));
    }
    let place = root.key("fans");
    let mut names = Seen::default();
    let mut populations = Vec::new();
    for (number, table) in (0_u16..).zip(&file.fans) {
        let here = place.index(usize::from(number));
        let sale = which_sale(checker, table, here, sales);
        let mut population =
            population(checker, table, here, &mut names, (sales.get(sale), around.foreign));
        population.sale = sale;
        population.crowd.seed = seed;
        population.crowd.population = number;
        arrivals(checker, &mut population, sales.get(sale), here, setting);
        populations.push(population);
    }
    populations
}

/// Checks how `population` arrives, at the sale it comes for.
fn arrivals(
    checker: &mut Checker,
    population: &mut Population,
    sale: Option<&MeantSale>,
    fans: Place<'_>,
    setting: Setting<'_>,
) {
    if !fans.has("arrive") {
        return;
    }
    let place = fans.key("arrive");
    let (usable, trace) = arrive::check(checker, &population.arrive, place, setting.surroundings);
    population.trace = trace;
    let usable = if population.count == 0 { Usable::No } else { usable };
    if let (Usable::Yes, Some(opening)) = (usable, sale.and_then(|sale| sale.opening)) {
        arrive::not_before_the_run(checker, population, opening, setting, fans);
    }
}

/// The place of the population's sale: the one it names, or the only one.
fn which_sale(
    checker: &mut Checker,
    table: &FansTable,
    place: Place<'_>,
    sales: &[MeantSale],
) -> usize {
    let known: Vec<&str> = sales.iter().map(|sale| sale.sale.id.as_str()).collect();
    let Some(name) = &table.sale else {
        if sales.len() > 1 && !place.struck("sale") {
            checker
                .wrong(place, "missing key `sale` in `[[fans]]`")
                .advise(format!("say which of the sales they come for: {}", listed(&known)));
        }
        return 0;
    };
    known.iter().position(|id| id == name).unwrap_or_else(|| {
        if !known.is_empty() {
            let problem = checker.wrong(place.key("sale"), format!("there is no sale `{name}`"));
            problem.advise(did_you_mean(name, &known));
        }
        0
    })
}

fn population(
    checker: &mut Checker,
    table: &FansTable,
    place: Place<'_>,
    seen: &mut Seen,
    (sale, foreign): (Option<&MeantSale>, Option<&Foreign>),
) -> Population {
    let name = checker.required(table.name.as_ref(), place, "`[[fans]]`", "name");
    checker.identifier(&name, "population", seen, place, "name");
    let count = checker.required(table.count.as_ref(), place, "`[[fans]]`", "count");
    if place.has("count") {
        checker.count(count, (1, COUNT_MAX), place, "count");
    }
    let arrive = checker.required(table.arrive.as_ref(), place, "`[[fans]]`", "arrive");
    let mut behaviour = behaviour(table);
    if let Some(foreign) = foreign {
        let written = place.key("reload");
        behaviour.reload = foreign.reload(checker, &behaviour.reload, written);
        if table.login.is_some() {
            let message = "`login` is about the embedded shop: at your own, people take its steps";
            let problem = checker.wrong(place.key("login"), message);
            problem.advise("write a `[[step]]` with `as = \"login\"` and a `probability`");
        }
    }
    check_behaviour(checker, &behaviour, place);
    winner(checker, table, sale, place);
    let slots = sale.map_or(0, |sale| u8::try_from(sale.sale.slots.len()).unwrap_or(u8::MAX));
    Population {
        name,
        sale: 0,
        count,
        arrive,
        trace: None,
        fidelity: table.fidelity.unwrap_or_default(),
        crowd: Crowd {
            seed: 0,
            population: 0,
            route: match foreign {
                Some(foreign) => foreign.route(&behaviour.reload),
                None => route(table, sale, &behaviour, slots),
            },
            behaviour,
            opens: Time::ZERO,
            closes: Time::ZERO,
            demand: sale.map(|sale| sale.demand.clone()).unwrap_or_default(),
            slots,
            limit_per_fan: sale.map_or(u32::MAX, |sale| sale.sale.limit_per_fan),
        },
    }
}

/// The way through the embedded shop, by lot where the sale has a lottery.
fn route(table: &FansTable, sale: Option<&MeantSale>, behaviour: &Behaviour, slots: u8) -> Route {
    let lottery = sale.and_then(|sale| sale.sale.lottery);
    let route = match lottery {
        Some(lottery) => {
            let winner = table.winner.clone().unwrap_or_default();
            Route::by_lot(&behaviour.reload, lottery.results.0, &winner)
        }
        None => Route::embedded(&behaviour.reload, slots),
    };
    route.signing_in(behaviour.login)
}

/// What winners do is written only where there are any.
fn winner(checker: &mut Checker, table: &FansTable, sale: Option<&MeantSale>, place: Place<'_>) {
    let Some(winner) = &table.winner else { return };
    let here = place.key("winner");
    if sale.is_some_and(|sale| sale.sale.lottery.is_none()) {
        checker
            .wrong(here, "`winner` is about those who have won, and their sale has no lottery")
            .advise("write `lottery` in the `[[sale]]`, or leave `winner` out");
    }
    checker.chance(winner.pays, here, "pays");
    if let Some(after) = winner.after {
        law(checker, after, here, "after");
    }
}

/// The keys that are written, and for the others what people do by default.
fn behaviour(table: &FansTable) -> Behaviour {
    let usual = Behaviour::default();
    Behaviour {
        reload: table.reload.clone().unwrap_or(usual.reload),
        patience: table.patience.unwrap_or(usual.patience),
        think: table.think.unwrap_or(usual.think),
        login: table.login.unwrap_or(usual.login),
        abandon: table.abandon.unwrap_or(usual.abandon),
        pieces: table.pieces.clone().unwrap_or(usual.pieces),
        retry: table.retry.clone().unwrap_or(usual.retry),
        sold_out: table.sold_out.clone().unwrap_or(usual.sold_out),
        other_card: table.other_card.unwrap_or(usual.other_card),
        timeout: table.timeout.unwrap_or(usual.timeout),
    }
}

fn check_behaviour(checker: &mut Checker, behaviour: &Behaviour, place: Place<'_>) {
    reload(checker, &behaviour.reload, place.key("reload"));
    law(checker, behaviour.patience, place, "patience");
    law(checker, behaviour.think, place, "think");
    checker.chance(behaviour.login, place, "login");
    checker.chance(behaviour.abandon, place, "abandon");
    pieces(checker, &behaviour.pieces, place);
    retry(checker, &behaviour.retry, place.key("retry"));
    sold_out(checker, &behaviour.sold_out, place.key("sold_out"));
    checker.chance(behaviour.other_card, place, "other_card");
    checker.lasting(behaviour.timeout.0, place, "timeout");
}

/// A law's lognormal is no wider than [`SIGMA_MAX`].
pub(super) fn law(checker: &mut Checker, law: Law, place: Place<'_>, key: &str) {
    if let Law::Lognormal { sigma, .. } = law
        && sigma > SIGMA_MAX
    {
        checker
            .wrong(place.key(key).key("sigma"), format!("`sigma` is {sigma}"))
            .mark(format!("must be from 0 to {SIGMA_MAX}"));
    }
}

fn reload(checker: &mut Checker, reload: &Reload, place: Place<'_>) {
    law(checker, reload.gap, place, "gap");
    // A gap of nothing would make one fan send for ever in one instant.
    checker.lasting(reload.gap.mean(), place, "gap");
    if !(reload.growth.is_finite() && reload.growth >= 0.0) {
        checker
            .wrong(place.key("growth"), format!("`growth` is {}", reload.growth))
            .mark("must be 0 or more");
    }
    checker.count(u32::from(reload.calls), (0, CALLS_MAX), place, "calls");
    if reload.calls > 0 && reload.cacheable >= reload.calls {
        let (calls, cacheable) = (reload.calls, reload.cacheable);
        let here = if place.has("cacheable") { place.key("cacheable") } else { place.key("calls") };
        checker
            .wrong(here, format!("`cacheable` is {cacheable} of {calls} `calls`"))
            .mark("must be fewer: one call asks whether the sale is open");
    }
}

fn pieces(checker: &mut Checker, weights: &[f64], place: Place<'_>) {
    let here = place.key("pieces");
    if here.lacks_elements() {
        return;
    }
    if weights.is_empty() || weights.len() > PIECES_MAX {
        checker
            .wrong(here, format!("`pieces` has {} weights", weights.len()))
            .mark(format!("must have 1 to {PIECES_MAX}: of one piece, of two, …"));
    }
    for (index, weight) in weights.iter().enumerate() {
        if !(weight.is_finite() && *weight >= 0.0) {
            checker
                .wrong(here.index(index), format!("a weight of `pieces` is {weight}"))
                .mark("must be 0 or more");
        }
    }
    if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        checker
            .wrong(here, "all weights of `pieces` are 0")
            .mark("nobody wants any number of pieces");
    }
}

/// What a refusal leads to.
pub(super) fn retry(checker: &mut Checker, retry: &Retry, place: Place<'_>) {
    checker.count(u32::from(retry.attempts), (0, ATTEMPTS_MAX), place, "attempts");
    if retry.cap < retry.base {
        checker
            .wrong(
                place.key(if place.has("cap") { "cap" } else { "base" }),
                format!(
                    "the longest wait `cap` ({}) is shorter than the first, `base` ({})",
                    retry.cap, retry.base
                ),
            )
            .mark("`cap` must be at least `base`");
    }
    if !(retry.factor.is_finite() && retry.factor >= 1.0) {
        checker
            .wrong(place.key("factor"), format!("`factor` is {}", retry.factor))
            .mark("must be 1 or more");
    }
    checker.chance(retry.jitter, place, "jitter");
    checker.chance(retry.give_up, place, "give_up");
}

fn sold_out(checker: &mut Checker, sold_out: &SoldOut, place: Place<'_>) {
    checker.chance(sold_out.leave, place, "leave");
    law(checker, sold_out.every, place, "every");
    if sold_out.leave < 1.0 {
        checker.lasting(sold_out.every.mean(), place, "every");
    }
}

//! The stack of one region: all that is lost with it.

use std::mem::swap;

use domain::time::Time;
use reference_shop::inventory::memory::Memory;
use reference_shop::rules::Shop;

use super::World;
use super::database::{DatabaseTier, Statement, connections, in_transaction};
use super::edge::EdgeCaches;
use super::full::Counted;
use super::scaling::Scaling;
use super::transactions::Transactions;
use super::workers::Workers;
use crate::scenario::Scenario;
use crate::tier::balancer::LoadBalancer;
use crate::tier::station::Station;

/// The tiers of a region, its shop and its stock.
pub(super) struct Site {
    pub(super) edge: EdgeCaches,
    pub(super) balancer: Option<LoadBalancer>,
    pub(super) application: Option<Station<u32>>,
    pub(super) workers: Option<Workers>,
    pub(super) scaling: Option<Scaling>,
    pub(super) database: Option<Station<u32>>,
    pub(super) database_tier: Option<DatabaseTier>,
    pub(super) transactions: Option<Transactions>,
    pub(super) statements: slab::Slab<Statement>,
    pub(super) shop: Shop,
    pub(super) inventory: Memory,
    pub(super) counted: Counted,
}

impl Site {
    /// As it is at the run's beginning.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let settings = scenario.shop_settings().alone();
        Self {
            edge: EdgeCaches::new(scenario, &settings.shop.edge),
            balancer: scenario.stack.balancer.clone().map(LoadBalancer::new),
            application: scenario
                .stack
                .application
                .as_ref()
                .map(|tier| Station::new(tier.servers_at_first(), tier.queue)),
            workers: Workers::new(scenario),
            scaling: Scaling::new(scenario),
            // Statements wait as long as it takes: the bound is the application's queue in front.
            database: connections(scenario).map(|servers| Station::new(servers, None)),
            database_tier: DatabaseTier::new(scenario),
            transactions: settings
                .shop
                .storage
                .is_postgres()
                .then(|| Transactions::new(settings.shop.inventory)),
            statements: slab::Slab::new(),
            inventory: Memory::new(
                &scenario.catalogue,
                settings.shop.inventory,
                &settings.shop.faults,
            ),
            shop: Shop::new(settings),
            counted: Counted::default(),
        }
    }

    /// One that stands in for another, whose database is `inventory` and whose shop knew what was known `then`; its
    /// own orders have numbers after `number`.
    pub(super) fn in_place_of(
        scenario: &Scenario,
        (inventory, shop): (Memory, &Shop),
        then: Time,
        number: u64,
    ) -> Self {
        let mut site = Self { inventory, ..Self::new(scenario) };
        site.shop.stand_in(shop, then, number);
        site
    }

    /// Whether nothing is left that could still change its ledger.
    pub(super) fn is_quiet(&self) -> bool {
        is_quiet(&self.shop, &self.inventory, &self.statements)
    }
}

/// Whether nothing is left of orders, holds and statements that could still change a ledger.
pub(super) fn is_quiet(
    shop: &Shop,
    inventory: &Memory,
    statements: &slab::Slab<Statement>,
) -> bool {
    let balances = inventory.balances();
    let mut held = balances.items.values().chain(balances.slots.values());
    shop.pending() == 0
        && !statements.iter().any(|(_, statement)| in_transaction(statement.call))
        && held.all(|balance| balance.held == 0)
}

impl World<'_> {
    /// The world looks at another site, and this one is put aside.
    pub(super) fn change_places(&mut self, with: &mut Site) {
        swap(&mut self.edge, &mut with.edge);
        swap(&mut self.balancer, &mut with.balancer);
        swap(&mut self.application, &mut with.application);
        swap(&mut self.workers, &mut with.workers);
        swap(&mut self.scaling, &mut with.scaling);
        swap(&mut self.database, &mut with.database);
        swap(&mut self.database_tier, &mut with.database_tier);
        swap(&mut self.transactions, &mut with.transactions);
        swap(&mut self.statements, &mut with.statements);
        swap(&mut self.shop, &mut with.shop);
        swap(&mut self.inventory, &mut with.inventory);
        swap(&mut self.counted, &mut with.counted);
    }
}

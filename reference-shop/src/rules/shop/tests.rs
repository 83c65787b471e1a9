//! The shop with a bank and an inventory that do as they are told.

mod admission;
mod challenge;
mod fault;
mod page;
mod purchase;
mod whole;

use super::*;
use crate::rules::HoldEnd;
use crate::rules::fault::Fault;
use crate::rules::world::{Cardholder, Money, Mood, World, checkout, settings};
use crate::settings::{Admission as Gate, AdmissionBy, Inventory, Saga, Worker};
use domain::shop::OrderStatus;
use domain::time::Span;
use proptest::prelude::*;

const WELL: (Mood, u64) = (Mood::Well, 700);
const LIMIT: (Mood, u64) = (Mood::Limit(None), 20);
const LOST: (Mood, u64) = (Mood::Lost, 0);
const SILENT: (Mood, u64) = (Mood::Silent, 0);

/// Ten pieces, ten places; the world's saga and moods are the test's.
fn world(saga: Saga, moods: &[(Mood, u64)]) -> World {
    world_of(settings(10, 10), saga, &[], moods)
}

fn world_of(
    mut settings: ShopSettings,
    saga: Saga,
    faults: &[Fault],
    moods: &[(Mood, u64)],
) -> World {
    settings.shop.saga = saga;
    settings.shop.faults = faults.to_vec();
    let mut world = World::new(&settings);
    world.moods = moods.to_vec();
    world
}

fn gated(stock: u32, orders_per_second: f64) -> ShopSettings {
    let mut settings = settings(stock, 100);
    let gate = Gate { orders_per_second: Some(orders_per_second), ..Gate::default() };
    settings.shop.admission = Some(gate);
    settings
}

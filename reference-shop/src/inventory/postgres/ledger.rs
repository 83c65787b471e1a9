//! The ledger of a shop whose stock is in `PostgreSQL`: orders written, everything read.

use std::collections::{HashMap, HashSet};

use domain::id::AuthorizationId;
use domain::money::Amount;
use domain::shop::{Balance, Checkout, OrderStatus, ShopLine};
use domain::time::Time;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::inventory::postgres::Plan;
use crate::inventory::postgres::calls::order_id;
use crate::inventory::postgres::session::{Failure, Session};
use crate::inventory::rows::{ITEMS, Kind, SLOTS, Shelf, signed};
use crate::inventory::{Balances, order_line, slot_name, status_word};
use crate::rules::{Found, InventoryReply, OrderRow};

/// Of more pieces than this, the rows are not counted once a second, nor told one by one in the
/// ledger: two million take a second of a core, and a gigabyte.
const ROWS_TOLD_MAX: u64 = 100_000;

/// How closely pieces are counted that have rows of their own.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Count {
    /// Each row.
    Rows,
    /// What reservations say is taken; the rest is free.
    Taken,
}

/// Every order, as [`Plan::order`] reads it.
const ORDERS: &str = "select order_id, fan, intent, idempotency_key, item, slot, quantity, card, \
                      attempt, amount, status, payment, created_utc_ns, updated_utc_ns \
                      from orders order by order_id";

impl Plan {
    /// Writes an order down, in place of what was written of it before.
    pub(super) async fn record(
        &self,
        session: &mut Session,
        row: &OrderRow,
    ) -> Result<(), Failure> {
        let checkout = &row.checkout;
        let number = |number: u32| i64::from(number);
        let values: [&(dyn ToSql + Sync); 14] = [
            &signed(row.order.0),
            &checkout.fan.to_string(),
            &checkout.intent,
            &checkout.key,
            &self.item(checkout.item).name,
            &checkout.slot.map(|slot| &self.slot(slot).name),
            &number(checkout.quantity),
            &number(checkout.card),
            &number(row.attempt),
            &signed(row.amount.minor()),
            &status_word(row.status),
            &row.payment.map(|payment| signed(payment.0)),
            &self.utc(row.created),
            &self.utc(row.updated),
        ];
        let sql = "insert into orders values \
                   ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                   on conflict (order_id) do update set status = excluded.status, \
                   payment = excluded.payment, updated_utc_ns = excluded.updated_utc_ns";
        session.change(sql, &values).await.map(drop)
    }

    /// Every order that was written down.
    pub(super) async fn orders(&self, session: &mut Session) -> Result<Vec<OrderRow>, Failure> {
        let rows = session.rows(ORDERS, &[]).await?;
        Ok(rows.iter().map(|row| self.order(row)).collect())
    }

    /// Every order that was written down, and whether it holds something.
    pub(super) async fn found(&self, session: &mut Session) -> Result<Vec<Found>, Failure> {
        let held = "select order_id from reservations where state = 'held'";
        let held = session.rows(held, &[]).await?;
        let held: HashSet<i64> = held.iter().map(|row| row.get(0)).collect();
        let rows = self.orders(session).await?.into_iter();
        Ok(rows.map(|row| Found { holds: held.contains(&signed(row.order.0)), row }).collect())
    }

    /// Which items and slots of a sale have something free.
    pub(super) async fn available(
        &self,
        session: &mut Session,
        sale: u16,
    ) -> Result<InventoryReply, Failure> {
        let of = &self.catalogue.sales[usize::from(sale)];
        let first_item = usize::from(self.catalogue.first_item(usize::from(sale)).0);
        let first_slot = usize::from(self.catalogue.first_slot(usize::from(sale)).0);
        let items = &self.items[first_item..][..of.items.len()];
        let slots = &self.slots[first_slot..][..of.slots.len()];
        Ok(InventoryReply::Available {
            items: self.free_of(session, ITEMS, (&of.id, items)).await?,
            slots: self.free_of(session, SLOTS, (&of.id, slots)).await?,
        })
    }

    /// Bit n: the sale's shelf n has something free, as it says. No more rows are read than a
    /// broken promise makes necessary.
    async fn free_of(
        &self,
        session: &mut Session,
        kind @ Kind { of, rows, name, .. }: Kind,
        (sale, shelves): (&str, &[Shelf]),
    ) -> Result<u64, Failure> {
        if shelves.is_empty() {
            return Ok(0);
        }
        let margin = shelves.iter().map(|shelf| shelf.margin.abs()).max().unwrap_or(0);
        let enough = 1 + 2 * margin;
        let order = self.order_of(kind);
        let found = if self.strategy.has_rows() {
            let sql = format!(
                "select {name}, (select count(*) from (select 1 from {rows} as row where \
                 row.{name} = it.{name} and state = 'free' order by {order} limit $2) as free) \
                 - (select count(*) from {rows} as row where row.{name} = it.{name} \
                 and doubled = 1) + rowless from {of} as it where sale = $1"
            );
            session.rows(&sql, &[&sale, &enough]).await?
        } else {
            let sql = format!("select {name}, free from {of} where sale = $1");
            session.rows(&sql, &[&sale]).await?
        };
        let free: HashMap<&str, i64> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        let bit = |(place, shelf): (u32, &Shelf)| {
            let has = free[shelf.name.as_str()] + shelf.margin > 0;
            if has { 1_u64.checked_shl(place).unwrap_or(0) } else { 0 }
        };
        Ok((0..).zip(shelves).map(bit).fold(0, |bits, bit| bits | bit))
    }

    /// Where all pieces and places are at one moment.
    pub(super) async fn balances(&self, session: &mut Session) -> Result<Balances, Failure> {
        // A shop that breaks its promises on purpose is not taken at its word.
        let before = u64::from(self.units.sold_before);
        let rows: u64 = self.items.iter().map(|shelf| u64::from(shelf.initial) + before).sum();
        let count =
            if rows > ROWS_TOLD_MAX && self.faults.is_empty() { Count::Taken } else { Count::Rows };
        let work = async |session: &mut Session| self.balances_now(session, count).await;
        session.at_one_moment(work).await
    }

    async fn balances_now(&self, session: &mut Session, count: Count) -> Result<Balances, Failure> {
        let mut balances = Balances::default();
        for (kind, shelves) in [(ITEMS, &self.items), (SLOTS, &self.slots)] {
            let found = match (self.strategy.has_rows(), count) {
                (true, Count::Rows) => rows_of(session, kind).await?,
                (true, Count::Taken) => taken_of(session, kind, "initial - held - sold").await?,
                (false, _) => taken_of(session, kind, "free").await?,
            };
            let all = shelves.iter().map(|shelf| {
                let balance = found.get(&shelf.name).copied().unwrap_or_default();
                (shelf.name.clone(), balance)
            });
            if kind.of == ITEMS.of {
                balances.items = all.collect();
            } else {
                balances.slots = all.collect();
            }
        }
        Ok(balances)
    }

    /// The ledger, as it is at one moment: stock, slots, orders, reservations, and units where
    /// there is a row for each.
    pub(super) async fn lines(&self, session: &mut Session) -> Result<Vec<ShopLine>, Failure> {
        session.at_one_moment(async |session: &mut Session| self.lines_now(session).await).await
    }

    async fn lines_now(&self, session: &mut Session) -> Result<Vec<ShopLine>, Failure> {
        let mut lines = self.stock_lines(session).await?;
        let orders = self.orders(session).await?;
        lines.extend(orders.iter().map(|row| order_line(row, &self.catalogue, self.began_utc_ns)));
        let slots = self.catalogue.slots();
        let names: HashMap<String, String> =
            slots.map(|(_, sale, slot)| (slot_name(&sale.id, &slot.id), slot.id.clone())).collect();
        let held = "select order_id, item, slot, quantity, held_until from reservations \
                    where state = 'held' order by order_id";
        let held = session.rows(held, &[]).await?;
        lines.extend(held.iter().map(|row| reservation(row, &names)));
        if self.strategy.has_rows() {
            let told = self.items.iter().filter(|it| u64::from(it.initial) <= ROWS_TOLD_MAX);
            let told: Vec<&str> = told.map(|shelf| shelf.name.as_str()).collect();
            let units = "select unit, item, state, order_id from units \
                         where item = any($1) and state <> 'gone' \
                         order by unit, order_id nulls first";
            lines.extend(session.rows(units, &[&told]).await?.iter().map(unit));
            let rowless = "select item, rowless from items where item = any($1) and rowless > 0";
            let rowless = session.rows(rowless, &[&told]).await?;
            lines.extend(rowless.iter().flat_map(|row| self.rowless(row.get(0), row.get(1))));
        }
        Ok(lines)
    }

    async fn stock_lines(&self, session: &mut Session) -> Result<Vec<ShopLine>, Failure> {
        let balances = self.balances_now(session, Count::Rows).await?;
        let items = self.catalogue.items().map(|(_, _, item)| {
            let Balance { free, held, sold } = balances.items[&item.id];
            let initial = u64::from(item.stock);
            ShopLine::Stock { item: item.id.clone(), initial, free, held, sold }
        });
        let slots = self.catalogue.slots().map(|(_, sale, slot)| {
            let Balance { free, held, sold } = balances.slots[&slot_name(&sale.id, &slot.id)];
            let initial = u64::from(slot.capacity);
            let (slot, sale) = (slot.id.clone(), sale.id.clone());
            ShopLine::Slot { slot, sale, initial, free, held, sold }
        });
        Ok(items.chain(slots).collect())
    }

    fn order(&self, row: &Row) -> OrderRow {
        let status: &str = row.get(10);
        let status: Result<OrderStatus, WordError> =
            OrderStatus::deserialize(status.into_deserializer());
        let find = |shelves: &[Shelf], name: &str| {
            let place = shelves.iter().position(|shelf| shelf.name == name);
            u16::try_from(place.expect("only what exists is ordered")).expect("items fit 16 bits")
        };
        let slot: Option<&str> = row.get(5);
        let checkout = Checkout {
            fan: row.get::<_, &str>(1).parse().expect("the shop alone writes orders"),
            intent: row.get(2),
            key: row.get(3),
            item: domain::id::ItemId(find(&self.items, row.get(4))),
            slot: slot.map(|slot| domain::id::SlotId(find(&self.slots, slot))),
            quantity: small(row, 6),
            card: small(row, 7),
        };
        OrderRow {
            order: order_id(row.get(0)),
            checkout,
            status: status.expect("the shop alone writes statuses"),
            payment: row.get::<_, Option<i64>>(11).map(|it| AuthorizationId(it.unsigned_abs())),
            amount: Amount::new(number(row, 9)),
            created: self.since_the_beginning(number(row, 12)),
            updated: self.since_the_beginning(number(row, 13)),
            attempt: small(row, 8),
        }
    }

    const fn since_the_beginning(&self, utc_ns: u64) -> Time {
        Time::from_nanos(utc_ns.saturating_sub(self.began_utc_ns))
    }
}

/// Balances that a row per piece adds up to.
async fn rows_of(
    session: &mut Session,
    Kind { of, rows, name, .. }: Kind,
) -> Result<HashMap<String, Balance>, Failure> {
    let sql = format!(
        "select it.{name}, \
         it.rowless + count(*) filter (where state = 'free') - coalesce(sum(doubled), 0)::bigint, \
         count(*) filter (where state = 'held'), count(*) filter (where state = 'sold') \
         from {of} as it left join {rows} as row on row.{name} = it.{name} and state <> 'gone' \
         group by it.{name}"
    );
    let found = session.rows(&sql, &[]).await?;
    let balance = |row: &Row| Balance { free: row.get(1), held: row.get(2), sold: row.get(3) };
    Ok(found.iter().map(|row| (row.get(0), balance(row))).collect())
}

/// Balances by what reservations say is held and sold; `free` says what is free, of the columns
/// `free`, `initial`, `held` and `sold`.
async fn taken_of(
    session: &mut Session,
    Kind { of, name, .. }: Kind,
    free: &str,
) -> Result<HashMap<String, Balance>, Failure> {
    let pieces = if of == ITEMS.of { "quantity" } else { "1" };
    let sql = format!(
        "select {name}, {free}, held, sold from {of} as it, lateral (select \
         coalesce(sum({pieces}) filter (where state = 'held'), 0)::bigint as held, \
         coalesce(sum({pieces}) filter (where state = 'sold'), 0)::bigint as sold \
         from reservations as taken where taken.{name} = it.{name}) as taken"
    );
    let found = session.rows(&sql, &[]).await?;
    let balance = |row: &Row| Balance { free: row.get(1), held: row.get(2), sold: row.get(3) };
    Ok(found.iter().map(|row| (row.get(0), balance(row))).collect())
}

fn reservation(row: &Row, names: &HashMap<String, String>) -> ShopLine {
    ShopLine::Reservation {
        order_id: order_id(row.get(0)).to_string(),
        item: row.get(1),
        slot: row.get::<_, Option<&str>>(2).map(|slot| names[slot].clone()),
        quantity: small(row, 3),
        held_until_utc_ns: row.get::<_, Option<i64>>(4).map(i64::unsigned_abs),
    }
}

fn unit(row: &Row) -> ShopLine {
    ShopLine::Unit {
        name: None,
        unit: number(row, 0),
        item: row.get(1),
        state: row.get(2),
        order_id: row.get::<_, Option<i64>>(3).map(|order| order.to_string()),
    }
}

fn number(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).expect("numbers and times are positive")
}

fn small(row: &Row, column: usize) -> u32 {
    u32::try_from(row.get::<_, i64>(column)).expect("as it was written")
}

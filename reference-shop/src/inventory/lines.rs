//! The ledger of a shop whose stock is in a database: orders written, everything read.

use std::collections::HashMap;

use domain::shop::{Balance, OrderStatus, ShopLine};
use rusqlite::{Result, Row, params};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use crate::inventory::rows::signed;
use crate::inventory::sqlite::Sqlite;
use crate::inventory::{slot_name, status_word};
use crate::rules::OrderRow;

/// Each slot's own name, by `sale/slot`.
type Names = HashMap<String, String>;

impl Sqlite {
    /// Writes an order down, in place of what was written of it before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record(&self, row: &OrderRow) -> Result<()> {
        let checkout = &row.checkout;
        let mut statement = self.connection.prepare_cached(
            "insert into orders values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14) \
             on conflict (order_id) do update set status = excluded.status, \
             payment = excluded.payment, updated_utc_ns = excluded.updated_utc_ns, \
             attempt = excluded.attempt",
        )?;
        let slot = checkout.slot.map(|slot| &self.slots[usize::from(slot.0)].name);
        statement.execute(params![
            signed(row.order.0),
            checkout.fan.to_string(),
            checkout.intent,
            checkout.key,
            self.items[usize::from(checkout.item.0)].name,
            slot,
            checkout.quantity,
            checkout.card,
            row.attempt,
            signed(row.amount.minor()),
            status_word(row.status),
            row.payment.map(|payment| signed(payment.0)),
            self.utc(row.created),
            self.utc(row.updated),
        ])?;
        Ok(())
    }

    /// The ledger: stock, slots, orders, reservations, and units where there is a row for each.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lines(&self) -> Result<Vec<ShopLine>> {
        let mut lines = self.stock_lines()?;
        let slots = self.catalogue.slots();
        let names: Names =
            slots.map(|(_, sale, slot)| (slot_name(&sale.id, &slot.id), slot.id.clone())).collect();
        lines.extend(self.query(
            "select order_id, fan, intent, item, slot, quantity, amount, \
             status, payment, created_utc_ns, updated_utc_ns from orders order by order_id",
            |row| order(row, &names),
        )?);
        lines.extend(self.query(
            "select order_id, item, slot, quantity, held_until from reservations \
             where state = 'held' order by order_id",
            |row| reservation(row, &names),
        )?);
        if self.strategy.has_rows() {
            lines.extend(self.query(
                "select unit, item, state, order_id from units order by unit, order_id",
                unit,
            )?);
        }
        Ok(lines)
    }

    fn stock_lines(&self) -> Result<Vec<ShopLine>> {
        let balances = self.balances()?;
        let mut lines = Vec::new();
        for (_, _, item) in self.catalogue.items() {
            let Balance { free, held, sold } = balances.items[&item.id];
            let initial = u64::from(item.stock);
            lines.push(ShopLine::Stock { item: item.id.clone(), initial, free, held, sold });
        }
        for (_, sale, slot) in self.catalogue.slots() {
            let Balance { free, held, sold } = balances.slots[&slot_name(&sale.id, &slot.id)];
            let initial = u64::from(slot.capacity);
            let (slot, sale) = (slot.id.clone(), sale.id.clone());
            lines.push(ShopLine::Slot { slot, sale, initial, free, held, sold });
        }
        Ok(lines)
    }

    fn query(
        &self,
        query: &str,
        line: impl Fn(&Row<'_>) -> Result<ShopLine>,
    ) -> Result<Vec<ShopLine>> {
        self.connection.prepare_cached(query)?.query_map([], line)?.collect()
    }
}

fn order(row: &Row<'_>, names: &Names) -> Result<ShopLine> {
    let status: String = row.get(7)?;
    let word: Result<OrderStatus, WordError> =
        OrderStatus::deserialize(status.as_str().into_deserializer());
    let known = word.expect("the shop alone writes statuses");
    Ok(ShopLine::Order {
        order_id: number(row, 0)?.to_string(),
        fan: row.get(1)?,
        intent: row.get(2)?,
        item: row.get(3)?,
        slot: row.get::<_, Option<String>>(4)?.map(|slot| names[&slot].clone()),
        quantity: row.get(5)?,
        amount: domain::money::Amount::new(number(row, 6)?),
        paid: known.is_paid(),
        terminal: known.is_terminal(),
        status,
        payment: row.get::<_, Option<i64>>(8)?.map(|payment| payment.to_string()),
        created_utc_ns: number(row, 9)?,
        updated_utc_ns: number(row, 10)?,
    })
}

fn reservation(row: &Row<'_>, names: &Names) -> Result<ShopLine> {
    Ok(ShopLine::Reservation {
        order_id: number(row, 0)?.to_string(),
        item: row.get(1)?,
        slot: row.get::<_, Option<String>>(2)?.map(|slot| names[&slot].clone()),
        quantity: row.get(3)?,
        held_until_utc_ns: row
            .get::<_, Option<i64>>(4)?
            .map(|until| u64::try_from(until).expect("times are written as positive numbers")),
    })
}

fn unit(row: &Row<'_>) -> Result<ShopLine> {
    Ok(ShopLine::Unit {
        name: None,
        unit: number(row, 0)?,
        item: row.get(1)?,
        state: row.get(2)?,
        order_id: row.get::<_, Option<i64>>(3)?.map(|order| order.to_string()),
    })
}

fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).expect("numbers and times are written as positive numbers"))
}

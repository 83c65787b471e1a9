//! The rows, by what they are about.

mod crowd;
mod payment;
mod stock;

use crate::row::Row;

/// All rows, in the table's order.
pub(crate) const ALL: &[Row] = &[
    crowd::FIRST_COME_SALE,
    payment::COLLAPSE,
    payment::ADMISSION,
    payment::LIMITER_SCOPE,
    stock::OVERSELL,
    crowd::LAYERS,
    payment::VENUE_DAY,
    payment::DOUBLE_TAP,
    payment::WORKER_SHARES_QUOTA,
    crowd::PUSH_AT_ONCE,
    payment::VOIDS_RETRIED,
];

//! The rows, by what they are about.

mod carts;
mod crowd;
mod database;
mod devices;
mod forecast;
mod gate;
mod lots;
mod nodes;
mod payment;
mod peek;
mod points;
mod prices;
mod region;
mod rooms;
mod scale;
mod stock;
mod units;

use crate::row::Row;

/// All rows, in the table's order.
pub(crate) const ALL: &[Row] = &[
    crowd::FIRST_COME_SALE,
    payment::COLLAPSE,
    payment::ADMISSION,
    gate::MISPLACED,
    payment::LIMITER_SCOPE,
    stock::OVERSELL,
    stock::HOT_ROW,
    units::TWO_MILLION,
    stock::PHANTOM,
    stock::SAGA_ORDER,
    crowd::LAYERS,
    scale::BALANCER,
    scale::AUTOSCALE,
    database::CEILING,
    gate::NEIGHBOURS,
    scale::VENUE_DAY,
    payment::DRAW,
    lots::TICKET_LOTTERY,
    forecast::SCHEDULE,
    forecast::REACTIVE,
    forecast::LATE_ENTRIES,
    forecast::LATE_PUBLICATION,
    forecast::HEADROOM,
    peek::FORECAST,
    prices::BREAK_EVEN,
    devices::STORM,
    devices::BACKOFF,
    devices::BLUE_GREEN,
    devices::GRACEFUL,
    devices::LIMIT,
    nodes::DIURNAL_NODES,
    nodes::BALLOON_PODS,
    nodes::SPOT_RECLAIM,
    rooms::POOL,
    rooms::DOORS,
    rooms::PRICE,
    rooms::UPDATE,
    region::OUTAGE,
    crowd::METASTABLE,
    stock::SLOT_AND_ITEM,
    carts::UNSORTED,
    stock::POOL_STARVED,
    payment::DOUBLE_TAP,
    payment::WORKER_SHARES_QUOTA,
    crowd::LOGIN_STORM,
    crowd::PUSH_AT_ONCE,
    units::ANALYZE_SKIPPED,
    gate::BROWSER_TOKENS,
    scale::TASK_START,
    payment::VOIDS_RETRIED,
];

-- The reference shop's database. Times are nanoseconds of UTC; items and slots go by their names,
-- slots as sale/slot.

-- Which run this is of: when it began, and what is sold in it.
create table run (
    began_utc_ns integer not null,
    sold text not null
);

-- What is for sale. free, held and sold are kept for a naive counter and null where there is a row
-- per piece.
create table items (
    item text primary key,
    sale text not null,
    initial integer not null,
    free integer,
    held integer,
    sold integer
) without rowid;

-- Pickup slots, likewise.
create table slots (
    slot text primary key,
    sale text not null,
    initial integer not null,
    free integer,
    held integer,
    sold integer
) without rowid;

-- One row per piece. state is free, held or sold; doubled is 1 where a piece was given to a second
-- order, which only a broken promise does.
create table units (
    unit integer not null,
    item text not null,
    state text not null default 'free',
    order_id integer,
    held_until integer,
    doubled integer not null default 0
);
create index units_free on units (item, unit) where state = 'free';
create index units_taken on units (order_id) where order_id is not null;
create index units_doubled on units (item) where doubled = 1;

-- One row per place in a slot, likewise.
create table places (
    place integer not null,
    slot text not null,
    state text not null default 'free',
    order_id integer,
    held_until integer,
    doubled integer not null default 0
);
create index places_free on places (slot, place) where state = 'free';
create index places_taken on places (order_id) where order_id is not null;
create index places_doubled on places (slot) where doubled = 1;

-- What each order holds (state held, until held_until, or for ever if that is null) or bought
-- (state sold).
create table reservations (
    order_id integer primary key,
    item text not null,
    slot text,
    quantity integer not null,
    state text not null default 'held',
    held_until integer
);
create index reservations_due on reservations (held_until, order_id)
    where state = 'held' and held_until is not null;

-- Orders, as they stand. payment is the provider's name of the authorization, attempt its place among
-- those of the same key.
create table orders (
    order_id integer primary key,
    fan text not null,
    intent text not null,
    idempotency_key text not null,
    item text not null,
    slot text,
    quantity integer not null,
    card integer not null,
    attempt integer not null,
    amount integer not null,
    status text not null,
    payment integer,
    created_utc_ns integer not null,
    updated_utc_ns integer not null
);

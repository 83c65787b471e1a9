//! Where stock is kept and how it is counted, and what of it fits together.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// How many connections there are to the database where nobody says \[A\]: two for each of ten
/// threads of an application.
pub const CONNECTIONS: u32 = 20;

/// The most connections: a server of `PostgreSQL` takes a hundred, and a process for each.
pub const CONNECTIONS_MAX: u32 = 500;

/// How many a server that is started for the shop takes beside them.
const CONNECTIONS_BESIDE: u32 = 30;

/// Where stock and orders are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Storage {
    /// A file: write-ahead log, one writer with group commit; commits survive the shop's death, not a
    /// power cut.
    #[default]
    Sqlite,
    /// The shop's memory: fast, lost with the process.
    Memory,
    /// A `PostgreSQL` server of the shop's own, started from the system's packages and gone at the
    /// end.
    Postgres,
    /// A database of a `PostgreSQL` server that runs, by its address.
    PostgresAt(String),
    /// Counters in a Redis of the shop's own, started from the system's packages and gone at the end;
    /// reservations and orders in a file as `SQLite`'s.
    Redis,
    /// Counters in the Redis at this address.
    RedisAt(String),
}

impl Storage {
    /// Whether stock is in `PostgreSQL`.
    pub const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres | Self::PostgresAt(_))
    }

    /// Whether stock is counted in Redis.
    pub const fn is_redis(&self) -> bool {
        matches!(self, Self::Redis | Self::RedisAt(_))
    }

    /// Its word, whatever the address.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Memory => "memory",
            Self::Postgres | Self::PostgresAt(_) => "postgres",
            Self::Redis | Self::RedisAt(_) => "redis",
        }
    }
}

/// A word that names no storage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// It is none of those that are known.
    #[error(
        "unknown variant `{0}`, expected one of `sqlite`, `memory`, `postgres`, \
         `postgres://user@host/database`, `redis`, `redis://host:port`"
    )]
    Unknown(String),
    /// Addresses are written into reports.
    #[error(
        "the address of the database holds a password: write it without one, and give it in the \
         variable PGPASSWORD"
    )]
    Password,
    /// Likewise.
    #[error(
        "the address of Redis holds a password: write it without one, and give it in the variable \
         REDISCLI_AUTH"
    )]
    RedisPassword,
}

impl TryFrom<String> for Storage {
    type Error = StorageError;

    fn try_from(word: String) -> Result<Self, StorageError> {
        match word.as_str() {
            "sqlite" => return Ok(Self::Sqlite),
            "memory" => return Ok(Self::Memory),
            "postgres" => return Ok(Self::Postgres),
            "redis" => return Ok(Self::Redis),
            _ => {}
        }
        let redis = ["redis://", "redis+unix://"].iter().find_map(|it| word.strip_prefix(it));
        if let Some(address) = redis {
            let secret = address.contains('@') || address.contains("pass=");
            return if secret { Err(StorageError::RedisPassword) } else { Ok(Self::RedisAt(word)) };
        }
        let address = ["postgres://", "postgresql://"].iter().find_map(|it| word.strip_prefix(it));
        let Some(address) = address else { return Err(StorageError::Unknown(word)) };
        let host = address.split(['/', '?']).next().unwrap_or_default();
        let user = host.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') || address.contains("password=") {
            return Err(StorageError::Password);
        }
        Ok(Self::PostgresAt(word))
    }
}

impl From<Storage> for String {
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::PostgresAt(url) | Storage::RedisAt(url) => url,
            storage => storage.word().to_owned(),
        }
    }
}

impl JsonSchema for Storage {
    fn schema_name() -> Cow<'static, str> {
        "Storage".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["sqlite", "memory", "postgres", "redis"] },
                { "type": "string", "pattern": "^(postgres(ql)?|redis|redis\\+unix)://" }
            ],
            "description": "Where stock and orders are kept: \"sqlite\" (a file), \"memory\", \"postgres\" (a server started for the run), the address of a database, \"postgres://user@host/database\", or counters in \"redis\" (a server started for the run) or \"redis://host:port\", with the orders in a file."
        })
    }
}

/// How stock is counted and reserved.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inventory {
    /// Reads the counter, then decrements it: two statements without a transaction across them.
    /// Oversells.
    NaiveCounter,
    /// Decrements the counter where there is enough: one statement.
    GuardedCounter,
    /// Locks the counter's row, looks, then decrements it, in one transaction.
    RowLock,
    /// Reads the counter and its version, then decrements it if the version is still that; else
    /// begins again.
    Optimistic,
    /// One row per piece and per place in a slot, taken in one transaction.
    #[default]
    UnitRows,
}

impl Inventory {
    /// The strategy's word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NaiveCounter => "naive-counter",
            Self::GuardedCounter => "guarded-counter",
            Self::RowLock => "row-lock",
            Self::Optimistic => "optimistic",
            Self::UnitRows => "unit-rows",
        }
    }

    /// Whether there is a row for each piece, and no counter.
    pub const fn has_rows(self) -> bool {
        matches!(self, Self::UnitRows)
    }

    /// Whether it is about transactions that run at the same time, so that only a database with
    /// such can have it.
    const fn needs_concurrency(self) -> bool {
        matches!(self, Self::GuardedCounter | Self::RowLock | Self::Optimistic)
    }
}

/// Whether slot and pieces are reserved in one transaction.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reserve {
    /// Both in one transaction, or neither.
    #[default]
    Together,
    /// The slot in one transaction, then the pieces in another; when the second falls short or
    /// fails, nobody takes back the first. Strands places.
    OneAfterTheOther,
}

impl Reserve {
    /// Its word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::OneAfterTheOther => "one-after-the-other",
        }
    }
}

/// In which order a transaction locks what an order takes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockOrder {
    /// The same for all: pieces before places. Nobody waits in a circle.
    #[default]
    Sorted,
    /// As the cart lists it: half of them the slot before the pieces. Deadlocks.
    Cart,
}

/// What is done before unit rows are said to be sold out: those that others have locked are passed
/// over, and may yet be given back.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recheck {
    /// Where there are still enough unsold rows they are looked at again, waiting for who has them
    /// locked.
    #[default]
    Blocking,
    /// They are looked at again, passing over what is locked: sold out may be said too early.
    SkipLocked,
    /// Nothing: sold out is said too early.
    None,
}

/// Two keys of `[shop]` that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The key that is to be changed.
    pub key: &'static str,
    /// What is wrong, with both keys.
    pub message: String,
    /// The cure.
    pub hint: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  hint: {}", self.message, self.hint)
    }
}

impl Settings {
    /// How many connections there are to the database.
    pub fn pool(&self) -> u32 {
        self.connections.unwrap_or(CONNECTIONS)
    }

    /// How many a server that is started for the shop takes: those, the reader's, and people's who
    /// look into it.
    pub fn server_connections(&self) -> u32 {
        self.pool() + CONNECTIONS_BESIDE
    }

    /// The key that breaks a promise only where transactions run at the same time, if one does:
    /// stock in one memory would keep it all the same.
    pub fn only_live(&self) -> Option<Misfit> {
        let (key, value) = match (self.reserve, self.recheck, self.lock_order) {
            (Reserve::OneAfterTheOther, _, _) => ("reserve", "one-after-the-other"),
            (_, Recheck::SkipLocked, _) => ("recheck", "skip-locked"),
            (_, Recheck::None, _) => ("recheck", "none"),
            (_, _, LockOrder::Cart) => ("lock_order", "cart"),
            (Reserve::Together, Recheck::Blocking, LockOrder::Sorted) => {
                return self.units_only_live();
            }
        };
        let message = format!(
            "`{key} = \"{value}\"` shows in a real database alone: in virtual time a call is one \
             transaction, and would be acquitted"
        );
        let hint = format!("`spike run` lives it; without `{key}` it can be simulated");
        Some(Misfit { key, message, hint })
    }

    /// What of storage, inventory and the keys about them does not fit together: an illegal pair
    /// is refused, never emulated.
    pub fn misfits(&self) -> Vec<Misfit> {
        let Self { storage, inventory, reserve, recheck, lock_order, connections, .. } = self;
        let word = storage.word();
        let mut misfits: Vec<Misfit> = self.edge.misfits().collect();
        misfits.extend(self.misfits_of_redis());
        misfits.extend(self.misfits_of_units());
        let mut misfit = |key, message: String, hint: &str| {
            misfits.push(Misfit { key, message, hint: hint.to_owned() });
        };
        let elsewhere = !storage.is_postgres();
        if elsewhere && !storage.is_redis() && inventory.needs_concurrency() {
            let message = format!(
                "`inventory = \"{}\"` does not fit `storage = \"{word}\"`: it is about transactions \
                 that run at the same time, and there is one writer",
                inventory.word()
            );
            let hint = "write `storage = \"postgres\"`, or `inventory = \"unit-rows\"` or \
                        `\"naive-counter\"`";
            misfit("inventory", message, hint);
        }
        if elsewhere && *reserve != Reserve::Together {
            let message = format!(
                "`reserve = \"one-after-the-other\"` does not fit `storage = \"{word}\"`: a call is \
                 one transaction there"
            );
            misfit("reserve", message, "write `storage = \"postgres\"`, or leave `reserve` out");
        }
        let locks_two = matches!(
            inventory,
            Inventory::GuardedCounter | Inventory::RowLock | Inventory::UnitRows
        ) && *reserve == Reserve::Together;
        if *lock_order != LockOrder::Sorted && (elsewhere || !locks_two) {
            let message = format!(
                "`lock_order = \"cart\"` does not fit `storage = \"{word}\"` with `inventory = \"{}\"` and \
                 `reserve = \"{}\"`: no transaction locks both the pieces and the place",
                inventory.word(),
                reserve.word()
            );
            let hint = "leave it out, or write `storage = \"postgres\"`, `inventory = \"row-lock\"` and \
                        `reserve = \"together\"`";
            misfit("lock_order", message, hint);
        }
        if elsewhere && connections.is_some() {
            let message = format!(
                "`connections` does not fit `storage = \"{word}\"`: there is one that writes"
            );
            misfit("connections", message, "leave it out, or write `storage = \"postgres\"`");
        }
        if *recheck != Recheck::Blocking && (elsewhere || !inventory.has_rows()) {
            let message = format!(
                "`recheck` does not fit `storage = \"{word}\"` with `inventory = \"{}\"`: nobody \
                 passes over what others have locked",
                inventory.word()
            );
            let hint =
                "leave it out, or write `storage = \"postgres\"` and `inventory = \"unit-rows\"`";
            misfit("recheck", message, hint);
        }
        if connections.is_some_and(|count| !(1..=CONNECTIONS_MAX).contains(&count)) {
            let message = format!("`connections` must be from 1 to {CONNECTIONS_MAX}");
            misfit("connections", message, "leave it out for 20");
        }
        misfits
    }

    /// What does not fit stock that is counted in Redis.
    fn misfits_of_redis(&self) -> Vec<Misfit> {
        let Self { storage, inventory, faults, .. } = self;
        if !storage.is_redis() {
            return Vec::new();
        }
        let strategy = (*inventory != Inventory::GuardedCounter).then(|| Misfit {
            key: "inventory",
            message: format!(
                "`inventory = \"{}\"` does not fit `storage = \"redis\"`: one script looks at the counters \
                 and decrements them",
                inventory.word()
            ),
            hint: "write `inventory = \"guarded-counter\"`".to_owned(),
        });
        let faults = faults.iter().filter(|fault| fault.is_of_stock()).map(|fault| Misfit {
            key: "faults",
            message: format!("the fault `{}` is not in `storage = \"redis\"`", fault.word()),
            hint: "leave it out, or write another `storage`".to_owned(),
        });
        strategy.into_iter().chain(faults).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fault::Fault;
    use crate::settings::Units;

    fn settings(storage: Storage, inventory: Inventory) -> Settings {
        Settings { storage, inventory, ..Settings::default() }
    }

    #[test]
    fn a_storage_is_a_word_or_an_address_without_a_password() {
        let database = "postgres://me@db:5433/shop?sslmode=disable";
        let redis = ["redis", "redis://db:6379/2", "redis+unix:///tmp/redis.sock"];
        for word in ["sqlite", "memory", "postgres", database].into_iter().chain(redis) {
            let storage = Storage::try_from(word.to_owned()).unwrap();
            assert_eq!(String::from(storage), word);
        }
        let refused = |word: &str| Storage::try_from(word.to_owned()).unwrap_err();
        assert_eq!(refused("sqlit"), StorageError::Unknown("sqlit".to_owned()));
        assert_eq!(refused("postgres://me:hush@db/shop"), StorageError::Password);
        assert_eq!(refused("redis://:hush@db"), StorageError::RedisPassword);
        assert_eq!(refused("redis+unix:///tmp/redis.sock?pass=hush"), StorageError::RedisPassword);
        assert_eq!(refused("postgresql://db/shop?user=me&password=hush"), StorageError::Password);
    }

    #[test]
    fn what_needs_concurrent_transactions_is_refused_where_there_are_none() {
        for inventory in [Inventory::GuardedCounter, Inventory::RowLock, Inventory::Optimistic] {
            for storage in [Storage::Sqlite, Storage::Memory] {
                let misfits = settings(storage, inventory).misfits();
                assert_eq!(misfits.len(), 1);
                let said = misfits[0].to_string();
                assert!(said.contains("inventory") && said.contains("storage"), "{said}");
            }
            assert_eq!(settings(Storage::Postgres, inventory).misfits(), []);
        }
        for inventory in [Inventory::NaiveCounter, Inventory::UnitRows] {
            for storage in [Storage::Sqlite, Storage::Memory, Storage::Postgres] {
                assert_eq!(settings(storage, inventory).misfits(), []);
            }
        }
    }

    #[test]
    fn redis_counts_by_one_script_alone_and_breaks_no_promise_itself() {
        let keys = |settings: Settings| -> Vec<&str> {
            settings.misfits().into_iter().map(|misfit| misfit.key).collect()
        };
        assert_eq!(keys(settings(Storage::Redis, Inventory::GuardedCounter)), [""; 0]);
        assert_eq!(keys(settings(Storage::Redis, Inventory::UnitRows)), ["inventory"]);
        let faults = vec![Fault::Oversell, Fault::LostVoid];
        let broken = Settings { faults, ..settings(Storage::Redis, Inventory::GuardedCounter) };
        assert_eq!(keys(broken), ["faults"]);
    }

    #[test]
    fn what_only_a_real_database_shows_is_named() {
        let key = |settings: Settings| settings.only_live().map(|misfit| misfit.key);
        assert_eq!(key(settings(Storage::Postgres, Inventory::UnitRows)), None);
        let bad = Settings { reserve: Reserve::OneAfterTheOther, ..Settings::default() };
        assert_eq!(key(bad), Some("reserve"));
        let bad = Settings { lock_order: LockOrder::Cart, ..Settings::default() };
        assert_eq!(key(bad), Some("lock_order"));
        for recheck in [Recheck::None, Recheck::SkipLocked] {
            assert_eq!(key(Settings { recheck, ..Settings::default() }), Some("recheck"));
        }
        let units = |units| Settings { units: Some(units), ..Settings::default() };
        assert_eq!(key(units(Units::default())), None);
        assert_eq!(key(units(Units { analyze: false, ..Units::default() })), Some("units"));
    }

    #[test]
    fn a_key_that_would_do_nothing_is_refused() {
        let keys = |settings: Settings| -> Vec<&str> {
            settings.misfits().into_iter().map(|misfit| misfit.key).collect()
        };
        let all = |storage, inventory| Settings {
            reserve: Reserve::OneAfterTheOther,
            recheck: Recheck::None,
            lock_order: LockOrder::Cart,
            connections: Some(5),
            ..settings(storage, inventory)
        };
        let every = ["reserve", "lock_order", "connections", "recheck"];
        assert_eq!(keys(all(Storage::Sqlite, Inventory::UnitRows)), every);
        let one = ["lock_order"];
        assert_eq!(keys(all(Storage::Postgres, Inventory::RowLock)), ["lock_order", "recheck"]);
        assert_eq!(keys(all(Storage::Postgres, Inventory::UnitRows)), one);
        let together = |inventory| Settings {
            lock_order: LockOrder::Cart,
            ..settings(Storage::Postgres, inventory)
        };
        assert_eq!(keys(together(Inventory::RowLock)), [""; 0]);
        for inventory in [Inventory::Optimistic, Inventory::NaiveCounter] {
            assert_eq!(keys(together(inventory)), one);
        }
        let units = Some(Units::default());
        let kept = |storage, inventory| Settings { units, ..settings(storage, inventory) };
        assert_eq!(keys(kept(Storage::Postgres, Inventory::UnitRows)), [""; 0]);
        assert_eq!(keys(kept(Storage::Postgres, Inventory::RowLock)), ["units"]);
        assert_eq!(keys(kept(Storage::Sqlite, Inventory::UnitRows)), ["units"]);
        let units = Some(Units { pool: Some(0), ..Units::default() });
        let empty = Settings { units, ..settings(Storage::Postgres, Inventory::UnitRows) };
        assert_eq!(keys(empty), ["units"]);
        let none = Settings { connections: Some(0), ..Settings::default() };
        let none = Settings { storage: Storage::Postgres, ..none };
        assert_eq!(keys(none), ["connections"]);
    }
}

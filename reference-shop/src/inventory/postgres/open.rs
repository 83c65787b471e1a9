//! A run's own schema in the database: made and filled, or taken over from a shop that ended.

use tokio_postgres::Config;

use crate::clock::Clock;
use crate::inventory;
use crate::inventory::postgres::Plan;
use crate::inventory::postgres::session::{CONNECT, Failure, Session};
use crate::inventory::rows::{ITEMS, Kind, SLOTS, Shelf, signed};
use crate::inventory::sqlite::shelves;
use crate::rules::Found;
use crate::settings::{ShopSettings, Storage};

/// How long a statement may take, waits for locks included \[ms\]: longer than any queue at a row
/// that still makes sense, shorter than fans wait.
const STATEMENT_MAX_MS: u32 = 20_000;

/// How often it is asked whether those who were cut off are gone: some seconds.
const CUT_OFF_LOOKS_MAX: u32 = 50_000;

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its address cannot be read.
    #[error("read the address of the shop's database")]
    Address(#[source] tokio_postgres::Error),
    /// Nobody answers.
    #[error("connect to the shop's database `{url}`")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// It refuses.
    #[error("make the tables of the shop's database")]
    Make(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There are tables of this run that something else is sold from.
    #[error(
        "go on with the schema `{schema}` of the shop's database: it was made for another scenario\n\
         hint: drop it (`drop schema {schema} cascade`), or begin another run"
    )]
    OtherRun {
        /// The schema.
        schema: String,
    },
}

impl Plan {
    /// Makes the tables of the run that `clock` counts from, with everything free; or, where they
    /// are there, takes them over: whoever has them open is cut off, and what stands in them is
    /// kept. The orders that were written down.
    ///
    /// # Errors
    /// When the database cannot be reached or used, or has tables of this run that something else
    /// is sold from.
    pub async fn open(
        url: &str,
        settings: &ShopSettings,
        clock: Clock,
    ) -> Result<(Self, Vec<Found>), OpenError> {
        let mut plan = Self::of(url, settings, clock)?;
        let opened = tokio::time::timeout(CONNECT, Session::open(&plan.config));
        let mut session = match opened.await {
            Ok(Ok(session)) => session,
            Ok(Err(source)) => return Err(OpenError::Connect { url: url.to_owned(), source }),
            Err(_) => return Err(OpenError::Make("nobody answered in time".into())),
        };
        let there = plan.take_over(&mut session, settings).await?;
        if settings.shop.storage == Storage::Postgres {
            // A server of the shop's own: nobody else wonders about it.
            Self::keep_count(&mut session).await.map_err(unmade)?;
        }
        if !there {
            plan.make(&mut session, settings).await.map_err(unmade)?;
        }
        let found = plan.found(&mut session).await.map_err(unmade)?;
        plan.before = Box::new(plan.view(&mut session).await.map_err(unmade)?);
        Ok((plan, found))
    }

    fn of(url: &str, settings: &ShopSettings, clock: Clock) -> Result<Self, OpenError> {
        let mut config: Config = url.parse().map_err(OpenError::Address)?;
        let (shop, began_utc_ns) = (&settings.shop, clock.began_utc_ns());
        let schema = format!("spike_{began_utc_ns}");
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        config.connect_timeout(CONNECT).application_name(&schema);
        let idle_max_ms = u128::from(STATEMENT_MAX_MS) + shop.time_in_transaction.0.as_millis();
        config.options(format!(
            "-c search_path={schema} -c statement_timeout={STATEMENT_MAX_MS} \
             -c idle_in_transaction_session_timeout={idle_max_ms}"
        ));
        let (items, slots) = shelves(&settings.catalogue, &shop.faults);
        Ok(Self {
            config,
            schema,
            catalogue: settings.catalogue.clone(),
            strategy: shop.inventory,
            reserve: shop.reserve,
            recheck: shop.recheck,
            lock_order: shop.lock_order,
            faults: shop.faults.clone(),
            pause: shop.time_in_transaction.0,
            units: shop.units.unwrap_or_default(),
            connections: shop.pool(),
            clock,
            began_utc_ns,
            seed: settings.seed,
            items,
            slots,
            before: Box::default(),
        })
    }

    /// Whether the tables are there; if so, nobody else has them open any more.
    async fn take_over(
        &self,
        session: &mut Session,
        settings: &ShopSettings,
    ) -> Result<bool, OpenError> {
        let there = "select count(*) from pg_namespace where nspname = $1";
        if session.number(there, &[&self.schema]).await.map_err(unmade)? == 0 {
            return Ok(false);
        }
        // A transaction of a shop that was killed may still be on its way to its end.
        let others =
            "from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()";
        let cut_off = format!("select count(pg_terminate_backend(pid)) {others}");
        session.number(&cut_off, &[&self.schema]).await.map_err(unmade)?;
        let left = format!("select count(*) {others}");
        let mut looks = 0;
        while session.number(&left, &[&self.schema]).await.map_err(unmade)? > 0 {
            looks += 1;
            if looks > CUT_OFF_LOOKS_MAX {
                return Err(OpenError::Make("another shop does not let go of them".into()));
            }
        }
        let run = session.row("select settings from run", &[]).await.map_err(unmade)?;
        let before: Option<String> = run.map(|row| row.get(0));
        if before.as_ref() == Some(&sold(settings)) {
            Ok(true)
        } else {
            Err(OpenError::OtherRun { schema: self.schema.clone() })
        }
    }

    async fn make(&self, session: &mut Session, settings: &ShopSettings) -> Result<(), Failure> {
        let Self { schema, catalogue, .. } = self;
        session.plain("set statement_timeout = 0; begin").await?;
        session.plain(&format!("create schema {schema}")).await?;
        session.plain(include_str!("schema.sql")).await?;
        session.change("insert into run values ($1)", &[&sold(settings)]).await?;
        self.index_units(session).await?;
        for (shelf, (_, sale, _)) in self.items.iter().zip(catalogue.items()) {
            self.fill(session, shelf, &sale.id).await?;
        }
        self.sell_before(session).await?;
        for (shelf, (_, sale, _)) in self.slots.iter().zip(catalogue.slots()) {
            self.fill(session, shelf, &sale.id).await?;
        }
        if self.strategy.has_rows() {
            // The numbers of rows that are doubled come after those that there are.
            for Kind { rows, .. } in [ITEMS, SLOTS] {
                let sql = format!(
                    "select setval(pg_get_serial_sequence('{rows}', 'id'), \
                     (select coalesce(max(id), 0) + 1 from {rows}), false)"
                );
                session.number(&sql, &[]).await?;
            }
        }
        session.plain("commit").await?;
        session.count_changes_now().await?;
        session.plain("analyze items; analyze slots; analyze places").await?;
        self.tidy_units(session).await
    }

    /// Puts everything on a shelf.
    async fn fill(&self, session: &mut Session, stock: &Shelf, sale: &str) -> Result<(), Failure> {
        let Kind { of, rows, name, number } = stock.kind;
        let initial = i64::from(stock.initial);
        let free = (!self.strategy.has_rows()).then_some(initial);
        let rows_at_first = self.pool(stock).map_or(initial, |pool| pool.min(initial));
        let sql = format!("insert into {of} values ($1, $2, $3, $4, 0, $5)");
        let rowless = initial - rows_at_first;
        session.change(&sql, &[&stock.name, &sale, &initial, &free, &rowless]).await?;
        if self.strategy.has_rows() {
            let sql = format!(
                "insert into {rows} (id, {number}, {name}) \
                 select n, n, $1 from generate_series($2::bigint, $3::bigint) as n"
            );
            let first = signed(stock.first);
            session.change(&sql, &[&stock.name, &first, &(first + rows_at_first - 1)]).await?;
        }
        Ok(())
    }
}

/// What is sold, and how, as it is written down.
fn sold(settings: &ShopSettings) -> String {
    inventory::sold(&settings.catalogue, settings.shop.inventory)
}

fn unmade(failure: Failure) -> OpenError {
    OpenError::Make(Box::new(failure))
}

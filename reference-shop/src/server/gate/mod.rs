//! The gate in front of the payment where Redis keeps it: one bucket of tokens for any number of shops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use domain::time::Duration;
use machine::redis::Redis;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, Script};

use crate::rules::Toll;
use crate::settings::{Admission, AdmissionBy, Allowance};

/// The bucket, refilled and drawn from in one step that no other can come between.
const BUCKET: &str = include_str!("bucket.lua");

/// How long Redis may take; then it counts as gone.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Where the password stands, as `redis-cli` has it.
const PASSWORD: &str = "REDISCLI_AUTH";

/// The way to the gate.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    connection: ConnectionManager,
    script: Arc<Script>,
    allowance: Allowance,
    /// What the names of all buckets of this run begin with.
    prefix: Arc<str>,
    /// Whether it was told that Redis does not answer.
    lost: Arc<AtomicBool>,
}

impl Gate {
    /// The way to the gate of merchant `account`, for a run that began at `began_utc_ns` \[ns\], and the
    /// server if it is the shop's own; nothing where the shop keeps its gate itself.
    ///
    /// # Errors
    /// When Redis cannot be started or reached.
    pub(super) async fn open(
        settings: &Admission,
        account: &str,
        began_utc_ns: u64,
    ) -> anyhow::Result<(Option<Self>, Option<Redis>)> {
        let (info, own) = match &settings.by {
            AdmissionBy::Memory | AdmissionBy::Edge => return Ok((None, None)),
            AdmissionBy::OwnRedis => {
                let started = tokio::task::spawn_blocking(Redis::start).await;
                let started = started.context("wait for Redis")?;
                let own = started.context(
                    "start Redis, which shall keep the gate (`by = \"memory\"` does without)",
                )?;
                (own.url().into_connection_info()?, Some(own))
            }
            AdmissionBy::Redis(address) => (with_password(address)?, None),
        };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(ANSWERS_WITHIN))
            .set_response_timeout(Some(ANSWERS_WITHIN))
            .set_number_of_retries(1);
        let address = info.addr().to_string();
        let connect = async {
            let client = Client::open(info)?;
            ConnectionManager::new_with_config(client, config).await
        };
        let connection = connect.await.with_context(|| {
            format!("reach Redis at {address}, which keeps the gate\nhint: start it (`redis-server`), or say `by = \"redis\"` and the shop starts one")
        })?;
        let gate = Self {
            connection,
            script: Arc::new(Script::new(BUCKET)),
            allowance: settings.allowance(),
            prefix: format!("spike:{began_utc_ns}:{account}").into(),
            lost: Arc::default(),
        };
        Ok((Some(gate), own))
    }

    /// Whether so many tokens are there, and are taken; `None` when nobody knows.
    pub(super) async fn ask(&self, toll: Toll) -> Option<bool> {
        self.run(toll, Must::BeThere).await
    }

    /// Takes tokens whether or not they are there, or gives them back.
    pub(super) async fn settle(&self, toll: Toll) {
        self.run(toll, Must::BeTaken).await;
    }

    async fn run(&self, toll: Toll, must: Must) -> Option<bool> {
        let mut connection = self.connection.clone();
        let said: redis::RedisResult<bool> = self
            .script
            .key(format!("{}:{}", self.prefix, toll.lane))
            .arg(self.allowance.rate_per_s)
            .arg(self.allowance.burst)
            .arg(toll.tokens)
            .arg(must.word())
            .invoke_async(&mut connection)
            .await;
        match said {
            Ok(passes) => {
                self.lost.store(false, Ordering::Relaxed);
                Some(passes)
            }
            Err(error) => {
                if !self.lost.swap(true, Ordering::Relaxed) {
                    let error = anyhow!(error).context("ask Redis whether orders may pass");
                    eprintln!("warning: {error:#}; nobody passes until it answers");
                }
                None
            }
        }
    }
}

/// Whether tokens are taken that are not there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Must {
    BeThere,
    BeTaken,
}

impl Must {
    const fn word(self) -> &'static str {
        match self {
            Self::BeThere => "there",
            Self::BeTaken => "taken",
        }
    }
}

/// The Redis at that address, with the password that the environment holds for it.
///
/// # Errors
/// When it is none.
pub(super) fn with_password(address: &str) -> anyhow::Result<ConnectionInfo> {
    let info = address.into_connection_info();
    let info = info.with_context(|| format!("read the address of Redis `{address}`"))?;
    Ok(match std::env::var(PASSWORD) {
        Ok(password) => {
            let settings = info.redis_settings().clone().set_password(password);
            info.set_redis_settings(settings)
        }
        Err(_) => info,
    })
}

#[cfg(test)]
mod tests;

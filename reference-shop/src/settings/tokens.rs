//! When a customer's browser has the card made into a token: `[shop] tokens`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a customer's browser has the card made into a token, straight at the provider and with the
/// merchant's public key.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// As soon as the customer pays, before anything of the shop: no admission counts it.
    Browser,
    /// Once the shop has let the order through.
    Admitted,
}

//! Evidence line by line, as tests make it up and break it.

use domain::provider::PaymentLine;
use domain::shop::{Catalogue, ShopLine, ShopSnapshot};

use crate::evidence::{Ending, Evidence, PurchaseLine};

/// What [`Evidence`] is made of.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    pub(crate) catalogue: Catalogue,
    pub(crate) purchases: Vec<PurchaseLine>,
    pub(crate) snapshots: Vec<ShopSnapshot>,
    pub(crate) shop: Option<Vec<ShopLine>>,
    pub(crate) provider: Option<Vec<PaymentLine>>,
    pub(crate) ending: Ending,
}

impl Lines {
    /// The same, as the judge reads it.
    pub(crate) fn read(&self) -> Evidence {
        let mut evidence = Evidence::of(self.catalogue.clone(), None);
        evidence.snapshots.clone_from(&self.snapshots);
        evidence.ending.clone_from(&self.ending);
        for line in &self.purchases {
            evidence.add_purchase(line);
        }
        if let Some(shop) = &self.shop {
            evidence.begin_shop(None);
            for line in shop {
                evidence.add_shop(line);
            }
        }
        if let Some(provider) = &self.provider {
            evidence.begin_provider(None);
            for line in provider {
                evidence.add_payment(line);
            }
        }
        evidence
    }
}

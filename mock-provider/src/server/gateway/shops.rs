//! Which shop has which password. This is a mock: a shop is whoever calls, and its first call says
//! its password; another one is refused from then on, so that a mistyped password is found.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::asked::Shop;

/// How many shops may call: more than one rehearsal has.
const SHOPS_MAX: usize = 1_000;

/// The passwords of all shops, by id.
#[derive(Debug, Default)]
pub(super) struct Shops(Mutex<BTreeMap<Box<str>, Box<str>>>);

impl Shops {
    /// Whether the shop may call.
    pub(super) fn admit(&self, shop: &Shop) -> bool {
        let mut known = self.0.lock().expect("nothing panics under the lock");
        if let Some(pass) = known.get(&*shop.id) {
            return **pass == *shop.pass;
        }
        let has_room = known.len() < SHOPS_MAX;
        if has_room {
            known.insert(shop.id.as_str().into(), shop.pass.as_str().into());
        }
        has_room
    }

    /// The shop's password; empty before its first call.
    pub(super) fn pass(&self, id: &str) -> String {
        let known = self.0.lock().expect("nothing panics under the lock");
        known.get(id).map(ToString::to_string).unwrap_or_default()
    }
}

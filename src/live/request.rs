//! The HTTP requests of the shop's interface: preformatted where nothing varies, written into one
//! buffer where something does.

use std::io::Write;

use domain::id::{FanId, ItemId, SlotId, key_of};
use domain::outcome::Operation;
use domain::shop::{Catalogue, Checkout};
use serde::Serialize;

use crate::fan::Request;
use crate::fan::behaviour::Reload;
use crate::live::http::Body;

/// How a generator introduces itself.
const AGENT: &str = concat!("spike/", env!("CARGO_PKG_VERSION"));

/// All that the fans of one population can ask of the shop, as bytes.
#[derive(Debug)]
pub(super) struct Script {
    /// The cacheable parts of the page, in the order they are loaded.
    parts: Vec<Vec<u8>>,
    /// How many calls one reload makes.
    calls: u16,
    status: Vec<u8>,
    slots: Vec<u8>,
    items: Vec<Vec<u8>>,
    host: String,
    first_item: u16,
    first_slot: u16,
}

/// The body of `POST /cart`.
#[derive(Serialize)]
struct Cart {
    item: ItemId,
    slot: Option<SlotId>,
    quantity: u32,
}

impl Script {
    /// The requests of a population whose sale stands at `sale` in `catalogue`, for `host`.
    pub(super) fn new(catalogue: &Catalogue, sale: usize, reload: &Reload, host: &str) -> Self {
        let get = |path: String| {
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {AGENT}\r\n\r\n")
                .into_bytes()
        };
        let first_item = catalogue.first_item(sale).0;
        let items = 0..catalogue.sales[sale].items.len();
        Self {
            parts: (0..reload.cacheable).map(|n| get(format!("/sales/{sale}/page/{n}"))).collect(),
            calls: reload.calls.max(1),
            status: get(format!("/sales/{sale}/status")),
            slots: get(format!("/sales/{sale}/slots")),
            items: items.map(|n| get(format!("/items/{}", usize::from(first_item) + n))).collect(),
            host: host.to_owned(),
            first_item,
            first_slot: catalogue.first_slot(sale).0,
        }
    }

    /// How many calls `operation` makes, one after the other.
    pub(super) const fn calls(&self, operation: Operation) -> u16 {
        match operation {
            Operation::Reload => self.calls,
            _ => 1,
        }
    }

    /// Whether call number `call` of `operation` is a cacheable part of the page: the parts come
    /// first, then the calls that ask for the sale's status.
    pub(super) fn is_part(&self, operation: Operation, call: u16) -> bool {
        operation == Operation::Reload
            && call + 1 < self.calls
            && usize::from(call) < self.parts.len()
    }

    /// What becomes of the body of the answer to a call.
    pub(super) fn body(&self, operation: Operation, call: u16) -> Body {
        if self.is_part(operation, call) { Body::Skip } else { Body::Keep }
    }

    /// Writes call number `call` of `request` by `fan` into `out`, which it empties first.
    ///
    /// # Panics
    /// When the operation is a step of a foreign funnel, which the embedded shop's fans never take.
    pub(super) fn render(&self, fan: FanId, request: &Request, call: u16, out: &mut Vec<u8>) {
        out.clear();
        match request.operation {
            Operation::Reload if self.is_part(request.operation, call) => {
                out.extend_from_slice(&self.parts[usize::from(call)]);
            }
            Operation::Reload => out.extend_from_slice(&self.status),
            Operation::Slots => out.extend_from_slice(&self.slots),
            Operation::Item => out.extend_from_slice(&self.items[usize::from(request.item)]),
            Operation::Cart => self.post("/cart", &self.cart(request), out),
            Operation::Checkout => self.post("/checkout", &self.checkout(fan, request), out),
            Operation::Poll => self.poll(fan, request, out),
            Operation::Login | Operation::Other => {
                unreachable!("the embedded shop's funnel has no such step")
            }
        }
    }

    fn cart(&self, request: &Request) -> Cart {
        Cart {
            item: self.item(request),
            slot: self.slot(request),
            quantity: u32::from(request.quantity),
        }
    }

    fn checkout(&self, fan: FanId, request: &Request) -> Checkout {
        Checkout {
            fan,
            intent: fan.to_string(),
            key: key_of(fan, request.purchase),
            item: self.item(request),
            slot: self.slot(request),
            quantity: u32::from(request.quantity),
            card: u32::from(request.purchase),
        }
    }

    fn item(&self, request: &Request) -> ItemId {
        ItemId(self.first_item + u16::from(request.item))
    }

    fn slot(&self, request: &Request) -> Option<SlotId> {
        request.slot.map(|slot| SlotId(self.first_slot + u16::from(slot)))
    }

    fn post(&self, path: &str, body: &impl Serialize, out: &mut Vec<u8>) {
        let body = serde_json::to_vec(body).expect("plain fields become JSON");
        write!(
            out,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        )
        .expect("memory takes every byte");
        out.extend_from_slice(&body);
    }

    fn poll(&self, fan: FanId, request: &Request, out: &mut Vec<u8>) {
        write!(
            out,
            "GET /orders/{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\n\r\n",
            key_of(fan, request.purchase),
            self.host
        )
        .expect("memory takes every byte");
    }
}

/// Whether asking twice may take effect twice: such an operation is never repeated by the
/// connection, and one that was sent but not answered is `unknown`, not failed.
pub(super) const fn takes_effect(operation: Operation) -> bool {
    matches!(operation, Operation::Cart | Operation::Checkout | Operation::Login | Operation::Other)
}

#[cfg(test)]
mod tests {
    use domain::money::Amount;
    use domain::shop::{Item, Sale, Slot};
    use domain::time::Time;

    use super::*;

    const FAN: FanId = FanId { population: 1, index: 417 };

    fn script() -> Script {
        let sale = |name: &str| Sale {
            id: name.to_owned(),
            opens: Time::ZERO,
            closes: Time::NEVER,
            limit_per_fan: 4,
            items: ["tee", "towel"]
                .map(|id| Item { id: id.to_owned(), stock: 1, price: Amount::ZERO })
                .to_vec(),
            slots: vec![Slot { id: "noon".to_owned(), capacity: 1 }],
        };
        let catalogue = Catalogue { sales: vec![sale("one"), sale("two")] };
        let reload = Reload { calls: 3, cacheable: 2, ..Reload::default() };
        Script::new(&catalogue, 1, &reload, "shop.test")
    }

    fn rendered(operation: Operation, call: u16) -> String {
        let request = Request {
            operation,
            intended: Time::ZERO,
            deadline: Time::NEVER,
            item: 1,
            slot: Some(0),
            quantity: 2,
            purchase: 1,
        };
        let mut bytes = b"left over".to_vec();
        script().render(FAN, &request, call, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_reload_loads_the_parts_and_then_asks_for_the_status() {
        let script = script();
        assert_eq!(script.calls(Operation::Reload), 3);
        let lines = [0, 1, 2].map(|call| rendered(Operation::Reload, call));
        assert!(lines[0].starts_with("GET /sales/1/page/0 HTTP/1.1\r\nHost: shop.test\r\n"));
        assert!(lines[1].starts_with("GET /sales/1/page/1 "));
        assert!(lines[2].starts_with("GET /sales/1/status "));
        assert_eq!(script.body(Operation::Reload, 1), Body::Skip);
        assert_eq!(script.body(Operation::Reload, 2), Body::Keep);
        assert!(lines.iter().all(|line| line.ends_with("\r\n\r\n")));
    }

    #[test]
    fn items_and_slots_are_asked_for_by_their_numbers_across_the_sales() {
        assert!(rendered(Operation::Slots, 0).starts_with("GET /sales/1/slots "));
        assert!(rendered(Operation::Item, 0).starts_with("GET /items/3 "));
        assert!(rendered(Operation::Poll, 0).starts_with("GET /orders/1-417-1 "));
        let cart = rendered(Operation::Cart, 0);
        let body = r#"{"item":3,"slot":1,"quantity":2}"#;
        assert!(cart.starts_with("POST /cart "));
        assert!(cart.ends_with(&format!("Content-Length: {}\r\n\r\n{body}", body.len())));
    }

    #[test]
    fn a_checkout_carries_intent_key_and_card_of_its_purchase() {
        let text = rendered(Operation::Checkout, 0);
        let body = text.split_once("\r\n\r\n").unwrap().1;
        let checkout: Checkout = serde_json::from_str(body).unwrap();
        let expected = Checkout {
            fan: FAN,
            intent: "1-417".to_owned(),
            key: "1-417-1".to_owned(),
            item: ItemId(3),
            slot: Some(SlotId(1)),
            quantity: 2,
            card: 1,
        };
        assert_eq!(checkout, expected);
    }
}

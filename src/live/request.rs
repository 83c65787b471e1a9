//! The HTTP requests of the shop's interface: preformatted where nothing varies, written into one
//! buffer where something does.

use std::io::Write;

use domain::id::{FanId, ItemId, SlotId};
use domain::outcome::{Operation, Outcome};
use domain::shop::{Catalogue, ShopRequest};
use serde::Serialize;

use crate::fan::Request;
use crate::fan::behaviour::Reload;
use crate::fan::calls::SaleNumbers;
use crate::live::http::Body;

/// How a generator introduces itself.
const AGENT: &str = concat!("spike/", env!("CARGO_PKG_VERSION"));

/// All that the fans of one population can ask of the shop, as bytes.
#[derive(Debug)]
pub(super) struct Script {
    reload: Reload,
    numbers: SaleNumbers,
    /// The cacheable parts of the page, in the order they are loaded.
    parts: Vec<Vec<u8>>,
    status: Vec<u8>,
    login: Vec<u8>,
    slots: Vec<u8>,
    /// The sale's items, by their places in it.
    items: Vec<Vec<u8>>,
    host: String,
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
        let numbers = SaleNumbers::of(catalogue, sale);
        let first_item = usize::from(numbers.first_item.0);
        let items = 0..catalogue.sales[sale].items.len();
        Self {
            parts: (0..reload.cacheable).map(|n| get(format!("/sales/{sale}/page/{n}"))).collect(),
            status: get(format!("/sales/{sale}/status")),
            login: format!(
                "POST /sales/{sale}/login HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {AGENT}\r\n\
                 Content-Length: 0\r\n\r\n"
            )
            .into_bytes(),
            slots: get(format!("/sales/{sale}/slots")),
            items: items.map(|n| get(format!("/items/{}", first_item + n))).collect(),
            host: host.to_owned(),
            reload: reload.clone(),
            numbers,
        }
    }

    /// Whether another call follows call number `call` of `request`, which ended with `outcome`.
    pub(super) fn goes_on(&self, request: &Request, call: u16, outcome: Outcome) -> bool {
        request.goes_on(call, outcome, &self.reload)
    }

    /// What becomes of the body of the answer to a call: nobody reads a part of the page.
    pub(super) fn body(&self, operation: Operation, call: u16) -> Body {
        let is_part = operation == Operation::Reload && self.reload.is_part(call);
        if is_part { Body::Skip } else { Body::Keep }
    }

    /// The bytes of call number `call` of `request` by `fan`: those that lie ready, or written into
    /// `out`, which is emptied first.
    pub(super) fn render<'a>(
        &'a self,
        fan: FanId,
        request: &Request,
        call: u16,
        out: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        out.clear();
        match request.call(call, fan, &self.reload, self.numbers) {
            ShopRequest::Page { part, .. } => return &self.parts[usize::from(part)],
            ShopRequest::Status { .. } => return &self.status,
            ShopRequest::Login { .. } => return &self.login,
            ShopRequest::Slots { .. } => return &self.slots,
            ShopRequest::Item { .. } => return &self.items[usize::from(request.item)],
            ShopRequest::Cart { item, slot, quantity } => {
                self.post("/cart", &Cart { item, slot, quantity }, out);
            }
            ShopRequest::Enter(entry) => self.post("/entries", &entry, out),
            ShopRequest::Drawn { sale, fan } => {
                self.get(&format!("/sales/{sale}/entries/{fan}"), out);
            }
            ShopRequest::Checkout(checkout) => self.post("/checkout", &checkout, out),
            ShopRequest::Order { key } => self.get(&format!("/orders/{key}"), out),
        }
        out
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

    fn get(&self, path: &str, out: &mut Vec<u8>) {
        write!(out, "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\n\r\n", self.host)
            .expect("memory takes every byte");
    }
}

/// Whether asking twice may take effect twice: such an operation is never repeated by the
/// connection, and one that was sent but not answered is `unknown`, not failed.
pub(super) const fn takes_effect(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Cart
            | Operation::Entry
            | Operation::Checkout
            | Operation::Login
            | Operation::Other
    )
}

#[cfg(test)]
mod tests {
    use domain::money::Amount;
    use domain::shop::{Checkout, Item, Sale, Slot};
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
            lottery: None,
            slots: vec![Slot { id: "noon".to_owned(), capacity: 1 }],
        };
        let catalogue = Catalogue { sales: vec![sale("one"), sale("two")] };
        let reload = Reload { calls: 3, cacheable: 2, ..Reload::default() };
        Script::new(&catalogue, 1, &reload, "shop.test")
    }

    fn rendered(operation: Operation, call: u16) -> String {
        let request = Request {
            operation,
            stage: 0,
            intended: Time::ZERO,
            deadline: Time::NEVER,
            item: 1,
            slot: Some(0),
            quantity: 2,
            purchase: 1,
        };
        let mut bytes = b"left over".to_vec();
        let script = script();
        String::from_utf8(script.render(FAN, &request, call, &mut bytes).to_vec()).unwrap()
    }

    #[test]
    fn a_reload_loads_the_parts_and_then_asks_for_the_status() {
        let script = script();
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
        let login = rendered(Operation::Login, 0);
        assert!(login.starts_with("POST /sales/1/login ") && login.contains("Content-Length: 0"));
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

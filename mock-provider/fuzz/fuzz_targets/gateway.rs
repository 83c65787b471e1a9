//! No bytes make the decoder of the gateway's forms panic, and what it reads it reads again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mock_provider::server::gateway::fields::Fields;

fuzz_target!(|bytes: &[u8]| {
    let fields = Fields::decode(bytes);
    for name in ["ShopID", "OrderID", "Amount", "CardNo", "ClientField1"] {
        assert!(fields.text(name).is_none_or(|text| !text.is_empty()));
    }
    assert_eq!(Fields::decode(bytes), fields);
});

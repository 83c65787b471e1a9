//! Any bytes as a body of the native API: no panic, the limits hold, and what was decoded survives
//! its encoding.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use mock_provider::server::decode::{
    AuthorizeBody, BODY_BYTES_MAX, CaptureBody, NAME_BYTES_MAX, VoidBody, body, name,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|bytes: &[u8]| {
    let references = [
        decode::<AuthorizeBody>(bytes).map(|body| body.reference),
        decode::<CaptureBody>(bytes).map(|body| body.reference),
        decode::<VoidBody>(bytes).map(|body| body.reference),
        std::str::from_utf8(bytes).ok().map(str::to_owned),
    ];
    for reference in references.into_iter().flatten() {
        if let Ok(name) = name("reference", Some(&reference)) {
            assert!((1..=NAME_BYTES_MAX).contains(&name.len()));
            assert_eq!(name.trim(), name);
        }
    }
});

/// The body, which is the same once encoded and decoded; an encoding can be longer.
fn decode<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let decoded: T = match body(bytes) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    assert!(bytes.len() <= BODY_BYTES_MAX);
    let encoded = serde_json::to_vec(&decoded).expect("a body is encodable");
    if encoded.len() <= BODY_BYTES_MAX {
        assert_eq!(body::<T>(&encoded).expect("an encoded body is decoded"), decoded);
    }
    Some(decoded)
}

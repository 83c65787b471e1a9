//! Any bytes as a form: no panic, the limits hold, and what was decoded survives its encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mock_provider::server::stripe::form::{
    BODY_BYTES_MAX, FieldError, Form, METADATA_KEYS_MAX, MetadataChange, PAIRS_MAX, Parameters,
};

fuzz_target!(|bytes: &[u8]| {
    match Form::decode(bytes) {
        Ok(form) => {
            assert_within_limits(bytes);
            assert_survives(&form);
            drop(form.parameters().known_only(&["a", "b[c]", "d[]", "metadata"]));
            let whole = form.parameters();
            read(&whole, &whole);
        }
        Err(error) => assert_told(&error),
    }
});

fn assert_within_limits(bytes: &[u8]) {
    assert!(bytes.len() <= BODY_BYTES_MAX);
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    assert!(pairs.count() <= PAIRS_MAX);
}

/// An encoding can be longer than what was sent: brackets take three bytes, and indices are named.
fn assert_survives(form: &Form) {
    match Form::decode(form.encode().as_bytes()) {
        Ok(again) => {
            assert_eq!(&again, form);
            assert_eq!(again.fingerprint(), form.fingerprint());
        }
        Err(FieldError::BodyTooLong { .. } | FieldError::KeyTooLong { .. }) => {}
        Err(error) => panic!("an encoded form is refused: {error:?}"),
    }
}

fn assert_told(error: &FieldError) {
    assert!(!error.to_string().is_empty());
    let whole = matches!(error, FieldError::BodyTooLong { .. });
    assert_eq!(error.param().is_none(), whole);
}

/// Reads everything in `part` as everything; where nothing is known, the unknown have whole names.
fn read(parameters: &Parameters<'_>, part: &Parameters<'_>) {
    let names = match part.known_only(&[]) {
        Err(FieldError::Unknown { params }) => params,
        other => return assert_eq!(other, Ok(())),
    };
    for name in names {
        assert!(parameters.has(&name));
        let errors = [
            parameters.text(&name).err(),
            parameters.amount(&name).err(),
            parameters.boolean(&name).err(),
            parameters.one_of(&name, &["a", "b"]).err(),
            parameters.texts(&name).err(),
            parameters.moments(&name).err(),
        ];
        errors.iter().flatten().for_each(assert_told);
        drop(parameters.list(&name));
        if let Ok(Some(part)) = parameters.table(&name) {
            read(parameters, &part);
        }
        if let Ok(Some(MetadataChange::Merge(keys))) = parameters.metadata(&name) {
            assert!(keys.values().flatten().count() <= METADATA_KEYS_MAX);
        }
    }
}

//! Any text as the target and steps of a scenario and, after a NUL, any answers to them: no panic, what
//! is wrong is told, and what is right is said as one request each, whatever the shop answered before.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/funnel_promises.rs"]
#[expect(dead_code, reason = "the other fuzzer asks the rest of it")]
mod funnel_promises;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, said) = bytes.split_at(end);
    if let Ok(text) = str::from_utf8(text) {
        funnel_promises::assert_steps_are_read_or_refused(text, said.get(1..).unwrap_or_default());
    }
});

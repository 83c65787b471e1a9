//! Any bytes as the answers to a funnel in which everything can happen: captures of each kind, rules,
//! redirects, cookies, what the edge says.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/funnel_promises.rs"]
#[expect(dead_code, reason = "the other fuzzer asks the rest of it")]
mod funnel_promises;

fuzz_target!(|bytes: &[u8]| funnel_promises::assert_answers_are_heard(bytes));

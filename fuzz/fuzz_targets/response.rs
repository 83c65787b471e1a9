//! Any bytes as a shop's answer, cut anywhere: no panic, the same answer however they are cut, no
//! more used than given, and no more memory held than allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/live"]
mod live {
    #[expect(dead_code, reason = "the load loops use more of the reader than its promises do")]
    mod http;

    pub(crate) fn assert_promises(bytes: &[u8]) {
        http::splits::assert_any_split_reads_alike(bytes);
    }
}

fuzz_target!(|bytes: &[u8]| live::assert_promises(bytes));

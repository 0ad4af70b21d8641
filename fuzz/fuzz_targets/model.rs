//! Two stacks, a hostile network between them and a forger who knows every number.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    matnet_fuzz::model::run(data);
});

//! A whole stack under a hostile network, a hostile clock and a careless program.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    matnet_fuzz::on_frame::run(data);
});

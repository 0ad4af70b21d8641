//! TCP headers and options from arbitrary bytes, compared with etherparse.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| matnet_fuzz::wire::tcp(data));

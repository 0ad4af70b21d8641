//! Ethernet and IPv4 headers from arbitrary bytes, compared with etherparse.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| matnet_fuzz::wire::ethernet_ip(data));

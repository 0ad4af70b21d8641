//! Classic BPF programs from arbitrary bytes: what the check accepts runs to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| matnet_fuzz::on_frame::options::run_filter(data));

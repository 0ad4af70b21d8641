//! ICMP messages with the packets they quote, UDP datagrams and ARP packets from arbitrary bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| matnet_fuzz::wire::icmp_udp_arp(data));

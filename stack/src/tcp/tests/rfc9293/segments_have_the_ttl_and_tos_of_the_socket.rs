//! RFC 9293 section 3.9.2, MUST-49, and 3.9.1.9, MUST-48, SHLD-21, SHLD-22: TTL and Diffserv field are the program's, go out
//! unchanged, and may change on the way.
//!
//! The bits of ECN in the field belong to the stack (`tests/ecn`).

use super::*;

/// What carries each segment, which `Sent` does not keep.
struct Fields(Vec<(u8, u8)>);

impl IpOutput for Fields {
    fn send_tcp(&mut self, _: Instant, tx: &TcpOut<'_>) -> std::result::Result<(), Full> {
        self.0.push((tx.ttl, tx.tos));
        Ok(())
    }

    fn path_mtu(&self, _: Ipv4Addr) -> u16 {
        1500
    }

    fn link_mtu(&self, _: Ipv4Addr) -> u16 {
        1500
    }

    fn tso_max(&self, _: Ipv4Addr) -> usize {
        0
    }
}

#[test]
fn segments_have_the_ttl_and_tos_of_the_socket() {
    let mut b = Bench::connected(PLAIN);
    for (ttl, tos) in [(64, 0), (3, 0xb8), (255, 0x20)] {
        b.options(|o| (o.ttl, o.tos) = (ttl, tos));
        b.send(b"word");
        let mut below = Fields(Vec::new());
        let _ = b.tcp.poll_transmit(b.now, &mut below, &mut b.counters);
        assert_eq!(below.0, [(ttl, tos)]);
        let una = u32::try_from(b.info().bytes_sent).unwrap();
        b.peer(ACK, 1, 1 + una, &[]);
    }
}

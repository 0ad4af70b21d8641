//! ip(7) IP_MTU_DISCOVER, tcp_v4_mtu_reduced: a message that a packet was too big is nothing to a socket that does not follow the
//! path; what is in flight is not sent again for it, however often it comes.

use super::*;
use crate::types::MtuDiscover;

#[test]
fn nothing_is_sent_again() {
    for mode in [MtuDiscover::Dont, MtuDiscover::Probe, MtuDiscover::Interface, MtuDiscover::Omit] {
        let mut b = Bench::connected_with(WIDE, |b| b.options(|o| o.mtu_discover = mode));
        b.send(&[1; 14_600]);
        assert_eq!(b.sent().len(), 10);
        for mtu in [1000, 600] {
            too_big(&mut b, 1, mtu);
            b.silent();
        }
        let info = b.info();
        assert_eq!((info.snd_mss, info.pmtu, info.total_retrans), (1460, 1500, 0), "{mode:?}");
    }
}

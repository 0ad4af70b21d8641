//! tcp(7), socket(7): connections have the settings of their listener.

use super::*;

#[test]
fn children_inherit_options() {
    let mut b = Bench::listening(5);
    b.options(|o| {
        o.nodelay = true;
        o.keepalive = true;
        o.rcvbuf = Some(20_000);
        o.tos = 0x10;
    });
    let syn_ack = b.client_syn(PLAIN);
    assert_eq!(syn_ack.repr.window, 20_000);
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    let o = b.tcp.options(child).unwrap();
    assert!(o.nodelay && o.keepalive && o.tos == 0x10 && o.rcvbuf == Some(20_000));
}

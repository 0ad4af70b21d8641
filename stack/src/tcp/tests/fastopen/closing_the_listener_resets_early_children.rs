//! inet_csk_listen_stop: early children that nobody accepted are reset with their listener; accepted ones live on.

use super::*;

#[test]
fn closing_the_listener_resets_early_children() {
    let mut b = server(5);
    let cookie = cookie_of(&mut b);
    syn_with(&mut b, Some(cookie), b"data");
    let child = accept(&mut b);
    b.remote += 1;
    let iss = b.iss;
    syn_with(&mut b, Some(cookie), b"data");
    b.tcp.close(b.now, b.id);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].repr.flags, sent[0].repr.dst_port), (RST | ACK, b.remote));
    (b.id, b.iss) = (child, iss);
    b.remote -= 1;
    b.peer(ACK, 5, 1, &[]);
    assert_eq!(b.state(), TcpState::Established);
}

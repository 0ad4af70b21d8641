//! Who asks for room and finds none is told when there is some, as who sent and was refused.

use super::*;

#[test]
fn asking_for_room_is_enough_to_be_told() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.sndbuf = Some(5000));
    assert_eq!(b.tcp.send_space(b.id), Ok(5000));
    assert_eq!(b.send(&[1; 5000]), 5000);
    b.flush();
    b.events();
    assert_eq!(b.tcp.send_space(b.id), Ok(0));
    b.peer(ACK, 1, 5001, &[]);
    assert!(b.events().iter().any(|(_, edges)| edges.contains(Readiness::OUT)));
}

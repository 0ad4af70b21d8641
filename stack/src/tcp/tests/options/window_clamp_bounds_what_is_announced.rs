//! tcp(7) TCP_WINDOW_CLAMP: "Bound the size of the advertised window to this value."

use super::*;

#[test]
fn window_clamp_bounds_what_is_announced() {
    let mut b = Bench::connected_with(MODERN, |b| b.options(|o| o.window_clamp = 2000));
    b.peer(ACK | PSH, 1, 1, b"x");
    b.recv(10).unwrap();
    b.peer(ACK | PSH, 2, 1, &[7; 1460]);
    b.advance(ms(50));
    b.peer(ACK | PSH, 1462, 1, &[7; 100]);
    let sent = b.advance(ms(50));
    let window = u32::from(sent.last().unwrap().repr.window) << b.info().rcv_wscale;
    assert!((1..=2048).contains(&window), "{window}");
}

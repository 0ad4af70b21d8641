//! Small writes gather to full frames while much is under way to a near peer (`output.rs`, GATHER_FROM).

use super::*;

#[test]
fn small_writes_make_full_frames_while_much_is_under_way() {
    let (mut b, next) = warm(NEAR);
    // Nothing is under way: at once, and so are the next, though there is less and less reason for it.
    let mut frames = 0;
    let mut written = 0u32;
    while b.info().bytes_in_flight < GATHER_FROM {
        b.send(&[1; 1448]);
        written += 1448;
        let sent = b.flush();
        assert_eq!(sizes(&sent), [1448]);
        frames += 1;
    }
    assert_eq!(frames, GATHER_FROM.div_ceil(1448));
    // Now they gather, up to a full frame.
    let full = 65_415 / 1448 * 1448;
    let mut gathered = 0;
    while gathered + 1448 < full {
        b.send(&[2; 1448]);
        gathered += 1448;
        b.silent();
    }
    b.send(&[2; 1448]);
    assert_eq!(sizes(&b.flush()), [full]);
    written += full as u32;
    b.send(&[3; 1448]);
    b.silent();
    // An acknowledgement that leaves as much under way changes nothing; one that leaves less lets it go.
    b.peer(ACK, 1, next + 1448, &[]);
    b.silent();
    b.peer(ACK, 1, next + written - 60_000, &[]);
    assert_eq!(sizes(&b.flush()), [1448]);
}

//! TCP_FASTOPEN_NO_COOKIE: where clients are known, data in a SYN needs no cookie, on either side.

use super::*;

#[test]
fn a_server_takes_data_without_a_cookie() {
    let mut b = server(5);
    b.options(|o| o.fast_open_no_cookie = true);
    let answer = syn_with(&mut b, None, b"data");
    assert_eq!((answer.repr.ack.0, answer.repr.options.fast_open), (b.irs + 5, None));
    b.id = accept(&mut b);
    assert_eq!(b.recv(10).unwrap(), b"data");
}

#[test]
fn a_client_sends_data_without_a_cookie() {
    let mut b = Bench::new();
    b.options(|o| o.fast_open_no_cookie = true);
    assert_eq!(send_to(&mut b, b"data"), Ok(4));
    let syn = syn(&mut b);
    assert_eq!((&syn.payload[..], syn.repr.options.fast_open), (&b"data"[..], None));
    syn_ack(&mut b, 4, None);
    assert!(b.info().syn_data);
}

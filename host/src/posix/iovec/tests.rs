use super::*;

fn iov(bytes: &[u8]) -> iovec {
    iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

#[test]
fn few_and_many_entries() {
    for n in [0, 1, 16, 17, 1024] {
        let entries: Vec<iovec> = (0..n).map(|_| iov(b"ab")).collect();
        // SAFETY: the entries are static.
        let total =
            unsafe { with_sources(entries.as_ptr(), n, |bufs| bufs.iter().map(|b| b.len()).sum::<usize>()) };
        assert_eq!(total, Ok(2 * n));
    }
}

#[test]
fn targets_are_the_programs_memory() {
    let (mut a, mut b) = ([0u8; 2], [0u8; 3]);
    let entries = [
        iovec { iov_base: a.as_mut_ptr().cast(), iov_len: 2 },
        iovec { iov_base: std::ptr::null_mut(), iov_len: 0 },
        iovec { iov_base: b.as_mut_ptr().cast(), iov_len: 3 },
    ];
    // SAFETY: the entries are live and do not overlap.
    let done = unsafe { with_targets(entries.as_ptr(), 3, |bufs| bufs.iter_mut().for_each(|b| b.fill(7))) };
    assert_eq!(done, Ok(()));
    assert_eq!((a, b), ([7; 2], [7; 3]));
}

#[test]
fn what_import_iovec_refuses() {
    let mut room = MAX_RW;
    assert_eq!(length(&iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }, &mut room), Ok(0));
    assert_eq!(length(&iovec { iov_base: std::ptr::null_mut(), iov_len: 1 }, &mut room), Err(Errno::EFAULT));
    assert_eq!(
        length(&iovec { iov_base: std::ptr::null_mut(), iov_len: usize::MAX }, &mut room),
        Err(Errno::EINVAL)
    );
    // The total is cut, not refused.
    let mut room = 10;
    let mut byte = 0u8;
    let big = iovec { iov_base: (&raw mut byte).cast(), iov_len: 100 };
    assert_eq!((length(&big, &mut room), room), (Ok(10), 0));
    assert_eq!(entry_count(1024), Ok(1024));
    assert_eq!(entry_count(1025), Err(Errno::EINVAL));
    assert_eq!(entry_count(-1), Err(Errno::EINVAL));
    // SAFETY: a null array is what is tested.
    assert_eq!(unsafe { with_sources(std::ptr::null(), 1, |_| ()) }, Err(Errno::EFAULT));
}

#[test]
fn addresses_are_cut_and_their_length_told() {
    let from = SockAddr::encode(libc::AF_INET, "10.1.2.3:80".parse().unwrap());
    let mut room = [0xffu8; 32];
    for (given, kept) in [(32, 16), (16, 16), (5, 5), (0, 0)] {
        room.fill(0xff);
        let mut len: socklen_t = given;
        // SAFETY: the buffer has 32 bytes.
        let stored = unsafe { store_sockaddr(&from, room.as_mut_ptr().cast(), &raw mut len) };
        assert_eq!((stored, len), (Ok(()), 16));
        assert_eq!(&room[..kept], &from.as_bytes()[..kept]);
        assert!(room[kept..].iter().all(|b| *b == 0xff));
    }
    let mut len: socklen_t = 9;
    // SAFETY: null pointers are allowed.
    unsafe {
        assert_eq!(store_sockaddr(&from, std::ptr::null_mut(), &raw mut len), Ok(()));
        assert_eq!(store_sockaddr(&from, room.as_mut_ptr().cast(), std::ptr::null_mut()), Ok(()));
    }
    assert_eq!(len, 9);
}

//! In a steady state no call and no packet allocates memory: a real device, the kernel as the peer, the calls as a program
//! makes them, and all threads counted, that of the stack too.
//!
//! Needs the right to make a namespace and /dev/net/tun; without them the test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};

use libc::c_int;
use matnet_host::posix::{self, Outcome};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HOST: Ipv4Addr = Ipv4Addr::new(10, 88, 45, 1);

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(result) => result.unwrap(),
        Outcome::Kernel => panic!("the kernel's"),
    }
}

fn dial(ty: c_int, port: u16) -> c_int {
    let fd = done(posix::socket(libc::AF_INET, ty, 0));
    let mut address = [0u8; 16];
    address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&port.to_be_bytes());
    address[4..8].copy_from_slice(&HOST.octets());
    done(posix::connect(fd, &address));
    fd
}

fn send(fd: c_int, data: &[u8]) {
    assert_eq!(done(posix::send(fd, &[data], 0, None)), data.len());
}

fn recv(fd: c_int, buf: &mut [u8]) -> usize {
    posix::recv(fd, &mut [buf], 0).unwrap().len
}

/// Runs `turn` until all is warm and then again; the allocations of the second time. What is beside the packets may grow
/// once more when a queue is longer than ever before, so the least of a few tries counts.
fn steady(name: &str, turns: usize, mut turn: impl FnMut()) {
    let mut least = u64::MAX;
    for _ in 0..6 {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        (0..turns).for_each(|_| turn());
        least = least.min(ALLOCATIONS.load(Ordering::Relaxed) - before);
        if least == 0 {
            return;
        }
    }
    panic!("{name}: {least} allocations in {turns} turns");
}

#[test]
fn calls_and_packets_allocate_nothing() {
    // SAFETY: no pointers; only this thread, and those it starts, change their namespace.
    let made = unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0;
    if !made || std::fs::File::options().read(true).write(true).open("/dev/net/tun").is_err() {
        eprintln!("skipped: needs root (a network namespace) and /dev/net/tun");
        return;
    }
    // Makes the device, so that the host has its address.
    let first = done(posix::socket(libc::AF_INET, libc::SOCK_STREAM, 0));
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));

    // Echoes what comes, by 64 kB.
    let echo = TcpListener::bind(any).unwrap();
    let echo_port = echo.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in echo.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let mut buf = vec![0; 64 << 10];
                while let Ok(n @ 1..) = stream.read(&mut buf) {
                    if stream.write_all(&buf[..n]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    // Takes all, after a byte gives without end.
    let bulk = TcpListener::bind(any).unwrap();
    let bulk_port = bulk.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buf = vec![0; 256 << 10];
        for stream in bulk.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut buf[..1]).unwrap();
            if buf[0] == 1 {
                while stream.write_all(&buf).is_ok() {}
            } else {
                while let Ok(1..) = stream.read(&mut buf) {}
            }
        }
    });
    let datagrams = UdpSocket::bind(any).unwrap();
    let datagram_port = datagrams.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buf = [0; 2000];
        while let Ok((n, from)) = datagrams.recv_from(&mut buf) {
            let _ = datagrams.send_to(&buf[..n], from);
        }
    });

    let mut buf = vec![0; 256 << 10];
    let fd = dial(libc::SOCK_STREAM, echo_port);
    for size in [1, 64, 1000, 10_000, 60_000] {
        let data = vec![7; size];
        steady(&format!("echo of {size}"), 500, || {
            send(fd, &data);
            let mut got = 0;
            while got < size {
                got += recv(fd, &mut buf);
            }
        });
    }
    // A second thread that waits does not have the device: it is woken.
    let other = dial(libc::SOCK_STREAM, echo_port);
    let waiting = std::thread::spawn(move || {
        let mut buf = [0; 64];
        while recv(other, &mut buf) > 0 {}
    });
    steady("two threads", 500, || {
        send(fd, &[1]);
        send(other, &[1]);
        assert_eq!(recv(fd, &mut buf), 1);
    });
    posix::shutdown(other, libc::SHUT_WR).unwrap();
    waiting.join().unwrap();
    posix::close(other).unwrap();
    posix::close(fd).unwrap();
    for size in [1000, 128 << 10] {
        let data = vec![0; size];
        let fd = dial(libc::SOCK_STREAM, bulk_port);
        steady(&format!("writes of {size}"), (64 << 20) / size, || send(fd, &data));
        posix::close(fd).unwrap();
    }
    let fd = dial(libc::SOCK_STREAM, bulk_port);
    send(fd, &[1]);
    steady("bulk received", 1000, || assert!(recv(fd, &mut buf) > 0));
    posix::close(fd).unwrap();

    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let fd = dial(libc::SOCK_STREAM, bulk_port);
    send(fd, &[0]);
    steady("sendfile", 200, || {
        let mut offset = 0;
        let from = std::os::fd::AsRawFd::as_raw_fd(&file);
        // SAFETY: the offset is valid.
        let sent = unsafe { posix::sendfile(fd, from, &raw mut offset, 500_000) };
        assert_eq!(sent.unwrap(), 500_000);
    });
    posix::close(fd).unwrap();

    let fd = dial(libc::SOCK_DGRAM, datagram_port);
    for size in [1, 64, 1400] {
        let data = vec![7; size];
        steady(&format!("datagrams of {size}"), 500, || {
            send(fd, &data);
            assert_eq!(recv(fd, &mut buf), size);
        });
    }
    posix::close(fd).unwrap();
    posix::close(first).unwrap();
}

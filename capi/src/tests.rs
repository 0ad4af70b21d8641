//! The structures, the versions, and the header that is committed.

use std::ffi::{CStr, CString};
use std::mem::{offset_of, size_of};

use libc::c_char;
use matnet_host::Errno;

use crate::config::{matnet_config, read, take};
use crate::*;

const HEADER: &str = include_str!("../../include/matnet.h");

#[test]
fn the_versions_agree() {
    // SAFETY: a string that lives for ever.
    let version = unsafe { CStr::from_ptr(matnet_version()) }.to_str().unwrap();
    let parts = [MATNET_VERSION_MAJOR, MATNET_VERSION_MINOR, MATNET_VERSION_PATCH];
    assert_eq!(version, parts.map(|n| n.to_string()).join("."));
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert!(HEADER.contains(&format!("#define MATNET_VERSION \"{version}\"\n")));
    for (name, part) in ["MAJOR", "MINOR", "PATCH"].iter().zip(parts) {
        assert!(HEADER.contains(&format!("#define MATNET_VERSION_{name} {part}\n")), "{name}");
    }
}

#[test]
fn the_header_initialises_every_field() {
    let macro_line = HEADER.lines().skip_while(|l| !l.starts_with("#define MATNET_CONFIG_INIT"));
    let body: String = macro_line.take_while(|l| !l.is_empty()).collect();
    assert_eq!(body.matches("NULL").count(), matnet_config::NONE.fields().len());
}

#[test]
fn every_field_has_its_option() {
    for (name, _) in matnet_config::NONE.fields() {
        assert!(matnet_host::config::find(name).is_some_and(|o| o.available), "{name}");
    }
    assert_eq!(size_of::<matnet_config>(), size_of::<usize>() + 14 * size_of::<*const c_char>());
}

#[test]
fn configurations_of_other_versions() {
    let addr = CString::new("10.1.2.3/8").unwrap();
    let tap = CString::new("tap7").unwrap();
    let full = matnet_config { tap: tap.as_ptr(), addr: addr.as_ptr(), ..matnet_config::NONE };
    // SAFETY: `size` is true or smaller than the truth.
    unsafe {
        assert_eq!(take(&full).unwrap().addr, full.addr);
        assert!(take(std::ptr::null()).unwrap().tap.is_null());
        let short = matnet_config { size: offset_of!(matnet_config, addr), ..full };
        let taken = take(&short).unwrap();
        assert_eq!((taken.tap, taken.addr), (full.tap, std::ptr::null()));
        assert_eq!(take(&matnet_config { size: 0, ..full }).unwrap_err(), Errno::EINVAL);
    }
    #[repr(C)]
    struct Later(matnet_config, usize);
    let mut later = Later(matnet_config { size: size_of::<Later>(), ..full }, 0);
    // SAFETY: the whole structure is readable.
    unsafe {
        assert!(take((&raw const later).cast()).is_ok());
        later.1 = 1;
        assert_eq!(take((&raw const later).cast()).unwrap_err(), Errno(libc::E2BIG));
    }
}

#[test]
fn values_are_read_as_variables_are() {
    let [tap, addr, cc, linger] = ["tap7", "10.1.2.3/8", "reno", "200ms"].map(|s| CString::new(s).unwrap());
    let config = matnet_config {
        tap: tap.as_ptr(),
        addr: addr.as_ptr(),
        congestion: cc.as_ptr(),
        linger: linger.as_ptr(),
        ..matnet_config::NONE
    };
    let (settings, _) = read(&config).unwrap();
    assert_eq!(settings.tap, "tap7");
    assert_eq!(settings.addr.to_string(), "10.1.2.3/8");
    assert_eq!(settings.congestion.name(), "reno");
    assert_eq!(settings.linger.as_millis(), 200);
    let bad = CString::new("10.88.45/24").unwrap();
    let line = read(&matnet_config { addr: bad.as_ptr(), ..matnet_config::NONE }).unwrap_err();
    assert!(line.starts_with("MATNET_ADDR: \"10.88.45/24\": expected"), "{line}");
    let bad = CString::new([0xff]).unwrap();
    assert!(
        read(&matnet_config { pcap: bad.as_ptr(), ..matnet_config::NONE }).unwrap_err().contains("UTF-8")
    );
}

#[test]
fn figures_before_the_first_socket() {
    let mut stats = matnet_stats { size: 24, frames_in: 7, bytes_in: 7, frames_out: 7, ..Default::default() };
    let mut value = 7;
    // SAFETY: the pointers are good or null.
    unsafe {
        assert_eq!(matnet_stats(&mut stats), 0);
        assert_eq!((stats.size, stats.frames_in, stats.bytes_in, stats.frames_out), (24, 0, 0, 7));
        stats.size = 1 << 20;
        assert_eq!(matnet_stats(&mut stats), 0);
        assert_eq!((stats.size, stats.frames_out), (size_of::<matnet_stats>(), 0));
        assert_eq!(matnet_stats(std::ptr::null_mut()), -1);
        assert_eq!(Errno::last(), Errno::EFAULT);
        assert_eq!(matnet_counter(c"frame_runt".as_ptr(), &mut value), 0);
        assert_eq!(value, 0);
        assert_eq!(matnet_counter(c"no_such".as_ptr(), &mut value), -1);
        assert_eq!(Errno::last(), Errno::ENOENT);
    }
}

#[test]
fn descriptors_of_the_kernel() {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers.
    assert_eq!(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    let [r, w] = fds;
    let mut buf = [0u8; 8];
    let mut poll = [libc::pollfd { fd: r, events: libc::POLLIN, revents: 0 }];
    let none: *mut libc::c_void = std::ptr::null_mut();
    // SAFETY: pointers and lengths are true, or wrong on purpose.
    unsafe {
        assert_eq!(matnet_poll(poll.as_mut_ptr(), 1, 0), 0);
        assert_eq!(matnet_write(w, b"hello".as_ptr().cast(), 5), 5);
        assert_eq!(matnet_poll(poll.as_mut_ptr(), 1, -1), 1);
        let mut queued = 0;
        assert_eq!(matnet_ioctl(r, libc::FIONREAD, (&raw mut queued).cast()), 0);
        assert_eq!(queued, 5);
        let mut set: libc::fd_set = std::mem::zeroed();
        libc::FD_SET(r, &mut set);
        let mut time = libc::timeval { tv_sec: 5, tv_usec: 0 };
        assert_eq!(matnet_select(r + 1, &mut set, none.cast(), none.cast(), &mut time), 1);
        assert!(time.tv_sec >= 4);
        assert_eq!(matnet_read(r, buf.as_mut_ptr().cast(), 8), 5);
        assert_eq!(matnet_fcntl(r, libc::F_SETFL, libc::O_NONBLOCK as libc::c_ulong), 0);
        assert_ne!(matnet_fcntl(r, libc::F_GETFL, 0) & libc::O_NONBLOCK, 0);
        assert_eq!(matnet_read(r, buf.as_mut_ptr().cast(), 8), -1);
        assert_eq!(Errno::last(), Errno::EAGAIN);
        let copy = matnet_dup(w);
        assert_eq!(matnet_dup2(w, copy), copy);
        assert_eq!(matnet_dup2(w, w), w);
        assert_eq!((matnet_close(w), matnet_close(copy)), (0, 0));
        assert_eq!(matnet_read(r, buf.as_mut_ptr().cast(), 8), 0);
        assert_eq!(matnet_send(r, buf.as_ptr().cast(), 1, 0), -1);
        assert_eq!(Errno::last(), Errno::ENOTSOCK);
        assert_eq!(matnet_close(r), 0);
        assert_eq!(matnet_read(-1, buf.as_mut_ptr().cast(), 8), -1);
        assert_eq!(Errno::last(), Errno::EBADF);
        assert_eq!(matnet_poll(none.cast(), 1, 0), -1);
        assert_eq!(Errno::last(), Errno::EFAULT);
    }
    let fd = matnet_socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
    assert!(fd >= 0);
    assert_eq!(matnet_close(fd), 0);
}

#[test]
fn the_readme_has_every_option() {
    let readme = include_str!("../../README.md");
    for o in matnet_host::config::OPTIONS {
        let row = format!("| `{}` | {} | {} |\n", o.name, o.default, o.help);
        assert_eq!(readme.contains(&row), o.available, "{row}");
        assert!(readme.contains(&format!("`{}`", o.name)), "{}", o.name);
    }
}

//! The TAP device against the kernel's own stack, each test in a network namespace of its own thread.
//!
//! Needs the right to make a namespace and /dev/net/tun; without them every test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use matnet_host::config::Settings;
use matnet_host::link::netdev::{Change, NetDev};
use matnet_host::link::offload::{IFF_NO_PI, IFF_TAP, TunControl};
use matnet_host::link::{Capture, Link, LinkError, Tap, TunFile};
use matnet_stack::wire::checksum::{checksum, fold, pseudo_header_v4};
use matnet_stack::{Buf, Gso, RxChecksum, RxMeta, Transmit, TxChecksum, TxMeta};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 88, 45, 2);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 88, 45, 1);
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x42];

fn stay(fd: RawFd) -> RawFd {
    fd
}

/// Gives this thread a network namespace of its own; false (with a word) where that is not possible.
fn namespace() -> bool {
    // SAFETY: no pointers; only this thread changes its namespace.
    let made = unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0;
    let able = made && std::fs::File::options().read(true).write(true).open("/dev/net/tun").is_ok();
    if !able {
        eprintln!("skipped: needs root (a network namespace) and /dev/net/tun");
    }
    able
}

fn settings(vars: &[(&str, &str)]) -> Settings {
    let mut lookup = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let (settings, warnings, result) = Settings::from_lookup(&mut lookup, &[]);
    assert_eq!((warnings.len(), result), (0, Ok(())));
    settings
}

/// Waits for a frame that `pick` makes something of.
fn wait_for<T>(link: &mut dyn Link, mut pick: impl FnMut(&Buf, RxMeta) -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        match link.recv().expect("the device is there") {
            Some((frame, meta)) => {
                if let Some(found) = pick(&frame, meta) {
                    return found;
                }
            }
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    panic!("no such frame came");
}

fn ethernet(dst: [u8; 6], ethertype: u16) -> Vec<u8> {
    [&dst[..], &MAC, &ethertype.to_be_bytes()].concat()
}

fn ipv4(dst_mac: [u8; 6], protocol: u8, payload: usize) -> Vec<u8> {
    let mut frame = ethernet(dst_mac, 0x0800);
    let total = u16::try_from(20 + payload).unwrap().to_be_bytes();
    let mut header = vec![0x45, 0, total[0], total[1], 0, 7, 0x40, 0, 64, protocol, 0, 0];
    header.extend(OURS.octets());
    header.extend(HOST.octets());
    let sum = checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    frame.extend(header);
    frame
}

fn plain(frame: &[u8]) -> Transmit<'_> {
    Transmit { header: frame, payload: &[], meta: TxMeta::default() }
}

/// Asks for the host's MAC, and answers nothing else.
fn resolve(link: &mut dyn Link) -> [u8; 6] {
    let mut frame = ethernet([0xff; 6], 0x0806);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(MAC);
    frame.extend(OURS.octets());
    frame.extend([0; 6]);
    frame.extend(HOST.octets());
    link.send(&plain(&frame)).unwrap();
    wait_for(link, |f, _| {
        let reply = f.len() >= 42 && f[12..14] == [8, 6] && f[20..22] == [0, 2] && f[28..32] == HOST.octets();
        reply.then(|| f[22..28].try_into().unwrap())
    })
}

fn ping(link: &mut dyn Link, mac: [u8; 6]) {
    let mut icmp = vec![8, 0, 0, 0, 0x12, 0x34, 0, 1];
    icmp.extend((0..56).map(|i: u8| i));
    let sum = checksum(&icmp).to_be_bytes();
    icmp[2..4].copy_from_slice(&sum);
    let header = ipv4(mac, 1, icmp.len());
    link.send(&Transmit { header: &header, payload: &[&icmp], meta: TxMeta::default() }).unwrap();
    wait_for(link, |f, _| {
        let reply = f.len() == 14 + 20 + 64 && f[23] == 1 && f[34] == 0 && f[42..] == icmp[8..];
        reply.then_some(())
    });
}

/// A TCP segment of ours: headers, with the checksum left to the device.
struct Segment {
    header: Vec<u8>,
    meta: TxMeta,
}

fn segment(
    mac: [u8; 6],
    port: u16,
    seq: u32,
    ack: u32,
    flags: u8,
    options: &[u8],
    payload: usize,
) -> Segment {
    let tcp = 20 + options.len();
    let mut header = ipv4(mac, 6, tcp + payload);
    let at = header.len();
    header.extend(40_000_u16.to_be_bytes());
    header.extend(port.to_be_bytes());
    header.extend(seq.to_be_bytes());
    header.extend(ack.to_be_bytes());
    header.extend([u8::try_from(tcp / 4 * 16).unwrap(), flags, 0xff, 0xff, 0, 0, 0, 0]);
    header.extend(options);
    let sum = fold(pseudo_header_v4(OURS, HOST, 6, u16::try_from(tcp + payload).unwrap()));
    header[at + 16..at + 18].copy_from_slice(&sum.to_be_bytes());
    let gso = (payload > 1460).then(|| Gso { size: 1460, header_len: u16::try_from(header.len()).unwrap() });
    Segment { header, meta: TxMeta { checksum: Some(TxChecksum { start: 34, offset: 16 }), gso } }
}

/// What a test wants of a received segment: sequence number, flags, payload offset.
fn tcp_of(f: &Buf) -> Option<(u32, u8, usize)> {
    let ours = f.len() >= 54 && f[12..14] == [8, 0] && f[23] == 6 && f[36..38] == 40_000_u16.to_be_bytes();
    ours.then(|| {
        let seq = u32::from_be_bytes(f[38..42].try_into().unwrap());
        (seq, f[47], 34 + usize::from(f[46] >> 4) * 4)
    })
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const PSH: u8 = 8;

#[test]
fn a_new_device_is_ready_for_use() {
    if !namespace() {
        return;
    }
    let mut tap = Tap::open(&settings(&[("MATNET_TAP", "tn0"), ("MATNET_MTU", "1400")]), stay).unwrap();
    assert_eq!(tap.header_len(), 12);
    assert!(tap.capabilities().tso && tap.capabilities().tx_checksum);
    assert_eq!(tap.mtu(), 1400);
    let mut netdev = NetDev::open().unwrap();
    let device = netdev.device("tn0").unwrap().unwrap();
    assert!(device.is_up());
    assert_eq!((device.mtu, device.tx_queue_len, device.kind.as_deref()), (1400, 10_000, Some("tun")));
    let tun = device.tun.unwrap();
    assert!(tun.tap && !tun.persistent);
    let addresses: Vec<String> = netdev.addresses().unwrap().iter().map(|a| a.local.to_string()).collect();
    assert_eq!(addresses, ["10.88.45.1/24"]);
    let mac = resolve(&mut tap);
    ping(&mut tap, mac);
    // The one that frames are read into, and one for small frames, used again.
    assert_eq!(tap.buffers_allocated(), 2);
    drop(tap);
    assert_eq!(netdev.device("tn0").unwrap(), None);
}

#[test]
fn large_segments_both_ways_and_the_capture() {
    if !namespace() {
        return;
    }
    let path = std::env::temp_dir().join(format!("matnet-tap-test-{}.pcapng", std::process::id()));
    let tap = Tap::open(&settings(&[("MATNET_TAP", "tn1")]), stay).unwrap();
    let pattern = path.to_str().unwrap().replace(&std::process::id().to_string(), "%p");
    let mut link: Box<dyn Link> = Box::new(Capture::new(Box::new(tap), &pattern, "tn1", stay).unwrap());
    let link = link.as_mut();
    let mac = resolve(link);
    ping(link, mac);
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // MSS 1460, window scale 7.
    let syn = segment(mac, port, 1000, 0, SYN, &[2, 4, 5, 0xb4, 3, 3, 7, 1], 0);
    link.send(&Transmit { header: &syn.header, payload: &[], meta: syn.meta }).unwrap();
    let peer = wait_for(link, |f, meta| {
        let (seq, flags, _) = tcp_of(f)?;
        assert_eq!(meta.checksum, RxChecksum::Trusted);
        (flags == SYN | ACK).then_some(seq.wrapping_add(1))
    });
    // 60,001 bytes in one frame of four slices, odd lengths among them.
    let data: Vec<u8> = (0..60_001_u32).map(|i| (i * 7 % 251) as u8).collect();
    let big = segment(mac, port, 1001, peer, ACK | PSH, &[], data.len());
    let slices: [&[u8]; 4] = [&data[..1], &data[1..20_000], &data[20_000..20_001], &data[20_001..]];
    link.send(&Transmit { header: &big.header, payload: &slices, meta: big.meta }).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut got = vec![0; data.len()];
    socket.read_exact(&mut got).unwrap();
    assert!(got == data, "the kernel received other bytes");
    // The kernel sends 4 MB; its frames carry many segments each.
    let total = 4_000_000_usize;
    let writer = std::thread::spawn(move || {
        let block: Vec<u8> = (0..total).map(|i| (i % 253) as u8).collect();
        socket.write_all(&block).unwrap();
        socket
    });
    let mut next = peer;
    let mut received = 0;
    let mut largest = 0;
    let end = Instant::now() + Duration::from_secs(10);
    while received < total {
        assert!(Instant::now() < end, "only {received} bytes came");
        let Some((frame, meta)) = link.recv().unwrap() else {
            std::thread::sleep(Duration::from_micros(100));
            continue;
        };
        let Some((seq, _, at)) = tcp_of(&frame) else { continue };
        let payload = &frame[at..];
        if seq == next && !payload.is_empty() {
            assert!(payload.iter().enumerate().all(|(i, b)| *b == ((received + i) % 253) as u8));
            if payload.len() > 1460 {
                assert_eq!(meta.gso_size, 1460);
            }
            largest = largest.max(payload.len());
            received += payload.len();
            next = next.wrapping_add(u32::try_from(payload.len()).unwrap());
        }
        let ack = segment(mac, port, 1001 + 60_001, next, ACK, &[], 0);
        link.send(&Transmit { header: &ack.header, payload: &[], meta: ack.meta }).unwrap();
    }
    assert!(largest > 40_000, "largest frame {largest}");
    drop(writer.join().unwrap());
    tshark_agrees(path.to_str().unwrap(), largest);
    std::fs::remove_file(path).unwrap();
}

/// Reads the capture with every checksum verified, where tshark is installed.
fn tshark_agrees(path: &str, largest: usize) {
    let checks = ["tcp.check_checksum:TRUE", "udp.check_checksum:TRUE", "ip.check_checksum:TRUE"];
    let run = |extra: &[&str]| {
        let mut command = std::process::Command::new("tshark");
        command.args(["-r", path]).args(checks.iter().flat_map(|c| ["-o", *c])).args(extra);
        command.output()
    };
    let Ok(complaints) = run(&[
        "-Y",
        "_ws.malformed || _ws.expert.severity >= error || tcp.checksum.status == 0 \
                               || ip.checksum.status == 0 || udp.checksum.status == 0",
    ]) else {
        eprintln!("tshark is not installed: the capture was not checked");
        return;
    };
    assert!(complaints.status.success(), "{}", String::from_utf8_lossy(&complaints.stderr));
    assert_eq!(String::from_utf8_lossy(&complaints.stdout), "");
    let fields = run(&[
        "-T",
        "fields",
        "-e",
        "tcp.checksum.status",
        "-e",
        "frame.len",
        "-e",
        "frame.packet_flags_direction",
        "-e",
        "frame.interface_name",
        "-Y",
        "tcp",
    ])
    .unwrap();
    let text = String::from_utf8(fields.stdout).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
    assert!(rows.len() > 20 && rows.iter().all(|r| r[0] == "1" && r[3] == "tn1"), "{text}");
    assert!(rows.iter().any(|r| r[1].parse::<usize>().unwrap() >= largest));
    for direction in ["0x00000001", "0x00000002"] {
        assert!(rows.iter().any(|r| r[2] == direction), "no frame of direction {direction}");
    }
}

#[test]
fn receiving_large_frames_allocates_nothing_in_the_long_run() {
    if !namespace() {
        return;
    }
    let mut tap = Tap::open(&settings(&[("MATNET_TAP", "tn2")]), stay).unwrap();
    let mac = resolve(&mut tap);
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let syn = segment(mac, port, 1000, 0, SYN, &[2, 4, 5, 0xb4, 3, 3, 7, 1], 0);
    tap.send(&Transmit { header: &syn.header, payload: &[], meta: syn.meta }).unwrap();
    let mut next = wait_for(&mut tap, |f, _| {
        tcp_of(f).filter(|(_, flags, _)| *flags == SYN | ACK).map(|(seq, _, _)| seq.wrapping_add(1))
    });
    let ack = segment(mac, port, 1001, next, ACK, &[], 0);
    tap.send(&Transmit { header: &ack.header, payload: &[], meta: ack.meta }).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    let total = 400_000_000_usize;
    std::thread::spawn(move || {
        let block = vec![7; 1 << 20];
        // The reader leaves early, so the last write may fail.
        while socket.write_all(&block).is_ok() {}
    });
    // As a receive buffer would, hold some frames for a while.
    let mut held = std::collections::VecDeque::new();
    let (mut received, mut frames, mut warm) = (0, 0_u32, 0);
    let began = Instant::now();
    while received < total {
        assert!(began.elapsed() < Duration::from_secs(30), "only {received} bytes came");
        let Some((frame, _)) = tap.recv().unwrap() else {
            std::thread::yield_now();
            continue;
        };
        let Some((seq, _, at)) = tcp_of(&frame) else { continue };
        if seq == next {
            let len = frame.len() - at;
            received += len;
            frames += 1;
            next = next.wrapping_add(u32::try_from(len).unwrap());
            held.push_back(frame);
            if held.len() > 32 {
                held.pop_front();
            }
        }
        let ack = segment(mac, port, 1001, next, ACK, &[], 0);
        tap.send(&Transmit { header: &ack.header, payload: &[], meta: ack.meta }).unwrap();
        if received < total / 10 {
            warm = tap.buffers_allocated();
        }
    }
    let gigabits = received as f64 * 8e-9 / began.elapsed().as_secs_f64();
    let each = received / usize::try_from(frames).unwrap();
    println!(
        "{gigabits:.1} Gb/s in frames of {each} bytes; buffers {warm}, then {}",
        tap.buffers_allocated()
    );
    // Sizes vary while the sender's window opens, so a few more may be needed once.
    assert!(tap.buffers_allocated() <= warm + 64, "{warm} then {}", tap.buffers_allocated());
    assert!(tap.buffers_allocated() < 200);
}

#[test]
fn existing_devices_and_refusals() {
    if !namespace() {
        return;
    }
    let mut netdev = NetDev::open().unwrap();
    let usual = settings(&[("MATNET_TAP", "tn3")]);
    // A persistent device made without offload headers, still down.
    let mut file = TunFile::open("tn3").unwrap();
    file.attach(IFF_TAP | IFF_NO_PI).unwrap();
    file.set_persistent(true).unwrap();
    let busy = Tap::open(&usual, stay).err().expect("the device is in use");
    assert_eq!(busy.errno.0, libc::EBUSY);
    assert!(busy.line.contains("in use by another program"), "{busy}");
    drop(file);
    let tap = Tap::open(&usual, stay).unwrap();
    assert_eq!(tap.header_len(), 12);
    let device = netdev.device("tn3").unwrap().unwrap();
    assert!(device.is_up() && device.tun.unwrap().persistent);
    // Its addresses are not ours to set.
    assert_eq!(netdev.addresses().unwrap(), []);
    drop(tap);
    // The device has our own address.
    netdev.add_address(device.index, usual.addr).unwrap();
    let own = Tap::open(&usual, stay).err().expect("the kernel has our address");
    assert!(own.line.contains("the kernel's own address on tn3"), "{own}");
    // Another device has the network.
    let overlap = Tap::open(&settings(&[("MATNET_TAP", "tn4"), ("MATNET_ADDR", "10.88.45.3/24")]), stay);
    let overlap = overlap.err().expect("the network is taken");
    assert!(overlap.line.contains("tn3 already has the network 10.88.45.0/24"), "{overlap}");
    assert_eq!(netdev.device("tn4").unwrap(), None);
    // A larger network around ours does not matter.
    netdev.remove_address(device.index, usual.addr).unwrap();
    let wide = settings(&[("MATNET_ADDR", "10.1.2.3/8")]);
    netdev.add_address(device.index, wide.addr).unwrap();
    drop(Tap::open(&settings(&[("MATNET_TAP", "tn5")]), stay).unwrap());
    // Not a TAP at all.
    let lo = Tap::open(&settings(&[("MATNET_TAP", "lo")]), stay).err().unwrap();
    assert!(lo.line.contains("not a TAP device"), "{lo}");
    let mut tun = TunFile::open("tn6").unwrap();
    tun.attach(0x0001 | IFF_NO_PI).unwrap();
    let kind = Tap::open(&settings(&[("MATNET_TAP", "tn6")]), stay).err().unwrap();
    assert!(kind.line.contains("a TUN device"), "{kind}");
}

#[test]
fn down_and_gone() {
    if !namespace() {
        return;
    }
    let mut tap = Tap::open(&settings(&[("MATNET_TAP", "tn7")]), stay).unwrap();
    let mut netdev = NetDev::open().unwrap();
    let index = netdev.device("tn7").unwrap().unwrap().index;
    netdev.change(index, Change { up: Some(false), ..Change::default() }).unwrap();
    let frame = ethernet([0xff; 6], 0x88b5);
    assert_eq!(tap.send(&plain(&frame)), Err(LinkError::Down));
    while let Some(_frame) = tap.recv().expect("a link that is down is not gone") {}
    netdev.change(index, Change { up: Some(true), ..Change::default() }).unwrap();
    assert_eq!(tap.send(&plain(&frame)), Ok(()));
    netdev.delete(index).unwrap();
    assert_eq!(tap.recv().err().map(|e| e.0), Some(libc::EBADFD));
    assert!(matches!(tap.send(&plain(&frame)), Err(LinkError::Gone(e)) if e.0 == libc::EBADFD));
}

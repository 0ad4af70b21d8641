//! Open files: what a descriptor of ours stands for.
//!
//! A [`File`] is an open file description: several numbers (dup) may name one, calls that wait hold it too, and it ends
//! with its last holder, as in the kernel. Its index is what the slot table stores.

use std::os::fd::RawFd;
use std::time::Duration;

use matnet_stack::{Kind, Readiness, SocketId};

use super::async_io::AsyncIo;
use super::companion::Companions;
use super::mirror::Mirror;
use super::sets::Link;
use super::small::Small;

/// Index of a file in [`Files`]; valid while the runtime lock is held or the file is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(pub u32);

/// A thread that sleeps until something happens on one of its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watcher {
    /// Which waiter.
    pub(crate) waiter: u32,
    /// What it waits for; HUP and ERR always count.
    pub(crate) interest: Readiness,
}

impl Watcher {
    /// True for a call that takes data or an incoming connection; connect counts OUT in, poll and its kin, which only look, HUP.
    pub(crate) fn takes(&self) -> bool {
        self.interest.contains(Readiness::IN) && !self.interest.intersects(Readiness::OUT | Readiness::HUP)
    }
}

/// A recorded setsockopt, replayed when the socket moves to the kernel.
#[derive(Clone, Debug)]
pub struct RecordedOption {
    /// Level, such as SOL_SOCKET.
    pub level: i32,
    /// Option name.
    pub name: i32,
    /// The bytes as the program gave them.
    pub value: Vec<u8>,
}

/// An open socket.
#[derive(Debug)]
pub struct File {
    /// The stack's socket.
    pub socket: SocketId,
    /// AF_INET or AF_INET6: the family that the program sees.
    pub domain: i32,
    /// SOCK_STREAM or SOCK_DGRAM.
    pub ty: i32,
    /// Protocol as SO_PROTOCOL reports it.
    pub protocol: i32,
    /// O_NONBLOCK.
    pub nonblock: bool,
    /// TCP_FASTOPEN_CONNECT was set: the first send may have to connect.
    pub fast_open: bool,
    /// There are kernel sockets beside it (see `companion`).
    pub companied: bool,
    /// What these have ready: part of its own readiness.
    pub also: Readiness,
    /// What its receives tell beside the bytes: bits that the options set (see `posix::iovec::control`).
    pub ancillary: u32,
    /// O_ASYNC and the like, kept so that F_GETFL gives back what F_SETFL took.
    pub status_flags: i32,
    /// Numbers that name this file.
    pub fds: Small<RawFd>,
    /// Calls that wait on it.
    pub holds: u32,
    /// SO_RCVTIMEO; None waits for ever.
    pub rcvtimeo: Option<Duration>,
    /// SO_SNDTIMEO
    pub sndtimeo: Option<Duration>,
    /// SO_LINGER as set: on, seconds.
    pub linger: (bool, i32),
    /// What most files have nothing of.
    rare: Option<Box<Rare>>,
    /// Sleeping threads.
    pub(crate) watchers: Small<Watcher>,
    /// The kernel's view, once the kernel has to know about the socket.
    pub(crate) mirror: Option<Box<Mirror>>,
    /// Its registrations in epoll sets that are served here.
    pub(crate) sets: Link,
}

/// What the program set on a socket, as far as it is not the stack's.
#[derive(Debug, Default)]
pub struct Rare {
    /// Kernel sockets on the loopback.
    pub companions: Option<Box<Companions>>,
    /// Options to replay when the socket moves to the kernel.
    pub recorded: Vec<RecordedOption>,
    /// bind(2) was called with this sockaddr.
    pub bound: Option<Vec<u8>>,
    /// Host-side options without effect on the stack, by (level, name), so that get gives back what set took.
    pub host_options: Vec<(i32, i32, i32)>,
    /// Its owner and signals (F_SETOWN, O_ASYNC).
    pub async_io: Option<Box<AsyncIo>>,
}

impl File {
    /// A new socket that no number names yet.
    pub fn new(socket: SocketId, domain: i32, ty: i32, protocol: i32) -> File {
        File {
            socket,
            domain,
            ty,
            protocol,
            nonblock: false,
            fast_open: false,
            companied: false,
            also: Readiness::NONE,
            ancillary: 0,
            status_flags: 0,
            fds: Small::new(),
            holds: 0,
            rcvtimeo: None,
            sndtimeo: None,
            linger: (false, 0),
            rare: None,
            watchers: Small::new(),
            mirror: None,
            sets: Link::NONE,
        }
    }

    /// What the program set, if anything.
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The same, to add to it.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// True for SOCK_STREAM.
    pub fn is_stream(&self) -> bool {
        self.socket.kind == Kind::Tcp
    }
}

/// Which file a socket of the stack belongs to: a list for each kind, by the socket's number.
#[derive(Debug, Default)]
pub(crate) struct BySocket {
    lists: [Vec<u32>; 4],
}

/// No file.
const NOBODY: u32 = u32::MAX;

impl BySocket {
    fn list(&mut self, kind: Kind) -> &mut Vec<u32> {
        let [tcp, udp, ping, raw] = &mut self.lists;
        match kind {
            Kind::Tcp => tcp,
            Kind::Udp => udp,
            Kind::Ping => ping,
            Kind::Raw => raw,
        }
    }

    pub(crate) fn insert(&mut self, socket: SocketId, file: FileId) {
        let (list, at) = (self.list(socket.kind), socket.number() as usize);
        if at >= list.len() {
            list.resize(at + 1, NOBODY);
        }
        if let Some(entry) = list.get_mut(at) {
            *entry = file.0;
        }
    }

    /// The file; the caller makes sure that it is of this very socket and not of one that had the number before.
    pub(crate) fn get(&mut self, socket: SocketId) -> Option<FileId> {
        let entry = self.list(socket.kind).get(socket.number() as usize);
        entry.filter(|file| **file != NOBODY).map(|file| FileId(*file))
    }

    /// Forgets the socket of `file`. The number may be another's by now.
    pub(crate) fn remove(&mut self, socket: SocketId, file: FileId) {
        if let Some(entry) =
            self.list(socket.kind).get_mut(socket.number() as usize).filter(|f| **f == file.0)
        {
            *entry = NOBODY;
        }
    }
}

/// All open files of this process.
#[derive(Debug, Default)]
pub struct Files {
    entries: Vec<Option<File>>,
    free: Vec<u32>,
}

impl Files {
    /// Adds a file.
    pub fn insert(&mut self, file: File) -> FileId {
        if let Some(index) = self.free.pop() {
            if let Some(entry) = self.entries.get_mut(index as usize) {
                *entry = Some(file);
                return FileId(index);
            }
        }
        self.entries.push(Some(file));
        FileId((self.entries.len() - 1) as u32)
    }

    /// The file, if it still exists.
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.entries.get(id.0 as usize)?.as_ref()
    }

    /// The file, if it still exists.
    pub fn get_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.entries.get_mut(id.0 as usize)?.as_mut()
    }

    /// Takes a file out.
    pub fn remove(&mut self, id: FileId) -> Option<File> {
        let file = self.entries.get_mut(id.0 as usize)?.take()?;
        // A call that still holds the file will let go of this index: then it must not be another file's.
        if file.holds == 0 {
            self.free.push(id.0);
        }
        Some(file)
    }

    /// All open files.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.entries.iter().enumerate().filter_map(|(i, f)| Some((FileId(i as u32), f.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_used_again_is_not_forgotten_with_its_old_socket() {
        let mut stack = matnet_stack::Stack::new(
            matnet_stack::Config {
                mac: Default::default(),
                addr: matnet_stack::Ipv4Cidr { addr: std::net::Ipv4Addr::new(10, 0, 0, 1), prefix: 24 },
                gateway: None,
                mtu: 1500,
                capabilities: Default::default(),
                congestion: Default::default(),
                ecn: Default::default(),
                loopback: false,
            },
            matnet_stack::Instant::ZERO,
            [1; 32],
        );
        let mut table = BySocket::default();
        let old = stack.open(Kind::Tcp).unwrap();
        let udp = stack.open(Kind::Udp).unwrap();
        table.insert(old, FileId(3));
        table.insert(udp, FileId(4));
        stack.close(matnet_stack::Instant::ZERO, old);
        let new = stack.open(Kind::Tcp).unwrap();
        assert_eq!(old.number(), new.number());
        table.insert(new, FileId(5));
        table.remove(old, FileId(3));
        assert_eq!((table.get(new), table.get(udp)), (Some(FileId(5)), Some(FileId(4))));
        table.remove(new, FileId(5));
        assert_eq!((table.get(new), table.get(udp)), (None, Some(FileId(4))));
    }

    #[test]
    fn an_idle_file_is_small() {
        assert!(size_of::<Option<File>>() <= 160, "{}", size_of::<Option<File>>());
    }
}

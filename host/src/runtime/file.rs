//! Open files: what a descriptor of ours stands for.
//!
//! A [`File`] is an open file description: several numbers (dup) may name one, calls that wait hold it too, and it ends
//! with its last holder, as in the kernel. Its index is what the slot table stores.

use std::os::fd::RawFd;
use std::time::Duration;

use matnet_stack::{Kind, Readiness, SocketId};

use super::mirror::Mirror;

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
    /// O_ASYNC and the like, kept so that F_GETFL gives back what F_SETFL took.
    pub status_flags: i32,
    /// Numbers that name this file.
    pub fds: Vec<RawFd>,
    /// Calls that wait on it.
    pub holds: u32,
    /// SO_RCVTIMEO; None waits for ever.
    pub rcvtimeo: Option<Duration>,
    /// SO_SNDTIMEO
    pub sndtimeo: Option<Duration>,
    /// SO_LINGER as set: on, seconds.
    pub linger: (bool, i32),
    /// Options to replay when the socket moves to the kernel.
    pub recorded: Vec<RecordedOption>,
    /// bind(2) was called with this sockaddr.
    pub bound: Option<Vec<u8>>,
    /// Host-side options without effect on the stack, by (level, name), so that get gives back what set took.
    pub host_options: Vec<(i32, i32, i32)>,
    /// Sleeping threads.
    pub(crate) watchers: Vec<Watcher>,
    /// The kernel's view, once the kernel has to know about the socket.
    pub(crate) mirror: Option<Mirror>,
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
            status_flags: 0,
            fds: Vec::new(),
            holds: 0,
            rcvtimeo: None,
            sndtimeo: None,
            linger: (false, 0),
            recorded: Vec::new(),
            bound: None,
            host_options: Vec::new(),
            watchers: Vec::new(),
            mirror: None,
        }
    }

    /// True for SOCK_STREAM.
    pub fn is_stream(&self) -> bool {
        self.socket.kind == Kind::Tcp
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

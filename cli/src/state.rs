//! What `up` changed, so that `down` can put it back: /run/matnet/<device>.state, lines of `key = value`.
//!
//! /run is cleared by a reboot, as are devices and tables. A network namespace other than that of process 1 has device names of
//! its own, so its files carry the namespace's inode: <device>@<inode>.state.
//!
//! One command at a time: they hold a lock on the directory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::Failure;

const DIRECTORY: &str = "/run/matnet";

/// Facts of one device, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    facts: BTreeMap<String, String>,
}

impl State {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    /// The number that a key has.
    pub fn number(&self, key: &str) -> Option<u32> {
        self.get(key)?.parse().ok()
    }

    /// True when a key says yes.
    pub fn is(&self, key: &str) -> bool {
        self.get(key) == Some("yes")
    }

    /// Sets a key.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        self.facts.insert(key.to_owned(), value.to_string());
    }

    /// Sets a key unless it is there: the first `up` knows what was before.
    pub fn remember(&mut self, key: &str, value: impl ToString) {
        if self.get(key).is_none() {
            self.set(key, value);
        }
    }

    /// Forgets the keys that begin with `prefix`.
    pub fn forget(&mut self, prefix: &str) {
        self.facts.retain(|key, _| !key.starts_with(prefix));
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    fn parse(text: &str) -> State {
        let pairs = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(" = "));
        State { facts: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect() }
    }

    fn text(&self) -> String {
        let lines: String = self.facts.iter().map(|(k, v)| format!("{k} = {v}\n")).collect();
        format!("# What `matnet up` changed; `matnet down` puts it back.\n{lines}")
    }
}

/// The directory, locked until this is dropped.
pub struct Store {
    _lock: fs::File,
    /// `@<inode>` outside the first network namespace.
    suffix: String,
}

impl Store {
    /// Makes and locks the directory.
    pub fn open() -> Result<Store, Failure> {
        let fail = |e: io::Error| {
            Failure::new(format!("{DIRECTORY}: cannot be used ({e}): it keeps what `up` changed"))
        };
        fs::create_dir_all(DIRECTORY).map_err(fail)?;
        let lock = fs::File::open(DIRECTORY).map_err(fail)?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map_err(|e| fail(e.into()))?;
        let inode = |path| fs::metadata(path).map(|m| m.ino()).ok();
        let suffix = match (inode("/proc/self/ns/net"), inode("/proc/1/ns/net")) {
            (Some(own), Some(first)) if own != first => format!("@{own}"),
            _ => String::new(),
        };
        Ok(Store { _lock: lock, suffix })
    }

    fn path(&self, device: &str) -> PathBuf {
        PathBuf::from(format!("{DIRECTORY}/{device}{}.state", self.suffix))
    }

    /// What is known of a device.
    pub fn load(&self, device: &str) -> Result<State, Failure> {
        let path = self.path(device);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(State::parse(&text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(State::default()),
            Err(e) => Err(Failure::new(format!("{}: cannot be read: {e}", path.display()))),
        }
    }

    /// Writes what is known of a device, or removes the file when that is nothing.
    pub fn save(&self, device: &str, state: &State) -> Result<(), Failure> {
        let path = self.path(device);
        let done = if state.is_empty() {
            match fs::remove_file(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            }
        } else {
            // Whole or not at all.
            let new = path.with_extension("new");
            fs::write(&new, state.text()).and_then(|()| fs::rename(&new, &path))
        };
        done.map_err(|e| Failure::new(format!("{}: cannot be written: {e}", path.display())))
    }

    /// Other devices of this namespace with a state.
    pub fn others(&self, device: &str) -> Vec<String> {
        let end = format!("{}.state", self.suffix);
        let Ok(entries) = fs::read_dir(DIRECTORY) else { return Vec::new() };
        let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
        let devices = names.filter_map(|n| n.strip_suffix(&end).map(str::to_owned));
        // Device names may hold @, but then the file of the first namespace looks like another's: leave it out.
        devices.filter(|d| d != device && !d.contains('@')).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut state = State::default();
        state.set("created", "yes");
        state.set("nat.forward", 0);
        state.remember("nat.forward", 1);
        assert_eq!(State::parse(&state.text()), state);
        assert_eq!(state.number("nat.forward"), Some(0));
        assert!(state.is("created") && !state.is("nat"));
        state.forget("nat");
        state.forget("created");
        assert!(state.is_empty());
        assert!(State::parse("rubbish\n# x = y\n").is_empty());
    }
}

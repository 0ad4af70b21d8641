//! `matnet check PROG`: will the library work with this program, and if not, why and what to do?
//!
//! The loader takes LD_PRELOAD only into dynamically linked programs of its own architecture and C library, and not into
//! programs that run with more rights than their user (ld.so(8), AT_SECURE in getauxval(3)). A script is as good as its
//! interpreter. Programs that make their system calls themselves are loaded, but never seen by the library.
//!
//! Limits: what a program starts is not looked at, nor whether a mounted file system or no_new_privs makes set-id bits
//! void (`--force` is for those).

mod elf;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::Failure;
use elf::{Elf, NotElf};

/// Arguments of `matnet check`.
#[derive(clap::Args)]
pub struct Args {
    /// The program: a name in PATH or a path.
    #[arg(value_name = "PROG")]
    program: OsString,
}

/// Runs the command.
pub fn main(args: &Args) -> Result<(), Failure> {
    match program(&args.program) {
        Ok(chain) => {
            let names: Vec<String> = chain.iter().map(|p| p.display().to_string()).collect();
            println!("{}: works with matnet", names.join(" -> "));
            Ok(())
        }
        Err(problem) => Err(Failure::new(problem.to_string())),
    }
}

/// Why the library cannot work with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no such program.
    Missing,
    /// The file cannot be executed or read.
    Unusable(String),
    /// Neither an ELF program nor a script.
    Unknown,
    /// Linked without a loader.
    Static,
    /// Made for another machine.
    OtherMachine(String),
    /// Made for another C library.
    OtherLibc(String),
    /// Makes its system calls itself.
    Go,
    /// Runs as another user.
    Setuid(u32),
    /// Runs with another group.
    Setgid(u32),
    /// Runs with capabilities of its file.
    Capabilities,
    /// Its interpreter or loader is missing.
    NoInterpreter(String),
    /// Scripts that name scripts that name scripts.
    Nested,
}

/// A cause, and the file that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: Cause,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let own = "copy it to a file of your own and start that (`cp PROG .; matnet run -- ./PROG`), or start it as root";
        let link = "use a dynamically linked build of it, or link it with libmatnet.a and matnet.h";
        match &self.cause {
            Cause::Missing => write!(f, "{path}: not found: give the name of a program in PATH, or its path"),
            Cause::Unusable(why) => {
                write!(f, "{path}: {why}: expected a program that you may read and execute")
            }
            Cause::Unknown => write!(f, "{path}: neither an ELF program nor a script that begins with #!"),
            Cause::Static => {
                write!(
                    f,
                    "{path}: is statically linked, so the loader cannot put the library into it: {link}"
                )
            }
            Cause::OtherMachine(what) => {
                let here = std::env::consts::ARCH;
                write!(
                    f,
                    "{path}: is a program for {what}, the library is for {here}: use a build for {here}"
                )
            }
            Cause::OtherLibc(loader) => {
                write!(
                    f,
                    "{path}: is linked with another C library (loader {loader}), the library is for glibc: use a build for glibc"
                )
            }
            Cause::Go => {
                write!(
                    f,
                    "{path}: is a Go program, which makes its system calls without libc, so the library never sees them: no remedy in matnet"
                )
            }
            Cause::Setuid(uid) => {
                write!(f, "{path}: is setuid (user {uid}), so the loader ignores LD_PRELOAD: {own}")
            }
            Cause::Setgid(gid) => {
                write!(f, "{path}: is setgid (group {gid}), so the loader ignores LD_PRELOAD: {own}")
            }
            Cause::Capabilities => {
                write!(f, "{path}: has file capabilities, so the loader ignores LD_PRELOAD: {own}")
            }
            Cause::NoInterpreter(what) => {
                write!(f, "{path}: its interpreter {what} does not exist: install it")
            }
            Cause::Nested => {
                write!(f, "{path}: a script whose interpreters are scripts, too deep for the kernel")
            }
        }
    }
}

/// Who will start the program.
#[derive(Clone, Copy, Debug)]
struct Who {
    uid: u32,
    gid: u32,
}

/// The kernel follows this many interpreters (BINPRM_MAX_RECURSION).
const DEEPEST: usize = 5;

/// Looks at a program as execvp(3) would find it: the files looked at (a script, then its interpreter), or what is
/// wrong.
pub fn program(name: &OsStr) -> Result<Vec<PathBuf>, Problem> {
    let who = Who { uid: nix::unistd::getuid().as_raw(), gid: nix::unistd::getgid().as_raw() };
    let search = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/bin:/usr/bin"));
    let mut chain = Vec::new();
    follow(name, &search, who, &mut chain)?;
    Ok(chain)
}

fn follow(name: &OsStr, search: &OsStr, who: Who, chain: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let path = locate(name, search)?;
    let problem = |cause| Problem { path: path.clone(), cause };
    if chain.len() >= DEEPEST {
        return Err(problem(Cause::Nested));
    }
    chain.push(path.clone());
    let unusable = |e: std::io::Error| problem(Cause::Unusable(e.to_string()));
    let file = File::open(&path).map_err(unusable)?;
    let meta = file.metadata().map_err(unusable)?;
    let mut start = Vec::new();
    (&file).take(SHEBANG_MAX).read_to_end(&mut start).map_err(unusable)?;
    if let Some(line) = start.strip_prefix(b"#!") {
        let (interpreter, argument) = shebang(line).ok_or_else(|| problem(Cause::Unknown))?;
        if !Path::new(interpreter).is_file() {
            return Err(problem(Cause::NoInterpreter(interpreter.to_string_lossy().into_owned())));
        }
        follow(interpreter, search, who, chain)?;
        return match argument.filter(|_| Path::new(interpreter).file_name() == Some(OsStr::new("env"))) {
            Some(argument) => match started_by_env(argument) {
                Some(program) => follow(program, search, who, chain),
                None => Ok(()),
            },
            None => Ok(()),
        };
    }
    let elf = elf::inspect(&file).map_err(|e| match e {
        NotElf::Magic => problem(Cause::Unknown),
        NotElf::Broken => problem(Cause::Unusable(String::from("a damaged ELF file"))),
        NotElf::Io(e) => unusable(e),
    })?;
    judge_elf(&elf).map_err(problem)?;
    judge_rights(&meta, has_capabilities(&path), who).map_err(problem)
}

/// What the kernel reads of a script's first line (BINPRM_BUF_SIZE).
const SHEBANG_MAX: u64 = 256;

/// Interpreter and argument of a script's first line, the two characters already gone.
fn shebang(line: &[u8]) -> Option<(&OsStr, Option<&OsStr>)> {
    let line = line.split(|b| *b == b'\n').next()?.trim_ascii();
    let end = line.iter().position(|b| *b == b' ' || *b == b'\t').unwrap_or(line.len());
    let (interpreter, argument) = line.split_at_checked(end)?;
    let argument = argument.trim_ascii();
    let argument = (!argument.is_empty()).then(|| OsStr::from_bytes(argument));
    (!interpreter.is_empty()).then(|| (OsStr::from_bytes(interpreter), argument))
}

/// The program that env(1) starts, given its one argument: past -S, other options, and assignments.
fn started_by_env(argument: &OsStr) -> Option<&OsStr> {
    let words = argument.as_bytes().split(|b| *b == b' ' || *b == b'\t').filter(|w| !w.is_empty());
    // `-Sprog` is written without a blank, too.
    let mut words = words.map(|w| w.strip_prefix(b"-S").unwrap_or(w)).filter(|w| !w.is_empty());
    words.find(|w| !w.starts_with(b"-") && !w.contains(&b'=')).map(OsStr::from_bytes)
}

/// As execvp(3) does: a name with a slash is a path, others are looked for.
fn locate(name: &OsStr, search: &OsStr) -> Result<PathBuf, Problem> {
    let fail = |cause| Problem { path: PathBuf::from(name), cause };
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match executable(&path) {
            Some(true) => Ok(path),
            Some(false) => Err(fail(Cause::Unusable(String::from("not an executable file")))),
            None => Err(fail(Cause::Missing)),
        };
    }
    let mut candidates = std::env::split_paths(search).map(|d| d.join(name));
    candidates.find(|p| !name.is_empty() && executable(p) == Some(true)).ok_or_else(|| fail(Cause::Missing))
}

/// Whether a file can be executed; None when it does not exist.
fn executable(path: &Path) -> Option<bool> {
    let meta = std::fs::metadata(path).ok()?;
    Some(meta.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok())
}

fn judge_elf(elf: &Elf) -> Result<(), Cause> {
    if !elf.is_native() {
        return Err(Cause::OtherMachine(elf.machine_name()));
    }
    let Some(loader) = &elf.interpreter else { return Err(Cause::Static) };
    let name = Path::new(loader).file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    if !name.starts_with("ld-linux") && !name.starts_with("ld.so") && !name.starts_with("ld-2.") {
        return Err(Cause::OtherLibc(loader.clone()));
    }
    if !Path::new(loader).exists() {
        return Err(Cause::NoInterpreter(loader.clone()));
    }
    if elf.is_go { Err(Cause::Go) } else { Ok(()) }
}

/// Whether the kernel would mark the program AT_SECURE (`cap_bprm_creds_from_file`): set-id bits matter when they change
/// the id, file capabilities when the user is not root.
fn judge_rights(meta: &Metadata, capabilities: bool, who: Who) -> Result<(), Cause> {
    const SETUID: u32 = 0o4000;
    const SETGID: u32 = 0o2000;
    const GROUP_EXECUTE: u32 = 0o010;
    let mode = meta.mode();
    if mode & SETUID != 0 && meta.uid() != who.uid {
        return Err(Cause::Setuid(meta.uid()));
    }
    // Without the group's execute bit this once meant mandatory locking; the kernel ignores it.
    if mode & SETGID != 0 && mode & GROUP_EXECUTE != 0 && meta.gid() != who.gid {
        return Err(Cause::Setgid(meta.gid()));
    }
    if capabilities && who.uid != 0 { Err(Cause::Capabilities) } else { Ok(()) }
}

/// True when the file carries capabilities (capabilities(7)).
fn has_capabilities(path: &Path) -> bool {
    rustix::fs::getxattr(path, "security.capability", &mut [0_u8; 64]).is_ok_and(|n| n > 0)
}

//! Finds libmatnet.so: beside the command, or where packages put libraries; never in the current directory.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::Failure;

/// The file that programs are started with.
const NAME: &str = "libmatnet.so";

/// Debian's name for this machine's library directories.
const TRIPLET: &str = if cfg!(target_arch = "aarch64") { "aarch64-linux-gnu" } else { "x86_64-linux-gnu" };

/// The library's absolute path.
pub fn find() -> Result<PathBuf, Failure> {
    let exe = std::env::current_exe().and_then(|p| p.canonicalize());
    let exe = exe.map_err(|e| Failure::new(format!("cannot find out where this command lies: {e}")))?;
    find_from(exe.parent().unwrap_or(Path::new("/")))
}

fn find_from(directory: &Path) -> Result<PathBuf, Failure> {
    let lib = directory.parent().unwrap_or(Path::new("/")).join("lib");
    let places = [
        directory.to_owned(),
        lib.join(TRIPLET),
        lib,
        PathBuf::from("/usr/local/lib"),
        Path::new("/usr/lib").join(TRIPLET),
    ];
    let found = places.iter().filter_map(|p| p.join(NAME).canonicalize().ok()).find(|p| p.is_file());
    let Some(path) = found else {
        let list: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
        return Err(Failure::new(format!(
            "{NAME} not found in {}: put it beside this command, or build it with `cargo build --release`",
            list.join(", ")
        )));
    };
    // The loader splits LD_PRELOAD at blanks and colons and knows no quoting (ld.so(8)).
    if path.to_string_lossy().contains([' ', '\t', '\n', ':']) {
        return Err(Failure::new(format!(
            "{}: LD_PRELOAD cannot name a path with a blank or a colon: move the library",
            path.display()
        )));
    }
    Ok(path)
}

/// LD_PRELOAD with the library in front of what was there.
pub fn preload(library: &Path, old: Option<&OsStr>) -> OsString {
    let mut value = library.as_os_str().to_owned();
    let old = old.map(|o| o.to_string_lossy().into_owned()).unwrap_or_default();
    for other in old.split([':', ' ']).filter(|p| !p.is_empty() && Path::new(p) != library) {
        value.push(":");
        value.push(other);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_value_is_kept_behind() {
        let lib = Path::new("/x/libmatnet.so");
        assert_eq!(preload(lib, None), "/x/libmatnet.so");
        assert_eq!(preload(lib, Some(OsStr::new(""))), "/x/libmatnet.so");
        assert_eq!(preload(lib, Some(OsStr::new("/a.so:/b.so"))), "/x/libmatnet.so:/a.so:/b.so");
        assert_eq!(preload(lib, Some(OsStr::new("/a.so /x/libmatnet.so"))), "/x/libmatnet.so:/a.so");
    }

    #[test]
    fn beside_the_command_then_lib() {
        let root = std::env::temp_dir().join(format!("matnet-library-{}", std::process::id()));
        let bin = root.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(root.join("lib")).unwrap();
        let root = root.canonicalize().unwrap();
        std::fs::write(root.join("lib").join(NAME), "").unwrap();
        assert_eq!(find_from(&bin), Ok(root.join("lib").join(NAME)));
        std::fs::write(bin.join(NAME), "").unwrap();
        assert_eq!(find_from(&bin), Ok(root.join("bin").join(NAME)));
        let spaced = root.join("a b");
        std::fs::create_dir_all(&spaced).unwrap();
        std::fs::write(spaced.join(NAME), "").unwrap();
        assert!(find_from(&spaced).unwrap_err().line.contains("blank"));
        std::fs::remove_dir_all(root).unwrap();
    }
}

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A directory that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let path = std::env::temp_dir().join(format!("matnet-check-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    fn file(&self, name: &str, mode: u32, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

const OWN: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

/// A small 64-bit little-endian program: one segment (the loader's name, if any) and one section table.
fn program_file(machine: u16, loader: Option<&str>, section: &str) -> Vec<u8> {
    let name = loader.unwrap_or("");
    let phoff = 64_u64;
    let name_at = phoff + 56;
    let strings = [b"\0".as_slice(), section.as_bytes(), b"\0"].concat();
    let strings_at = name_at + name.len() as u64 + 1;
    let shoff = strings_at + strings.len() as u64;
    let mut f = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    f.extend(3_u16.to_le_bytes());
    f.extend(machine.to_le_bytes());
    f.extend(1_u32.to_le_bytes());
    f.extend([0; 8]);
    f.extend(phoff.to_le_bytes());
    f.extend(shoff.to_le_bytes());
    f.extend([0; 4]);
    for half in [64_u16, 56, 1, 64, 1, 0] {
        f.extend(half.to_le_bytes());
    }
    let kind: u32 = if loader.is_some() { 3 } else { 1 };
    f.extend(kind.to_le_bytes());
    f.extend([0; 4]);
    for word in [name_at, 0, 0, name.len() as u64 + 1, 0, 0] {
        f.extend(word.to_le_bytes());
    }
    f.extend(name.as_bytes());
    f.push(0);
    f.extend(&strings);
    f.extend([0; 24]);
    f.extend(strings_at.to_le_bytes());
    f.extend((strings.len() as u64).to_le_bytes());
    f.extend([0; 24]);
    f
}

fn cause(path: &Path) -> Option<Cause> {
    program(path.as_os_str()).err().map(|p| {
        let line = p.to_string();
        assert!(!line.contains('\n') && line.contains(": "), "{line}");
        p.cause
    })
}

#[test]
fn crafted_programs() {
    let dir = Dir::new("elf");
    // Any file will do as the loader: it only has to exist.
    let loader = dir.file("ld-linux-test.so.2", 0o755, b"");
    let loader = loader.to_str();
    for (name, bytes, wanted) in [
        ("good", program_file(OWN, loader, ".text"), None),
        ("static", program_file(OWN, None, ".text"), Some(Cause::Static)),
        ("go", program_file(OWN, loader, ".go.buildinfo"), Some(Cause::Go)),
        ("other", program_file(243, loader, ""), Some(Cause::OtherMachine(String::from("riscv")))),
        ("weird", program_file(4711, loader, ""), Some(Cause::OtherMachine(String::from("machine 4711")))),
        (
            "musl",
            program_file(OWN, Some("/lib/ld-musl-x86_64.so.1"), ""),
            Some(Cause::OtherLibc(String::from("/lib/ld-musl-x86_64.so.1"))),
        ),
        (
            "gone",
            program_file(OWN, Some("/no/ld-linux.so.9"), ""),
            Some(Cause::NoInterpreter(String::from("/no/ld-linux.so.9"))),
        ),
        ("text", b"hello\n".to_vec(), Some(Cause::Unknown)),
        ("empty", Vec::new(), Some(Cause::Unknown)),
        ("nl", b"#!\n".to_vec(), Some(Cause::Unknown)),
    ] {
        let path = dir.file(name, 0o755, &bytes);
        assert_eq!(cause(&path), wanted, "{name}");
    }
    let mut narrow = program_file(OWN, loader, "");
    narrow[4] = 1;
    narrow[18] = 3;
    assert!(matches!(
        cause(&dir.file("narrow", 0o755, &narrow)),
        Some(Cause::OtherMachine(_) | Cause::Unusable(_))
    ));
    // Cut and mangled files are refused or judged, never a panic.
    let good = program_file(OWN, loader, ".text");
    for cut in 0..good.len() {
        let _ = cause(&dir.file("cut", 0o755, &good[..cut]));
        let mut mangled = good.clone();
        mangled[cut] = 0xff;
        let _ = cause(&dir.file("mangled", 0o755, &mangled));
    }
}

#[test]
fn missing_and_unusable() {
    let dir = Dir::new("missing");
    assert_eq!(cause(&dir.0.join("nothing")), Some(Cause::Missing));
    assert_eq!(program(OsStr::new("matnet-no-such-program")).unwrap_err().cause, Cause::Missing);
    assert_eq!(program(OsStr::new("")).unwrap_err().cause, Cause::Missing);
    assert!(matches!(cause(&dir.file("plain", 0o644, b"#!/bin/sh\n")), Some(Cause::Unusable(_))));
    assert!(matches!(cause(&dir.0), Some(Cause::Unusable(_))));
}

#[test]
fn scripts_are_as_good_as_their_interpreters() {
    let dir = Dir::new("script");
    let script = dir.file("a.sh", 0o755, b"#!/bin/sh -e\ntrue\n");
    let chain = program(script.as_os_str()).unwrap();
    assert_eq!(chain, [script, PathBuf::from("/bin/sh")]);
    let by_env = dir.file("b", 0o755, b"#! /usr/bin/env -S A=1 sh -e\n");
    assert!(program(by_env.as_os_str()).unwrap()[2].ends_with("sh"));
    let missing = dir.file("c", 0o755, b"#!/no/such\n");
    assert_eq!(cause(&missing), Some(Cause::NoInterpreter(String::from("/no/such"))));
    let by_static = dir.file("static", 0o755, &program_file(OWN, None, ""));
    let line = format!("#!{}\n", by_static.display());
    let problem = program(dir.file("d", 0o755, line.as_bytes()).as_os_str()).unwrap_err();
    assert_eq!((problem.path, problem.cause), (by_static, Cause::Static));
    let own = dir.0.join("loop");
    let looping = dir.file("loop", 0o755, format!("#!{}\n", own.display()).as_bytes());
    assert_eq!(cause(&looping), Some(Cause::Nested));
}

#[test]
fn the_arguments_of_env() {
    let started = |s: &str| started_by_env(OsStr::new(s)).map(|s| s.to_string_lossy().into_owned());
    assert_eq!(started("python3").as_deref(), Some("python3"));
    assert_eq!(started("-S python3 -u").as_deref(), Some("python3"));
    assert_eq!(started("-Spython3 -u").as_deref(), Some("python3"));
    assert_eq!(started("-i A=b  perl -w").as_deref(), Some("perl"));
    assert_eq!(started("-i"), None);
}

#[test]
fn rights_that_switch_the_loader_off() {
    let dir = Dir::new("rights");
    let path = dir.file("p", 0o755, b"");
    let judge = |mode: u32, capabilities, who| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        judge_rights(&std::fs::metadata(&path).unwrap(), capabilities, who)
    };
    let owner = std::fs::metadata(&path).unwrap();
    let mine = Who { uid: owner.uid(), gid: owner.gid() };
    let other = Who { uid: owner.uid() + 1, gid: owner.gid() + 1 };
    assert_eq!(judge(0o755, false, other), Ok(()));
    assert_eq!(judge(0o4755, false, other), Err(Cause::Setuid(owner.uid())));
    assert_eq!(judge(0o4755, false, mine), Ok(()));
    assert_eq!(judge(0o2755, false, other), Err(Cause::Setgid(owner.gid())));
    assert_eq!(judge(0o2755, false, mine), Ok(()));
    assert_eq!(judge(0o2745, false, other), Ok(()));
    assert_eq!(judge(0o755, true, Who { uid: 1000, gid: 1000 }), Err(Cause::Capabilities));
    assert_eq!(judge(0o755, true, Who { uid: 0, gid: 0 }), Ok(()));
}

#[test]
fn real_programs() {
    for name in ["sh", "ls", "env"] {
        let chain = program(OsStr::new(name)).unwrap_or_else(|e| panic!("{e}"));
        assert!(chain[0].is_absolute());
    }
    // This test program is dynamic.
    let own = std::env::current_exe().unwrap();
    assert_eq!(cause(&own), None);
    // A static one, where a compiler is there to make it.
    let dir = Dir::new("real");
    let source = dir.file("s.c", 0o644, b"int main(void) { return 0; }\n");
    for (flag, wanted) in
        [("-static", Some(Cause::Static)), ("-static-pie", Some(Cause::Static)), ("-O1", None)]
    {
        let out = dir.0.join(format!("s{flag}"));
        let built = std::process::Command::new("cc").args([flag, "-o"]).arg(&out).arg(&source).output();
        if built.is_ok_and(|o| o.status.success()) {
            assert_eq!(cause(&out), wanted, "{flag}");
        }
    }
}

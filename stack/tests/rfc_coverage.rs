//! The tables of requirements (stack/RFCnnnn.md) say the truth about what shows each of them: every row names a
//! requirement with its level, and tests that exist, or gives a reason in words.
//!
//! A test is named in backticks from the root of the project: `stack/tests/x.rs::function`, `tests/conformance/x.c:case`,
//! `tests/programs/x.sh`. What begins with a directory of ours must exist; anything else in backticks is prose (a kernel
//! file, a sysctl). Limit: that a test exists is checked, not that it shows what the row says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The documents that are to be there.
const DOCUMENTS: [u32; 7] = [9293, 1122, 6675, 8985, 9438, 7323, 5961];
/// What a requirement may be called (RFC 2119); `stated`: a rule of the text without such a word.
const LEVELS: [&str; 7] = ["MUST", "SHOULD", "MAY", "REQUIRED", "RECOMMENDED", "OPTIONAL", "stated"];
/// The directories whose files a table may name.
const ROOMS: [&str; 12] = [
    "stack", "host", "src", "capi", "cli", "faults", "fuzz", "tests", "scripts", "docs", "examples",
    "benches",
];
/// A reason is at least so many characters.
const LEAST_REASON: usize = 12;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The files of the tree, read once.
struct Files {
    root: PathBuf,
    read: HashMap<String, Option<String>>,
}

impl Files {
    fn new() -> Files {
        Files { root: root(), read: HashMap::new() }
    }

    fn text(&mut self, path: &str) -> Option<&str> {
        let whole = self.root.join(path);
        let entry = self.read.entry(path.to_string());
        entry.or_insert_with(|| std::fs::read_to_string(whole).ok()).as_deref()
    }
}

/// A test function of that name is in this Rust text: `#[test]`, perhaps more attributes, `fn name(`.
fn has_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().filter(|(_, line)| line.contains(&head)).any(|(at, _)| {
        let above = lines[..at].iter().rev();
        above
            .take_while(|line| line.starts_with("#[") || line.starts_with("//") || line.starts_with("fn "))
            .any(|line| line.starts_with("#[test]"))
    })
}

/// What is wrong with a name in backticks; `None` when nothing is, and `Ok(false)` when it names no test.
fn look_up(files: &mut Files, name: &str) -> Result<bool, String> {
    let room = name.split('/').next().unwrap_or_default();
    if !name.contains('/') || !ROOMS.contains(&room) || name.contains(' ') {
        return Ok(false);
    }
    let (path, function) = match name.split_once("::") {
        Some((path, function)) => (path, Some(function)),
        None => match name.split_once(':') {
            Some((path, case)) => (path, Some(case)),
            None => (name, None),
        },
    };
    let Some(text) = files.text(path) else { return Err(format!("there is no file {path}")) };
    let found = match (Path::new(path).extension().and_then(|e| e.to_str()), function) {
        (Some("rs"), Some(function)) => has_test(text, function),
        (Some("c"), Some(case)) => text.contains(&format!("CASE({case})")),
        (Some("sh" | "py"), None) => return Ok(path.contains("test")),
        // A source file for the reader: it exists, and shows nothing.
        (_, None) => return Ok(false),
        (_, Some(_)) => false,
    };
    if found { Ok(true) } else { Err(format!("{path} has no test {}", function.unwrap_or_default())) }
}

/// The cells of a row, `\|` being no border.
fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner.replace("\\|", "\u{0}").split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// What is wrong with a document, a line each, and how many requirements it has.
fn judge(files: &mut Files, document: &str) -> (usize, Vec<String>) {
    let (mut rows, mut wrong) = (0, Vec::new());
    let mut in_table = false;
    for (number, line) in document.lines().enumerate() {
        let at = number + 1;
        if !line.trim_start().starts_with('|') {
            in_table = false;
            continue;
        }
        let cells = cells(line);
        // The head of a table and the rule below it.
        let rule = cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| "-: ".contains(c)));
        if !in_table || rule {
            in_table = true;
            continue;
        }
        rows += 1;
        if cells.len() < 3 {
            wrong.push(format!("line {at}: {} cells", cells.len()));
            continue;
        }
        let (shown, before) = cells.split_last().unwrap();
        if !before.iter().any(|cell| LEVELS.iter().any(|level| cell.contains(level))) {
            wrong.push(format!("line {at}: no level of requirement"));
        }
        let mut tests = 0;
        for name in shown.split('`').skip(1).step_by(2) {
            match look_up(files, name) {
                Ok(found) => tests += usize::from(found),
                Err(what) => wrong.push(format!("line {at}: {what}")),
            }
        }
        let reason: String = shown.split('`').step_by(2).collect();
        if tests == 0 && reason.trim().chars().count() < LEAST_REASON {
            wrong.push(format!("line {at}: neither a test nor a reason: {shown:?}"));
        }
    }
    (rows, wrong)
}

#[test]
fn every_row_names_tests_that_exist_or_a_reason() {
    let mut files = Files::new();
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(root().join("stack")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("RFC") || !name.ends_with(".md") {
            continue;
        }
        let text = files.text(&format!("stack/{name}")).unwrap().to_string();
        let (rows, found) = judge(&mut files, &text);
        println!("{name}: {rows} requirements");
        if rows == 0 {
            wrong.push(format!("{name}: no table"));
        }
        wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_document_is_there() {
    for number in DOCUMENTS {
        assert!(root().join(format!("stack/RFC{number}.md")).exists(), "stack/RFC{number}.md");
    }
}

const SAMPLE: &str = "\
| section | requirement | shown by, or why not |
| --- | --- | --- |
| 1 | MUST be found | `stack/tests/rfc_coverage.rs::every_document_is_there` |
| 2 | SHOULD be found | `tests/conformance/accept.c:accept_nobody`, `tests/programs/curl.sh` |
| 3 | MAY be left out | as Linux: nobody wants it (`net/ipv4/tcp.c`) |
";

#[test]
fn a_right_table_is_right() {
    assert_eq!(judge(&mut Files::new(), SAMPLE), (3, Vec::new()));
}

#[test]
fn a_wrong_name_is_found() {
    let wrong = [
        ("every_document_is_there", "no_such_test", "has no test no_such_test"),
        // A function, but no test.
        ("every_document_is_there", "look_up", "has no test look_up"),
        ("rfc_coverage.rs", "no_such_file.rs", "there is no file"),
        ("accept_nobody", "accept_somebody", "has no test accept_somebody"),
        ("curl.sh", "churl.sh", "there is no file"),
        ("MUST be", "is", "no level"),
        ("as Linux: nobody wants it (`net/ipv4/tcp.c`)", "no", "neither a test nor a reason"),
        ("| SHOULD be found |", "SHOULD be found:", "cells"),
    ];
    for (from, to, what) in wrong {
        let table = SAMPLE.replacen(from, to, 1);
        assert_ne!(table, SAMPLE, "{from}");
        let (_, found) = judge(&mut Files::new(), &table);
        assert!(found.iter().any(|line| line.contains(what)), "{to}: {found:?}");
    }
}

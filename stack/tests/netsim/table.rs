//! A table in a file beside this one: figures that are compared exactly, and explanations that people wrote.
//!
//! The file has a head (what the columns are), a row for each cell (`key... | columns...`), and behind the line
//! [`EXPLAIN`] one explanation a paragraph: `PATTERN: text`, PATTERN being the words of a row's key, `*` for any. The first
//! part is generated (MATNET_UPDATE=1), the second is kept. A row whose ratio to its prediction is below [`LEAST`] needs an
//! explanation that matches it, and an explanation needs such a row.

use std::fmt::Write;
use std::path::Path;

/// The ratio to the prediction below which a row needs an explanation.
pub const LEAST: f64 = 0.8;
const EXPLAIN: &str = "## Explanations";

/// A row: its key, the rest of its text, and how it compares to its prediction.
pub struct Row {
    pub key: Vec<String>,
    pub text: String,
    pub ratio: f64,
}

impl Row {
    fn line(&self) -> String {
        let mark = if self.ratio < LEAST { "  <" } else { "" };
        format!("{} | {}{mark}", self.key.join(" "), self.text)
    }
}

/// An explanation.
struct Why {
    pattern: Vec<String>,
    text: String,
}

impl Why {
    fn matches(&self, key: &[String]) -> bool {
        self.pattern.len() == key.len() && self.pattern.iter().zip(key).all(|(p, k)| p == "*" || p == k)
    }
}

fn explanations(text: &str) -> Vec<Why> {
    let paragraphs = text.split("\n\n").filter_map(|p| p.trim().split_once(": "));
    paragraphs
        .map(|(pattern, text)| Why {
            pattern: pattern.split_whitespace().map(str::to_string).collect(),
            text: text.to_string(),
        })
        .collect()
}

/// What is wrong with rows and their explanations.
fn judge(rows: &[Row], why: &[Why]) -> Vec<String> {
    let mut wrong = Vec::new();
    let poor: Vec<&Row> = rows.iter().filter(|row| row.ratio < LEAST).collect();
    for row in &poor {
        if !why.iter().any(|why| why.matches(&row.key)) {
            wrong.push(format!("no explanation: {}", row.line()));
        }
    }
    for why in why {
        if why.text.len() < 40 || !poor.iter().any(|row| why.matches(&row.key)) {
            wrong.push(format!("explains nothing: {}", why.pattern.join(" ")));
        }
    }
    wrong
}

/// Compares a table with its file, or writes the file when MATNET_UPDATE is set.
pub fn check(name: &str, head: &str, rows: &[Row]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/netsim").join(name);
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let (held_figures, why) = held.split_once(EXPLAIN).unwrap_or((&held, "\n"));
    let mut figures = format!("{}\n\n", head.trim());
    for row in rows {
        writeln!(figures, "{}", row.line()).unwrap();
    }
    figures.push('\n');
    let differences: Vec<String> = {
        let old: Vec<&str> = held_figures.lines().collect();
        let new = figures.lines().filter(|line| !old.contains(line)).map(|line| format!("now  {line}"));
        let gone = old.iter().filter(|old| !figures.lines().any(|line| line == **old));
        new.chain(gone.map(|line| format!("was  {line}"))).collect()
    };
    let wrong = judge(rows, &explanations(why));
    if std::env::var_os("MATNET_UPDATE").is_some() {
        std::fs::write(&path, format!("{figures}{EXPLAIN}{why}")).unwrap();
        println!("{figures}{}", wrong.join("\n"));
        return;
    }
    assert!(
        differences.is_empty(),
        "{name} has changed; see main.rs for how to renew it\n{}",
        differences.join("\n")
    );
    assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n"));
}

#[test]
fn a_poor_row_needs_its_explanation() {
    let row = |key: &str, ratio| Row {
        key: key.split(' ').map(str::to_string).collect(),
        text: String::new(),
        ratio,
    };
    let rows = [row("reno 20ms 1%", 0.7), row("reno 20ms 0%", 0.9)];
    let good = "\n\nreno * 1%: time-outs, which the formula does not know, take the rest of the time.\n";
    assert_eq!(judge(&rows, &explanations(good)), Vec::<String>::new());
    assert_eq!(judge(&rows, &[]).len(), 1);
    // For a row that needs none, and one too short to say anything.
    assert_eq!(judge(&rows[1..], &explanations(good)).len(), 1);
    assert_eq!(judge(&rows, &explanations("reno * 1%: so it is")).len(), 1);
}

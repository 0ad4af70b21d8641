//! `matnet docs PART`: what the documentation takes from the table of options, so that it cannot disagree with it.
//!
//! The tests of this file compare the committed manual and example configuration with what is printed here.

use std::fmt::Write as _;

use matnet_host::config::OPTIONS;
use matnet_host::posix::options::{ROWS, table};

use crate::Failure;

/// Arguments of `matnet docs`.
#[derive(clap::Args)]
pub struct Args {
    /// What to print.
    #[arg(value_enum)]
    part: Part,
}

/// Parts that come from the table.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    /// A table of variables in Markdown.
    Markdown,
    /// The variables for matnet(7).
    Man7,
    /// The options for matnet(1).
    Man1,
    /// An example configuration file.
    Config,
    /// Every socket option, what it does here and how that differs from Linux: docs/socket-options.md.
    Sockopts,
}

/// Runs the command.
pub fn main(args: &Args) -> Result<(), Failure> {
    print!("{}", text(args.part));
    Ok(())
}

fn text(part: Part) -> String {
    match part {
        Part::Markdown => markdown(),
        Part::Man7 => man(|name, _, value| format!(".TP\n.BR {name} =\\fI{}\\fR\n", roff(value))),
        Part::Man1 => man(|_, key, value| format!(".TP\n.BI \\-\\-{} \" {}\"\n", roff(key), roff(value))),
        Part::Config => config(),
        Part::Sockopts => sockopts(),
    }
}

/// docs/socket-options.md, whole.
fn sockopts() -> String {
    let mut out = String::from(
        "# Socket options\n\n\
         <!-- Made by `matnet docs sockopts` from host/src/posix/options/rows.rs: change it there. -->\n\n\
         What setsockopt and getsockopt do on a socket of the library. Lengths, clamping, errors and what is read back are those \
         of Linux 6.18.\nAn option is *honoured* when it does what its manual page says; *held* when it is accepted and read back \
         but has nothing to act on, with\nthe reason; *refused* when setting it fails. Nothing is accepted and then ignored without \
         standing here. Held, refused and\nunknown options are counted, and named in the log at level debug the first time. An option \
         that is not here is ENOPROTOOPT.\n\n\
         Sockets whose address belongs to the kernel (MATNET_BYPASS, loopback) become the kernel's, with their options; there all of \
         them\nare the kernel's own.\n",
    );
    let count = |effect| ROWS.iter().filter(|r| r.effect == effect).count();
    let _ = writeln!(
        out,
        "\n{} are honoured, {} held, {} refused.",
        count(table::Effect::Honoured),
        count(table::Effect::Held),
        count(table::Effect::Refused)
    );
    for (level, title) in table::LEVELS.iter().filter(|(level, _)| ROWS.iter().any(|r| r.level == *level)) {
        let _ = writeln!(
            out,
            "\n## {title}\n\n| option | sockets | here | values | notes and differences |\n| --- | --- | --- | --- | --- |"
        );
        for row in ROWS.iter().filter(|r| r.level == *level) {
            let on = match row.on {
                table::On::Any => "all",
                table::On::Stream => "TCP",
                table::On::Datagram => "datagrams",
            };
            let _ = writeln!(
                out,
                "| `{}` | {on} | {} | {} | {} |",
                row.id,
                row.effect.name(),
                row.values().replace('|', "\\|"),
                row.note.replace('|', "\\|")
            );
        }
    }
    out
}

fn markdown() -> String {
    let mut out = String::from("| variable | default | meaning |\n| --- | --- | --- |\n");
    for o in OPTIONS {
        let note =
            if o.available { "" } else { " **Not available in this version:** every value is refused." };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "| `{}` | {} | {}{note} |", o.name, o.default, o.help.replace('|', "\\|"));
    }
    out
}

fn man(head: impl Fn(&str, &str, &str) -> String) -> String {
    let mut out = String::new();
    for o in OPTIONS {
        let _ = writeln!(out, "{}{}", head(o.name, o.key, o.value_name), roff(o.help));
        let _ = match o.available {
            true => writeln!(out, "Default: {}.", roff(o.default)),
            false => writeln!(out, "Not available in this version: every value is refused."),
        };
    }
    out
}

/// Text as roff wants it: hyphens that are typed stay hyphens, and no line begins with a control character.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

fn config() -> String {
    let mut out = String::from(
        "# Example configuration of matnet: name this file in MATNET_CONFIG.\n\
         # Every line is commented out and shows the default. The environment wins over this file.\n",
    );
    let defaults = matnet_host::config::Settings::default();
    for o in OPTIONS.iter().filter(|o| o.available && o.key != "config") {
        out.push('\n');
        for line in wrapped(o.help, 96) {
            let _ = writeln!(out, "# {line}");
        }
        let shown = (o.show)(&defaults);
        if shown.is_empty() {
            let _ = writeln!(out, "# Default: {}.", o.default);
        }
        let key = o.key.replace('-', "_");
        let _ = writeln!(out, "#{key} = {}", if shown.is_empty() { example(o.key) } else { shown.as_str() });
    }
    out
}

/// A value for options whose default is no value.
fn example(key: &str) -> &'static str {
    match key {
        "gateway" => "10.88.45.1",
        "mac" => "02:00:5e:10:00:01",
        "mtu" => "1500",
        "dns" => "10.88.45.1",
        "pcap" => "/tmp/matnet-%p.pcapng",
        "fault" => "loss=1%,delay=20ms,seed=7",
        "log-file" => "/tmp/matnet-%p.log",
        _ => "",
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use matnet_host::config::Settings;

    fn committed(path: &str) -> String {
        let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    #[test]
    fn the_manual_has_the_table() {
        for (path, part) in [("man/matnet.1", Part::Man1), ("man/matnet.7", Part::Man7)] {
            assert!(
                committed(path).contains(&text(part)),
                "{path} is stale: put the output of `matnet docs` into it"
            );
        }
    }

    #[test]
    fn the_list_of_socket_options_is_current() {
        let path = "docs/socket-options.md";
        assert_eq!(
            committed(path),
            text(Part::Sockopts),
            "{path} is stale: `matnet docs sockopts` prints it"
        );
        // No row is of a level without a section.
        let rows = text(Part::Sockopts).lines().filter(|l| l.starts_with("| `")).count();
        assert_eq!(rows, ROWS.len());
    }

    #[test]
    fn the_example_configuration_is_current_and_valid() {
        let path = "examples/matnet.conf";
        assert_eq!(committed(path), text(Part::Config), "{path} is stale: `matnet docs config` prints it");
        // With every line in force it reads, and says what it means to say.
        let body: String = committed(path).lines().map(|l| format!("{}\n", live(l))).collect();
        let file = std::env::temp_dir().join(format!("matnet-docs-{}.conf", std::process::id()));
        std::fs::write(&file, body).unwrap();
        let name = file.to_str().unwrap().to_owned();
        let (settings, warnings, result) =
            Settings::from_lookup(&mut |n| (n == "MATNET_CONFIG").then(|| name.clone()), &[]);
        assert_eq!((warnings.len(), result), (0, Ok(())));
        let changed: Vec<&str> = settings.changed().iter().map(|(n, _)| *n).collect();
        let shown = [
            "MATNET_GATEWAY",
            "MATNET_MAC",
            "MATNET_MTU",
            "MATNET_DNS",
            "MATNET_PCAP",
            "MATNET_FAULT",
            "MATNET_LOG_FILE",
            "MATNET_CONFIG",
        ];
        assert_eq!(changed, shown);
        std::fs::remove_file(file).unwrap();
    }

    /// A commented-out setting without its mark; other lines as they are.
    fn live(line: &str) -> &str {
        line.strip_prefix('#').filter(|l| !l.is_empty() && !l.starts_with(' ')).unwrap_or(line)
    }
}

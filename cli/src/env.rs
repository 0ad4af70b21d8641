//! `matnet env [options]`: what `eval "$(matnet env)"` makes a shell export.

use std::io::Write as _;

use crate::{Failure, library, options};

/// Arguments of `matnet env`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    options: options::All,
}

/// Prints the exports.
pub fn main(args: &Args) -> Result<(), Failure> {
    args.options.0.settings()?;
    let library = library::find()?;
    let preload = library::preload(&library, std::env::var_os("LD_PRELOAD").as_deref());
    let mut text = String::new();
    for (name, value) in args.options.0.iter() {
        text.push_str(&export(name, value));
    }
    text.push_str(&export("LD_PRELOAD", &preload.to_string_lossy()));
    std::io::stdout().write_all(text.as_bytes()).map_err(|e| Failure::new(format!("cannot write: {e}")))
}

fn export(name: &str, value: &str) -> String {
    format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_a_shell() {
        assert_eq!(export("A", "x y"), "export A='x y'\n");
        assert_eq!(export("A", "it's $HOME"), "export A='it'\\''s $HOME'\n");
    }
}

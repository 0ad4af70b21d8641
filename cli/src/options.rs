//! The table of options as options of the command: `MATNET_TAP` is `--tap`.
//!
//! An option given here wins over the environment, which wins over the configuration file.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Command};
use matnet_host::config::{OPTIONS, OptionSpec, Settings};

use crate::Failure;

/// Values given on the command line, by variable name.
#[derive(Clone, Debug, Default)]
pub struct Options {
    given: BTreeMap<&'static str, String>,
}

impl Options {
    /// The variables given, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.given.iter().map(|(n, v)| (*n, v.as_str()))
    }

    /// The value of a variable: as given here, or from the environment.
    pub fn value(&self, name: &str) -> Option<String> {
        self.given.get(name).cloned().or_else(|| {
            let value = std::env::var_os(name)?;
            // What is not UTF-8 fails to parse, with the replacement character in the message.
            Some(value.to_string_lossy().into_owned())
        })
    }

    /// Gives a value as if it had been on the command line.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.given.insert(name, value);
    }

    /// All settings: command line, environment, file. Warnings go to stderr, the first error ends the command.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let names: Vec<String> = std::env::vars_os().filter_map(|(n, _)| n.into_string().ok()).collect();
        let (settings, warnings, result) = Settings::from_lookup(&mut |name| self.value(name), &names);
        for warning in warnings {
            eprintln!("matnet: {warning}");
        }
        match result {
            Ok(()) => Ok(settings),
            Err(line) => Err(Failure::with_code(self.as_typed(line), 2)),
        }
    }

    /// A line about a variable names the option instead, where that is what was typed.
    fn as_typed(&self, line: String) -> String {
        let spec =
            OPTIONS.iter().find(|o| line.strip_prefix(o.name).is_some_and(|rest| rest.starts_with(':')));
        match spec {
            Some(o) if self.given.contains_key(o.name) => line.replacen(o.name, &format!("--{}", o.key), 1),
            _ => line,
        }
    }

    fn read(matches: &ArgMatches) -> Options {
        let value = |o: &OptionSpec| matches.try_get_one::<String>(o.key).ok().flatten().cloned();
        Options { given: OPTIONS.iter().filter_map(|o| Some((o.name, value(o)?))).collect() }
    }
}

fn argument(o: &'static OptionSpec) -> Arg {
    Arg::new(o.key)
        .long(o.key)
        .value_name(o.value_name)
        .help(format!("{} [{}; default: {}]", o.help, o.name, o.default))
        .hide(!o.available)
        .help_heading("Options of the stack")
}

macro_rules! option_set {
    ($(#[$doc:meta])* $name:ident, $filter:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name(pub Options);

        impl clap::FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<$name, clap::Error> {
                Ok($name(Options::read(matches)))
            }
            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = Options::read(matches);
                Ok(())
            }
        }

        impl clap::Args for $name {
            fn augment_args(command: Command) -> Command {
                let wanted: fn(&OptionSpec) -> bool = $filter;
                command.args(OPTIONS.iter().filter(|o| wanted(o)).map(argument))
            }
            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }
    };
}

option_set!(
    /// Every option.
    All,
    |_| true
);
option_set!(
    /// Those that say what a device is like.
    Device,
    |o| ["tap", "addr", "gateway", "mtu", "config"].contains(&o.key)
);
option_set!(
    /// The name of a device.
    Name,
    |o| ["tap", "config"].contains(&o.key)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_an_option() {
        let command = <All as clap::Args>::augment_args(Command::new("x"));
        for o in OPTIONS {
            assert!(command.get_arguments().any(|a| a.get_long() == Some(o.key)));
        }
        let matches = command.try_get_matches_from(["x", "--tap", "a", "--io-uring", "allow"]).unwrap();
        let options = Options::read(&matches);
        assert_eq!(options.iter().collect::<Vec<_>>(), [("MATNET_IO_URING", "allow"), ("MATNET_TAP", "a")]);
        assert_eq!(options.settings().unwrap().tap, "a");
    }

    #[test]
    fn errors_name_what_was_typed() {
        let mut options = Options::default();
        options.set("MATNET_ADDR", String::from("1.2"));
        let failure = options.settings().unwrap_err();
        assert!(failure.line.starts_with("--addr: \"1.2\": expected"), "{}", failure.line);
        assert_eq!(failure.code, 2);
    }
}

//! The `matnet` command: starts programs under the library, makes and removes devices, and says beforehand what cannot work.
//!
//! One file per command. Options come from the one table in `matnet_host::config`. The command does not link
//! the hooks: it is an ordinary program of the kernel's network.

mod check;
mod docs;
mod down;
mod env;
mod library;
mod nat;
mod options;
mod run;
mod state;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gives unmodified programs their own host on the network.
#[derive(Parser)]
#[command(
    name = "matnet",
    version,
    about = "Gives unmodified programs their own host on the network",
    max_term_width = 100
)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program with its own address and TCP/IP stack.
    Run(run::Args),
    /// Make a TAP device that stays, for a user, with or without a way out (as root).
    Up(up::Args),
    /// Undo what `up` changed (as root).
    Down(down::Args),
    /// Say whether the library can work with a program, and why not.
    Check(check::Args),
    /// Print the exports that put a shell's programs under the library.
    Env(env::Args),
    /// Print parts of the documentation that come from the table of options.
    #[command(hide = true)]
    Docs(docs::Args),
}

/// What ends the command: one line for the person, one code for the shell.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Cause and remedy.
    pub line: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(line: impl Into<String>) -> Failure {
        Failure { line: line.into(), code: 1 }
    }

    /// A failure with another exit code.
    pub fn with_code(line: impl Into<String>, code: u8) -> Failure {
        Failure { line: line.into(), code }
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::main(&args),
        Command::Up(args) => up::main(&args),
        Command::Down(args) => down::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Env(args) => env::main(&args),
        Command::Docs(args) => docs::main(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("matnet: {}", failure.line);
            ExitCode::from(failure.code)
        }
    }
}

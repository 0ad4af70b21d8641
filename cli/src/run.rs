//! `matnet run [options] -- PROG ARGS`: checks the program, sets the variables, and becomes it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::{Failure, check, library, options};

/// Arguments of `matnet run`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    options: options::All,
    /// Start the program even if it cannot work with the library.
    #[arg(long)]
    force: bool,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROG")]
    command: Vec<OsString>,
}

/// Runs the command; returns only when that fails.
pub fn main(args: &Args) -> Result<(), Failure> {
    // The program would refuse these values as well, but only at its first socket.
    args.options.0.settings()?;
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Failure::with_code("expected a program to run", 2));
    };
    let library = library::find()?;
    if let Err(problem) = check::program(program) {
        let missing = matches!(problem.cause, check::Cause::Missing);
        if missing || !args.force {
            // The codes of env(1) and nohup(1).
            let force = if missing { "" } else { " (--force starts it all the same)" };
            return Err(Failure::with_code(format!("{problem}{force}"), if missing { 127 } else { 126 }));
        }
        eprintln!("matnet: {problem}");
    }
    let mut command = Command::new(program);
    command.args(rest).envs(args.options.0.iter());
    command.env("LD_PRELOAD", library::preload(&library, std::env::var_os("LD_PRELOAD").as_deref()));
    let error = command.exec();
    Err(Failure::with_code(format!("{}: cannot be started: {error}", program.to_string_lossy()), 126))
}

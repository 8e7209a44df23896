//! Entry point: runs the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    whereabouts::cli::run(std::env::args_os())
}

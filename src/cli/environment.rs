//! Settings from the environment. An empty variable counts as not set: compose files and units write `NAME=` for that.

use std::{env, ffi::OsString};

use clap::{Arg, Command, Parser, builder::Resettable};

/// Parses a command line, and the environment for options that it omits.
///
/// Errors: those of clap, which include `--help`.
pub fn parse<T: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<T, clap::Error> {
    let mut command = without_empty_variables(T::command());
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    T::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Returns a variable. `None` if it is not set, empty or not Unicode.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg }).mut_subcommands(without_empty_variables)
}

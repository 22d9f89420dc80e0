//! `ml-connector`: the host of ml-connector as a program.

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}

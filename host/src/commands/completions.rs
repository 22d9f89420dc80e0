//! `completions`: completion scripts for shells.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Done, exit};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector completions bash > /etc/bash_completion.d/ml-connector
  ml-connector completions zsh > ~/.zfunc/_ml-connector")]
pub(super) struct Args {
    /// The shell that is to read the script
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Done {
    // Made in memory first: the generator panics when the pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ml-connector", &mut script);
    out.write_all(&script)?;
    Ok(exit::OK)
}

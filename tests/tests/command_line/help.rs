//! The help text of every command.

use ml_connector_tests::fixtures::command::{program, run};

/// Names under "Commands:" of a help text.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_string)
        .collect()
}

/// Every command line that ends in a command, from the top.
fn leaves(prefix: &[String]) -> Vec<Vec<String>> {
    let mut arguments: Vec<&str> = prefix.iter().map(String::as_str).collect();
    arguments.push("--help");
    let inner = commands(&run(&arguments).out);
    if inner.is_empty() {
        return vec![prefix.to_vec()];
    }
    let below = |name: &String| leaves(&[prefix, std::slice::from_ref(name)].concat());
    inner.iter().flat_map(below).collect()
}

#[test]
fn every_command_has_a_sentence_and_an_example() {
    let leaves = leaves(&[]);
    assert!(leaves.len() >= 6, "{leaves:?}");
    for leaf in leaves {
        let mut arguments: Vec<&str> = leaf.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = run(&arguments).out;
        let example = format!("ml-connector {}", leaf.join(" "));
        let (_, examples) = help.split_once("Example").unwrap_or((&help, ""));
        assert!(examples.contains(&example), "no example:\n{help}");
        assert!(!help.starts_with("Usage"), "no sentence:\n{help}");
    }
}

#[test]
fn every_flag_and_argument_is_explained() {
    for leaf in leaves(&[]) {
        let mut arguments: Vec<&str> = leaf.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = run(&arguments).out;
        let lines: Vec<&str> = help.lines().collect();
        for pair in lines.windows(2) {
            let is_flag = pair[0].trim_start().starts_with('-') && !pair[0].contains(": ");
            if is_flag && !pair[0].trim_start().starts_with("- ") {
                let explained = pair[1].starts_with("          ") || pair[0].contains("  Print");
                assert!(explained, "{leaf:?}: {} is not explained", pair[0]);
            }
        }
    }
}

#[test]
fn the_main_help_lists_exit_codes_and_the_settings_variable() {
    let help = run(&["--help"]).out;
    for word in [
        "Exit codes:",
        "ML_CONNECTOR_CONFIG",
        "NO_COLOR",
        "ml-connector.toml",
    ] {
        assert!(help.contains(word), "{word} is missing:\n{help}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [
        &["stauts"][..],
        &["show"],
        &["show", "twelve"],
        &["runs", "--limit", "0"],
        &["backfill", "--from", "yesterday"],
        &["backfill", "--from", "2026-01-01", "--dry-run", "--cancel"],
        &[],
    ] {
        let output = run(arguments);
        assert_eq!(output.code, 2, "{arguments:?}: {}", output.err);
    }
    assert!(run(&["stauts"]).err.contains("status"));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.code, 0);
        assert!(
            output.out.contains("preview") && output.out.contains("online"),
            "{shell}"
        );
    }
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let program = program();
    let program = program.get_program().to_str().expect("UTF-8");
    let shell = format!("(sleep 0.3; {program} completions zsh) | true");
    let output = std::process::Command::new("bash")
        .args(["-o", "pipefail", "-c", &shell])
        .output()
        .expect("bash starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && err.is_empty(),
        "{:?}: {err}",
        output.status
    );
}

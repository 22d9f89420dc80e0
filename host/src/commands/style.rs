//! Colour, on a terminal only and never when `NO_COLOR` is set (no-color.org).

use std::io::IsTerminal;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// In order.
    Good,
    /// Waits, or will need a person.
    Waiting,
    /// Needs a person now.
    Bad,
    /// Neither.
    Plain,
}

/// A word in the colour of its tone, for standard output.
pub fn word(text: &str, tone: Tone) -> String {
    match escape(tone) {
        Some(escape) if std::io::stdout().is_terminal() && allowed() => {
            format!("\x1b[{escape}m{text}\x1b[0m")
        }
        _ => text.to_string(),
    }
}

/// The word before a failure, for standard error.
pub fn error_label() -> &'static str {
    if on_stderr() {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    }
}

/// Whether standard error is coloured.
pub fn on_stderr() -> bool {
    std::io::stderr().is_terminal() && allowed()
}

/// An empty table that fits the terminal.
pub fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head.iter().map(|name| name.to_uppercase()));
    if !allowed() {
        table.force_no_tty();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// A table's cell in the colour of its tone.
pub fn cell(text: impl ToString, tone: Tone) -> Cell {
    let cell = Cell::new(text.to_string());
    match tone {
        Tone::Good => cell.fg(Color::Green),
        Tone::Waiting => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Plain => cell,
    }
}

fn escape(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Good => Some("32"),
        Tone::Waiting => Some("33"),
        Tone::Bad => Some("31"),
        Tone::Plain => None,
    }
}

fn allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

//! Colour, on a terminal only and never when `NO_COLOR` is set (no-color.org).

use std::io;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// In order: needs nobody.
    Good,
    /// Waits, or will need a person.
    Waiting,
    /// Needs a person now.
    Bad,
    /// Neither good nor bad.
    Plain,
}

/// A text in the colour of its tone, for standard output.
pub(super) fn coloured(text: &str, tone: Tone) -> String {
    let style = tone.style();
    if style == Style::new() || !is_coloured(&io::stdout()) {
        return text.to_string();
    }
    format!("{style}{text}{style:#}")
}

/// The word before a failure, for standard error.
pub(super) fn error_label() -> String {
    if is_coloured(&io::stderr()) {
        let style = AnsiColor::Red.on_default().bold();
        format!("{style}error:{style:#}")
    } else {
        "error:".to_string()
    }
}

/// Whether a stream is coloured: only on a terminal, and never when `NO_COLOR` is set.
pub(super) fn is_coloured(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Waiting => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Plain => Style::new(),
        }
    }
}

/// An empty table. It is as wide as what is in it: a terminal wraps long lines, and then ids and
/// sentences can still be copied.
pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head.iter().map(|name| name.to_uppercase()));
    if !is_coloured(&io::stdout()) {
        table.force_no_tty();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// A table's cell in the colour of its tone.
pub(super) fn cell(text: impl ToString, tone: Tone) -> Cell {
    let cell = Cell::new(text.to_string());
    match tone {
        Tone::Good => cell.fg(Color::Green),
        Tone::Waiting => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Plain => cell,
    }
}

//! What remotes and documents say goes to a terminal as text: a character that a terminal would act
//! on, or that would turn the reading order around, is written as `\u` and its number. In JSON that
//! means the same character.

use std::io::{self, Write};

/// Escapes a text of one or several lines.
pub(super) fn printable(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape(text, false, &mut escaped);
    escaped
}

/// A writer that escapes all that passes, but for the colours that this program writes itself.
pub(super) struct Printable<W> {
    inner: W,
    /// Whether colours pass: then a remote could colour its own text, and nothing else.
    coloured: bool,
    /// The beginning of a character whose end has not been written yet.
    begun: Vec<u8>,
}

impl<W: Write> Printable<W> {
    /// Writes to `inner`; `coloured` says whether the program writes colours there.
    pub(super) fn new(inner: W, coloured: bool) -> Self {
        Self {
            inner,
            coloured,
            begun: Vec::new(),
        }
    }
}

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pending = std::mem::take(&mut self.begun);
        pending.extend_from_slice(bytes);
        let end = complete_length(&pending);
        self.begun = pending.split_off(end);
        let mut escaped = String::with_capacity(pending.len());
        escape(
            &String::from_utf8_lossy(&pending),
            self.coloured,
            &mut escaped,
        );
        self.inner.write_all(escaped.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How many bytes there are before a character that is not complete.
fn complete_length(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

fn escape(text: &str, coloured: bool, escaped: &mut String) {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match coloured {
            true => colour_length(rest).unwrap_or_default(),
            false => 0,
        };
        let (head, tail) = rest.split_at(length.max(character.len_utf8()));
        if length == 0 && is_acted_on(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push_str(head);
        }
        rest = tail;
    }
}

/// The length of the colour that a text begins with: `ESC [`, digits and semicolons, `m`.
fn colour_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|one: char| !one.is_ascii_digit() && one != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// Whether a terminal acts on a character, or shows what follows in another order or line.
fn is_acted_on(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        // Marks, embeddings, overrides and isolates of text that runs from right to left.
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => true,
        // Separators of lines and paragraphs.
        '\u{2028}' | '\u{2029}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(chunks: &[&[u8]], coloured: bool) -> String {
        let mut out = Printable::new(Vec::new(), coloured);
        for chunk in chunks {
            out.write_all(chunk).expect("is written");
        }
        String::from_utf8(out.inner).expect("UTF-8")
    }

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_nothing_else() {
        for (text, shown) in [
            ("Zoë\t日本 📦\n", "Zoë\t日本 📦\n"),
            ("a\u{1b}[2Jb", "a\\u001b[2Jb"),
            ("a\u{9b}2Jb", "a\\u009b2Jb"),
            (
                "a\rb\u{7}\u{8}\u{7f}\0",
                "a\\u000db\\u0007\\u0008\\u007f\\u0000",
            ),
            ("fdp.\u{202e}exe", "fdp.\\u202eexe"),
            (
                "\u{2066}x\u{2069}\u{200f}\u{61c}",
                "\\u2066x\\u2069\\u200f\\u061c",
            ),
            ("a\u{2028}b", "a\\u2028b"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(written(&[text.as_bytes()], false), shown);
        }
    }

    #[test]
    fn own_colours_pass_where_there_are_any() {
        let text = "\u{1b}[32mlive\u{1b}[0m\u{1b}[38;5;10mx\u{1b}[2J\u{1b}]0;t";
        let shown = "\u{1b}[32mlive\u{1b}[0m\u{1b}[38;5;10mx\\u001b[2J\\u001b]0;t";
        assert_eq!(written(&[text.as_bytes()], true), shown);
        assert!(!written(&[text.as_bytes()], false).contains('\u{1b}'));
    }

    #[test]
    fn a_character_in_two_pieces_is_one_character() {
        let text = "ë\u{202e}".as_bytes();
        let pieces: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(written(&pieces, false), "ë\\u202e");
    }

    #[test]
    fn json_means_the_same_escaped() {
        let value = serde_json::json!({"party": "a\u{202e}b\u{9b}\u{1b}"});
        let shown = written(&[value.to_string().as_bytes()], false);
        assert!(shown.is_ascii(), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(read, value);
    }
}

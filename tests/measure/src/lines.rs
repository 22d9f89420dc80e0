//! What each line of a file is: code, documentation, comment, text of a string, or nothing.

use proc_macro2::{Delimiter, LineColumn, Spacing, TokenStream, TokenTree};

/// The lines of a file by what stands on them. Line numbers count from one.
///
/// A line with code and a comment behind it is a line of code. A line inside a string literal of
/// several lines is code too, and is also remembered as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    kinds: Vec<Kind>,
    raw_text: Vec<bool>,
}

/// What stands on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Blank,
    Comment,
    Doc,
    Code,
}

impl Lines {
    /// Sorts the lines of `text`, whose tokens are `tokens`.
    pub(crate) fn of(text: &str, tokens: TokenStream) -> Self {
        let count = text.lines().count();
        let mut lines = Self {
            kinds: vec![Kind::Blank; count],
            raw_text: vec![false; count],
        };
        lines.mark_tokens(tokens);
        for (index, line) in text.lines().enumerate() {
            if lines.kinds[index] == Kind::Blank && !line.trim().is_empty() {
                lines.kinds[index] = Kind::Comment;
            }
        }
        lines
    }

    /// How many of the lines `from..=to` hold code.
    #[must_use]
    pub fn code(&self, from: usize, to: usize) -> usize {
        self.count(Kind::Code, from, to)
    }

    /// How many of the lines `from..=to` are `///` or `//!`.
    #[must_use]
    pub fn docs(&self, from: usize, to: usize) -> usize {
        self.count(Kind::Doc, from, to)
    }

    /// How many of the lines `from..=to` are comments, which only readers of the code see.
    #[must_use]
    pub fn comments(&self, from: usize, to: usize) -> usize {
        self.count(Kind::Comment, from, to)
    }

    /// How many lines there are, blank ones included.
    #[must_use]
    pub fn total(&self) -> usize {
        self.kinds.len()
    }

    /// Whether the line belongs to a raw string, whose text no line break can be put into.
    #[must_use]
    pub fn is_raw_text(&self, line: usize) -> bool {
        line.checked_sub(1)
            .and_then(|index| self.raw_text.get(index))
            .copied()
            .unwrap_or_default()
    }

    fn count(&self, kind: Kind, from: usize, to: usize) -> usize {
        let range = from.saturating_sub(1)..to.min(self.kinds.len());
        let kinds = self.kinds.get(range).unwrap_or_default();
        kinds.iter().filter(|found| **found == kind).count()
    }

    fn mark_tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            if let TokenTree::Punct(hash) = &token
                && hash.as_char() == '#'
                && hash.spacing() == Spacing::Alone
            {
                let start = hash.span().start();
                if let Some(TokenTree::Punct(bang)) = tokens.peek()
                    && bang.as_char() == '!'
                    && bang.span().start() == start
                {
                    tokens.next();
                }
                if let Some(end) = tokens.peek().and_then(|next| doc_comment(start, next)) {
                    self.mark(Kind::Doc, start.line, end.line);
                    tokens.next();
                    continue;
                }
            }
            self.mark_token(token);
        }
    }

    fn mark_token(&mut self, token: TokenTree) {
        match token {
            TokenTree::Group(group) => {
                if group.delimiter() != Delimiter::None {
                    let (open, close) = (group.span_open().start(), group.span_close().end());
                    self.mark(Kind::Code, open.line, open.line);
                    self.mark(Kind::Code, close.line, close.line);
                }
                self.mark_tokens(group.stream());
            }
            TokenTree::Literal(literal) => {
                let (start, end) = (literal.span().start().line, literal.span().end().line);
                self.mark(Kind::Code, start, end);
                let text = literal.to_string();
                if text.starts_with("r\"") || text.starts_with("r#") || text.starts_with("br") {
                    for flag in self.raw_text.iter_mut().take(end).skip(start - 1) {
                        *flag = true;
                    }
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {
                let (start, end) = (token.span().start().line, token.span().end().line);
                self.mark(Kind::Code, start, end);
            }
        }
    }

    fn mark(&mut self, kind: Kind, from: usize, to: usize) {
        for found in self.kinds.iter_mut().take(to).skip(from.saturating_sub(1)) {
            if *found != Kind::Code {
                *found = kind;
            }
        }
    }
}

/// The end of a doc comment that begins at `start`. The parser turns `/// text` into an attribute
/// whose tokens all lie where the comment lies; an attribute that is written out has its bracket
/// behind the `#`.
fn doc_comment(start: LineColumn, next: &TokenTree) -> Option<LineColumn> {
    let TokenTree::Group(group) = next else {
        return None;
    };
    let is_comment = group.delimiter() == Delimiter::Bracket && group.span().start() == start;
    is_comment.then(|| group.span().end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "//! Head.\n\nuse a::b; // why\n/// Doc,\n/// two lines.\n\
                        #[doc(hidden)]\nfn f() {\n    // Because.\n    let json = \
                        r#\"{\n  // text\n}\"#;\n}\n";

    #[test]
    fn each_line_is_what_it_is() {
        let lines = Lines::of(TEXT, TEXT.parse().expect("is Rust"));
        assert_eq!(lines.total(), 12);
        assert_eq!(lines.docs(1, 12), 3);
        assert_eq!(lines.comments(1, 12), 1);
        assert_eq!(lines.code(1, 12), 7);
        assert!(lines.is_raw_text(10) && !lines.is_raw_text(8));
    }

    #[test]
    fn a_range_past_the_end_counts_what_is_there() {
        let lines = Lines::of(TEXT, TEXT.parse().expect("is Rust"));
        assert_eq!(lines.code(11, 99), 2);
        assert_eq!(lines.code(40, 99), 0);
    }
}

//! Answers that are not in the remote's own language: the page of a proxy, a firewall or a
//! maintenance, or plain text. Both remotes speak JSON, SAP Concur also XML.

use alloc::string::{String, ToString};

use super::text;
use crate::contract::http::Response;
use crate::text::clean;

/// As much of a body as is looked at: what it is shows in its first lines.
const SEARCHED_BYTES_MAX: usize = 16 * 1024;

/// Whether the answer has a body that neither remote would write. Nothing of it is about a record.
pub(crate) fn is_page(response: &Response) -> bool {
    let Ok(body) = text(response) else {
        return true;
    };
    let body = body.trim_start_matches('\u{feff}').trim_start();
    match body.as_bytes().first() {
        None | Some(b'{' | b'[' | b'"') => false,
        Some(b'<') => xml_message(body).is_none() && !is_xml(body),
        Some(_) => true,
    }
}

/// The words of a page: its title, else its heading, else all of it if it is plain text.
pub(super) fn words(page: &str) -> String {
    let marked = ["title", "h1"]
        .into_iter()
        .find_map(|tag| inside(page, tag));
    match marked {
        Some(words) => clean(words),
        None if page.trim_start().starts_with('<') => "(a web page)".to_string(),
        None => clean(page),
    }
}

/// What SAP Concur says in an error that is XML.
pub(super) fn xml_message(body: &str) -> Option<String> {
    ["Message", "message", "errorMessage"]
        .into_iter()
        .find_map(|tag| inside(body, tag))
        .map(ToString::to_string)
}

fn is_xml(body: &str) -> bool {
    body.starts_with("<?xml") && inside(body, "title").is_none()
}

/// The text of the first element of this name, whatever its attributes.
fn inside<'a>(body: &'a str, tag: &str) -> Option<&'a str> {
    let searched = &body[..body.floor_char_boundary(SEARCHED_BYTES_MAX)];
    let is_tag = |rest: &str| {
        let name = rest.get(..tag.len());
        let after = rest.as_bytes().get(tag.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(tag))
            && matches!(after, Some(b'>' | b' '))
    };
    let mut starts = searched
        .match_indices('<')
        .map(|(at, _)| &searched[at + 1..]);
    let element = starts.find(|rest| is_tag(rest))?;
    let (_, content) = element.split_once('>')?;
    let text = content.split('<').next()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::answer_with_status;
    use super::*;

    #[test]
    fn json_and_the_remote_s_xml_are_its_own() {
        for (body, expected) in [
            ("", false),
            ("  ", false),
            ("{\"a\":1}", false),
            ("\u{feff}[]", false),
            ("\"text\"", false),
            ("{\"cut", false),
            ("<Error><Message>m</Message></Error>", false),
            (
                "<?xml version=\"1.0\"?><Response><ID>1</ID></Response>",
                false,
            ),
            ("<html><body>It works!</body></html>", true),
            ("<!DOCTYPE html>\n<HTML><head><title>Sorry</title>", true),
            (
                "<?xml version=\"1.0\"?><html><title>404</title></html>",
                true,
            ),
            ("404 page not found", true),
            ("The service is down", true),
            ("not found", true),
        ] {
            assert_eq!(is_page(&answer_with_status(404, body)), expected, "{body}");
        }
    }

    #[test]
    fn a_page_is_told_by_its_title() {
        for (page, expected) in [
            (
                "<html><head><TITLE>Bad  Gateway</TITLE></head></html>",
                "Bad Gateway",
            ),
            ("<html><h1 class=x>Sorry</h1></html>", "Sorry"),
            ("<html><body>x</body></html>", "(a web page)"),
            ("upstream\nrequest timeout", "upstream request timeout"),
            ("<title", "(a web page)"),
        ] {
            assert_eq!(words(page), expected, "{page}");
        }
    }
}

//! Reading one file out of a multipart form (RFC 7578).

/// A file of a form.
pub(super) struct Part {
    pub(super) filename: String,
    /// `application/octet-stream` if the part has none.
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

/// The part of that name; none if there is none, or the body is no form.
pub(super) fn read_part(content_type: &str, body: &[u8], name: &str) -> Option<Part> {
    let boundary = parameter(
        content_type.strip_prefix("multipart/form-data")?,
        "boundary",
    )?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter stands at the very front, without a line break of its own.
    let body = [b"\r\n", body].concat();
    let mut rest = &body[find(&body, &delimiter)? + delimiter.len()..];
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &delimiter)?;
        if let Some(found) = read_named(&part[..end], name) {
            return Some(found);
        }
        rest = &part[end + delimiter.len()..];
    }
    None
}

fn read_named(part: &[u8], name: &str) -> Option<Part> {
    let head_end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..head_end]).ok()?;
    let header = |wanted: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    if parameter(disposition, "name")? != name {
        return None;
    }
    let media_type = header("content-type").unwrap_or("application/octet-stream");
    Some(Part {
        filename: parameter(disposition, "filename")
            .unwrap_or_default()
            .into(),
        media_type: media_type.to_owned(),
        bytes: part[head_end + 4..].to_vec(),
    })
}

/// A parameter of a header, in quotes or not.
fn parameter<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let mut pairs = header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.trim_matches('"'))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

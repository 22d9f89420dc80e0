//! Quick Expense v4: expenses that wait until their user adds them to a report. No call reads them
//! back (source: concur-quick-expense).

use serde_json::{Map, Value, json};

use super::schema::{Problem, QUICK_EXPENSE};
use super::v4::{V4Call, V4Error, V4Reply, V4Result, check_context};
use crate::concur::Concur;
use crate::http::Millis;

/// Calls that a user gets within [`WINDOW_MS`].
const CALLS_MAX: usize = 120;

/// Five minutes, in milliseconds.
const WINDOW_MS: Millis = 5 * 60_000;

/// What images may be.
const IMAGE_TYPES: [&str; 5] = [
    "application/pdf",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/tiff",
];

/// An expense that waits.
#[derive(Clone, Debug)]
pub(super) struct QuickExpense {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) body: Map<String, Value>,
    /// The type and the size of its image.
    pub(super) image: Option<(String, usize)>,
    pub(super) created: Millis,
}

impl Concur {
    /// Routes a POST below `/quickexpense/v4/`.
    pub(super) fn route_quick_expenses(&mut self, call: &V4Call, rest: &[&str]) -> V4Result {
        let [
            "users",
            user,
            "context",
            context,
            "quickexpenses",
            rest @ ..,
        ] = rest
        else {
            return Err(V4Error::not_found("The requested resource was"));
        };
        check_context(context, &["TRAVELER"])?;
        let user = self.user_of_path(call, user)?.clone();
        if !user.active {
            let message = "User doesn't have appropriate roles to create quick expense";
            return Err(V4Error::new(403, message));
        }
        self.count_call(&user.id, call.now)?;
        let (body, image) = match rest {
            [] => (read_object(&call.request.body)?, None),
            ["image"] => {
                let (body, image) =
                    read_multipart(call, self.config.expense.quick_image_bytes_max)?;
                (body, Some(image))
            }
            _ => return Err(V4Error::not_found("The requested resource was")),
        };
        self.check_quick_expense(&body)?;
        let quick = QuickExpense {
            id: self.expense.upper_hex(32),
            user: user.id.clone(),
            body,
            image,
            created: call.now,
        };
        let uri = format!(
            "{}/quickexpense/v4/users/{}/context/TRAVELER/quickexpenses/{}",
            call.base_url, user.id, quick.id
        );
        self.expense.quick.push(quick);
        Ok(V4Reply::Json(201, json!({"quickExpenseIdUri": uri})))
    }

    fn count_call(&mut self, user: &str, now: Millis) -> Result<(), V4Error> {
        let calls = self.expense.quick_calls.entry(user.to_owned()).or_default();
        while calls.front().is_some_and(|at| at + WINDOW_MS <= now) {
            calls.pop_front();
        }
        if calls.len() >= CALLS_MAX {
            return Err(V4Error::new(429, "Too many requests"));
        }
        calls.push_back(now);
        Ok(())
    }

    fn check_quick_expense(&self, body: &Map<String, Value>) -> Result<(), V4Error> {
        let config = &self.config.expense;
        let mut problems = QUICK_EXPENSE.problems(body, config.unknown_fields);
        let mut add = |source: &str, message: &str| {
            problems.push(Problem {
                source: source.to_owned(),
                message: message.to_owned(),
            });
        };
        let has_location = body.get("location").is_some_and(Value::is_object);
        if !has_location && !config.quick_location_optional {
            add("location", "must not be null");
        }
        let kind = body.get("expenseTypeId").and_then(Value::as_str);
        let is_known =
            |kind: &str| matches!(kind, "UNDEF" | "NULL") || config.expense_type(kind).is_some();
        if kind.is_some_and(|kind| !is_known(kind)) {
            add("expenseTypeId", "is not an expense type");
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(V4Error::invalid(problems))
    }
}

fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, V4Error> {
    let body = serde_json::from_slice(bytes);
    body.map_err(|_| V4Error::new(400, "The request body could not be read."))
}

type WithImage = (Map<String, Value>, (String, usize));

/// The two parts of a form: `quickExpenseRequest` and `fileContent` (RFC 7578).
fn read_multipart(call: &V4Call, bytes_max: usize) -> Result<WithImage, V4Error> {
    let unreadable = || V4Error::new(400, "The request body is no multipart/form-data.");
    let content_type = call.request.header("content-type").unwrap_or_default();
    let is_form = content_type.starts_with("multipart/form-data");
    let boundary = content_type.split("boundary=").nth(1).filter(|_| is_form);
    let boundary = boundary
        .map(|text| text.trim_matches('"'))
        .ok_or_else(unreadable)?;
    let (mut body, mut image) = (None, None);
    for part in parts(&call.request.body, boundary) {
        let (head, content) = part.ok_or_else(unreadable)?;
        let head = head.to_ascii_lowercase();
        if head.contains("name=\"quickexpenserequest\"") {
            body = Some(read_object(content)?);
        } else if head.contains("name=\"filecontent\"") {
            image = Some((part_type(&head), content.len()));
        } else {
            return Err(unreadable());
        }
    }
    let missing = |name: &str| V4Error::invalid_field(name, "must not be null");
    let image = image.ok_or_else(|| missing("fileContent"))?;
    if !IMAGE_TYPES.contains(&image.0.as_str()) {
        return Err(V4Error::invalid_field(
            "fileContent",
            "is not a supported image type",
        ));
    }
    if image.1 == 0 || image.1 > bytes_max {
        return Err(V4Error::invalid_field(
            "fileContent",
            "is empty or too large",
        ));
    }
    Ok((body.ok_or_else(|| missing("quickExpenseRequest"))?, image))
}

/// The head and the content of each part; none for a part without an empty line.
fn parts<'a>(
    body: &'a [u8],
    boundary: &str,
) -> impl Iterator<Item = Option<(String, &'a [u8])>> + use<'a> {
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = body;
    let mut found = Vec::new();
    while let Some(at) = position(rest, &delimiter) {
        found.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    // What stands before the first delimiter is no part, and what follows the last one ends it.
    found.into_iter().skip(1).map(|part| {
        let at = position(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&part[..at]).into_owned();
        let content = &part[at + 4..];
        Some((head, content.strip_suffix(b"\r\n").unwrap_or(content)))
    })
}

fn position(within: &[u8], wanted: &[u8]) -> Option<usize> {
    within
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn part_type(head: &str) -> String {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type:"));
    line.unwrap_or_default().trim().to_owned()
}

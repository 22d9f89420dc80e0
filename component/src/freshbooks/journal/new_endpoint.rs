//! What only the newer generation of journal entries needs: its path and its version header.

use alloc::format;
use alloc::string::{String, ToString};

use crate::contract::http::{Header, Request};
use crate::freshbooks::requests::segment;
use crate::settings::Settings;

/// The version that the newer endpoint insists on (source: freshbooks-journal-entries).
const API_VERSION: &str = "2023-09-25";

/// The path of the entries of a business.
pub(super) fn entries_path(settings: &Settings) -> String {
    let uuid = segment(
        settings
            .financial
            .business_uuid
            .as_deref()
            .unwrap_or_default(),
    );
    format!("/accounting/businesses/{uuid}/journal_entries")
}

/// The request with the version that the endpoint insists on.
pub(super) fn with_version(mut request: Request) -> Request {
    request.headers.push(Header {
        name: "x-api-version".to_string(),
        value: API_VERSION.to_string(),
    });
    request
}

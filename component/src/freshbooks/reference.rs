//! Projects, services and ledger accounts, as far as list items are made of them
//! (source: freshbooks-projects, freshbooks-services, freshbooks-chart-of-accounts).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::fields;
use super::requests::{PAGE_ROWS_MAX, get, segment};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Object, rows};
use crate::reference::Record;
use crate::settings::Settings;
use crate::settings::reference::ReferenceKind;

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordPage {
    /// Its records.
    pub records: Vec<Record>,
    /// How many pages there are; none or one where the answer does not say.
    pub pages: u64,
}

/// A page of the records of a kind, active or not. Accounts come in one answer.
pub(crate) fn list_records(settings: &Settings, kind: ReferenceKind, page: u32) -> Request {
    let business = settings.freshbooks.business_id;
    let paged = format!("page={page}&per_page={PAGE_ROWS_MAX}");
    get(match kind {
        ReferenceKind::Project => format!("/projects/business/{business}/projects?{paged}"),
        ReferenceKind::Service => format!("/comments/business/{business}/services?{paged}"),
        ReferenceKind::Account => accounts_path(settings),
    })
}

/// One record by its id.
pub(crate) fn get_record(settings: &Settings, kind: ReferenceKind, id: &str) -> Request {
    let business = settings.freshbooks.business_id;
    let id = segment(id);
    get(match kind {
        // The single one is singular (source: freshbooks-projects).
        ReferenceKind::Project => format!("/projects/business/{business}/project/{id}"),
        ReferenceKind::Service => format!("/comments/business/{business}/service/{id}"),
        ReferenceKind::Account => format!("{}/{id}", accounts_path(settings)),
    })
}

fn accounts_path(settings: &Settings) -> String {
    let uuid = settings.financial.business_uuid.as_deref();
    let uuid = segment(uuid.unwrap_or_default());
    format!("/accounting/businesses/{uuid}/ledger_accounts/accounts")
}

/// Reads a page of projects.
pub(crate) fn read_projects(response: &Response) -> Result<RecordPage, Unread> {
    read_page(response, "projects", project)
}

/// Reads a page of services.
pub(crate) fn read_services(response: &Response) -> Result<RecordPage, Unread> {
    read_page(response, "services", service)
}

/// Reads all ledger accounts.
pub(crate) fn read_ledger_accounts(response: &Response) -> Result<RecordPage, Unread> {
    read_page(response, "data", account)
}

/// Reads a project that was asked for alone.
pub(crate) fn read_project(response: &Response) -> Result<Record, Unread> {
    read_one(response, "project", project)
}

/// Reads a service that was asked for alone.
pub(crate) fn read_service(response: &Response) -> Result<Record, Unread> {
    read_one(response, "service", service)
}

/// Reads a ledger account that was asked for alone.
pub(crate) fn read_ledger_account(response: &Response) -> Result<Record, Unread> {
    read_one(response, "data", account)
}

fn read_page(
    response: &Response,
    member: &str,
    read: fn(&Object) -> Option<Record>,
) -> Result<RecordPage, Unread> {
    let answer = answer(response)?;
    let Some(found) = answer.get(member).and_then(rows) else {
        return Err(Unread::Garbled(format!(
            "the answer has no list `{member}`"
        )));
    };
    let records = found.into_iter().filter_map(Object::read);
    let meta = answer
        .get("meta")
        .and_then(Object::read)
        .unwrap_or_default();
    let pages = meta.text("pages").and_then(|pages| pages.parse().ok());
    Ok(RecordPage {
        records: records.filter_map(|row| read(&row)).collect(),
        pages: pages.unwrap_or(0),
    })
}

fn read_one(
    response: &Response,
    member: &str,
    read: fn(&Object) -> Option<Record>,
) -> Result<Record, Unread> {
    let record = answer(response)?.get(member).and_then(Object::read);
    record
        .and_then(|record| read(&record))
        .ok_or_else(|| Unread::Garbled(format!("the answer has no `{member}`")))
}

/// The business family's answers are flat.
fn answer(response: &Response) -> Result<Object<'_>, Unread> {
    serde_json::from_str(error_bodies::text(response)?)
        .map_err(|error| error_bodies::garbled(&error))
}

/// A project is in use while it is active and not complete.
fn project(row: &Object) -> Option<Record> {
    let is_active = row.get("active").is_none() || fields::flag(row.get("active"));
    Some(Record {
        id: fields::id(row.get("id"), &[])?,
        name: row.text("title"),
        number: None,
        inactive: !is_active || fields::flag(row.get("complete")) || is_gone(row),
    })
}

fn service(row: &Object) -> Option<Record> {
    Some(Record {
        id: fields::id(row.get("id"), &[])?,
        name: row.text("name"),
        number: None,
        inactive: is_gone(row),
    })
}

fn account(row: &Object) -> Option<Record> {
    let state = row.text("state").unwrap_or_default();
    Some(Record {
        id: fields::id(row.get("uuid"), &[])?,
        name: row.text("name"),
        number: row.text("number"),
        inactive: !state.is_empty() && !state.eq_ignore_ascii_case("active"),
    })
}

/// `vis_state` 1 is deleted, 2 archived (source: freshbooks-active-deleted).
fn is_gone(row: &Object) -> bool {
    let state = row.text("vis_state");
    matches!(state.as_deref(), Some("1" | "2"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn records_of_each_kind_are_read() {
        let body = r#"{"projects":[{"id":5512,"title":"Rollout","active":true,"complete":false},
            {"id":"5513","title":null,"active":true,"complete":true},{"title":"x"}],
            "meta":{"pages":2}}"#;
        let page = read_projects(&answer(body)).expect("is read");
        assert_eq!((page.records.len(), page.pages), (2, 2));
        assert_eq!(page.records[0].name.as_deref(), Some("Rollout"));
        assert!(!page.records[0].inactive && page.records[1].inactive);
        let body = r#"{"service":{"id":7,"name":"Design","vis_state":"1"}}"#;
        assert!(read_service(&answer(body)).expect("is read").inactive);
        let body = r#"{"data":[{"uuid":"u","name":"Cash","number":"1000-1","state":"active"}]}"#;
        let page = read_ledger_accounts(&answer(body)).expect("is read");
        assert_eq!(page.records[0].number.as_deref(), Some("1000-1"));
        assert!(read_project(&answer("{}")).is_err() && read_services(&answer("{}")).is_err());
    }
}

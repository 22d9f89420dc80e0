//! Reference data: which vendors, projects, services and accounts are held in step, and which side
//! is right where they differ.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::checks::{Check, uuid};
use super::reader::Reader;
use crate::contract::settings::{ReceiverNeed, Schedule};
use crate::contract::types::ObjectRef;

/// The kind of a page of reference data, on either side.
pub(crate) const REFERENCE_LIST: &str = "reference-list";
/// Seconds between two checks of a webhook registration, as for invoices.
const REGISTRATION_INTERVAL_S: u64 = 3_600;
/// FreshBooks scopes of services.
const SERVICE_SCOPE: &str = "user:billable_items:read";
/// FreshBooks scopes of the ledger accounts: the documentation names either in different places.
const ACCOUNT_SCOPE: &str = "user:reports:read";

/// Reference data that is held in step; nothing unless it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Which side is right about vendors that are linked; none if later changes are not carried.
    pub vendors: Option<SourceOfTruth>,
    /// Seconds between two comparisons of all vendors.
    pub vendors_interval_s: u64,
    /// Lists of SAP Concur, at most one for each kind.
    pub lists: Vec<ReferenceList>,
}

/// A list of SAP Concur and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceList {
    /// What its items are in FreshBooks.
    pub kind: ReferenceKind,
    /// The list's UUID, which no rename changes.
    pub list_id: String,
    /// The long code of the item that ours are below; none for the first level.
    pub parent_code: Option<String>,
    /// What an item's short code is made of.
    pub code: CodeForm,
    /// Which side is right.
    pub source_of_truth: SourceOfTruth,
    /// Seconds between two comparisons.
    pub interval_s: u64,
}

/// The side that is right where both differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceOfTruth {
    /// FreshBooks' changes are carried over; SAP Concur's are conflicts.
    Freshbooks,
    /// SAP Concur's list is right; FreshBooks' changes are conflicts.
    Concur,
}

/// What the items of a list are in FreshBooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// Projects, which lines of documents name.
    Project,
    /// Services, which are sold by the hour.
    Service,
    /// Accounts of the ledger.
    Account,
}

/// What a short code is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeForm {
    /// The id in FreshBooks, a number.
    Id,
    /// The title of a project, or the name.
    Title,
    /// The number of an account, such as `1000-1`.
    Number,
}

impl ReferenceKind {
    /// The kind of the objects.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Service => "service",
            Self::Account => "account",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let kinds = [Self::Project, Self::Service, Self::Account];
        kinds.into_iter().find(|kind| kind.name() == name)
    }
}

impl Reference {
    pub(super) fn read(table: &mut Reader, has_business_uuid: bool) -> Self {
        let vendors = match table.choice("vendors", &["off", "freshbooks", "concur"]) {
            "freshbooks" => Some(SourceOfTruth::Freshbooks),
            "concur" => Some(SourceOfTruth::Concur),
            _ => None,
        };
        let vendors_interval_s = table.whole("vendors_interval_s", 86_400, 60..=2_592_000);
        let lists = table.tables("lists", ReferenceList::read);
        let mut seen = BTreeSet::new();
        for list in &lists {
            let kind = list.kind.name();
            if !seen.insert(list.kind) {
                let message = format!("two lists have the kind {kind}; leave one out");
                table.problem_at("lists", "wrong-value", message);
            }
            if list.kind == ReferenceKind::Account && !has_business_uuid {
                let message = "set `financial.business_uuid` of the FreshBooks business: accounts \
                               are read by it";
                table.problem_at("lists", "business-uuid-missing", message.to_string());
            }
        }
        Self {
            vendors,
            vendors_interval_s,
            lists,
        }
    }

    /// The list of a kind.
    #[must_use]
    pub fn list(&self, kind: ReferenceKind) -> Option<&ReferenceList> {
        self.lists.iter().find(|list| list.kind == kind)
    }

    /// FreshBooks scopes that are needed beside those of the documents.
    pub(super) fn scopes(&self) -> Vec<&'static str> {
        let scope = |list: &ReferenceList| match list.kind {
            ReferenceKind::Project => None,
            ReferenceKind::Service => Some(SERVICE_SCOPE),
            ReferenceKind::Account => Some(ACCOUNT_SCOPE),
        };
        self.lists.iter().filter_map(scope).collect()
    }

    /// Scopes of SAP Concur that the lists take: items are read by any, written where FreshBooks
    /// is right, and taken out of a list there too (source: concur-list-items).
    #[must_use]
    pub fn concur_scopes(&self) -> Vec<&'static str> {
        let are_written = |list: &ReferenceList| list.source_of_truth == SourceOfTruth::Freshbooks;
        let mut scopes = Vec::new();
        if !self.lists.is_empty() {
            scopes.push("spend.listitem.read");
        }
        if self.lists.iter().any(are_written) {
            scopes.extend(["spend.listitem.write", "spend.listitem.delete"]);
        }
        scopes
    }

    pub(super) fn schedules(&self) -> Vec<Schedule> {
        let mut schedules = Vec::new();
        for list in &self.lists {
            let kind = list.kind.name();
            // FreshBooks announces nothing of accounts (source: freshbooks-webhooks).
            if list.kind != ReferenceKind::Account {
                schedules.push(registration(kind));
            }
            schedules.push(comparison(kind, list.interval_s));
        }
        if self.vendors.is_some() {
            schedules.extend(["client", "bill_vendor"].map(registration));
            let interval_s = self.vendors_interval_s;
            schedules.extend(["client", "bill-vendor"].map(|kind| comparison(kind, interval_s)));
        }
        schedules
    }
}

fn registration(noun: &str) -> Schedule {
    Schedule {
        object: ObjectRef::freshbooks("callback", noun),
        interval_s: REGISTRATION_INTERVAL_S,
        needs: Some(ReceiverNeed::Webhooks),
        purpose: format!(
            "checks that FreshBooks announces each {} to us",
            noun.replace('_', " ")
        ),
    }
}

fn comparison(kind: &str, interval_s: u64) -> Schedule {
    Schedule {
        object: ObjectRef::freshbooks(REFERENCE_LIST, format!("{kind}/1")),
        interval_s,
        needs: None,
        purpose: format!("compares each {} with SAP Concur", kind.replace('-', " ")),
    }
}

impl ReferenceList {
    fn read(table: &mut Reader) -> Self {
        let kind = match table.choice("kind", &["project", "service", "account"]) {
            "service" => ReferenceKind::Service,
            "account" => ReferenceKind::Account,
            _ => ReferenceKind::Project,
        };
        let list_id = table.text("list_id");
        if let Err(expected) = uuid(&list_id)
            && !list_id.is_empty()
        {
            table.problem_at("list_id", "wrong-value", format!("expected {expected}"));
        }
        let code = match table.choice("code", &["id", "title", "number"]) {
            "title" => CodeForm::Title,
            "number" => CodeForm::Number,
            _ => CodeForm::Id,
        };
        if (code == CodeForm::Number) != (kind == ReferenceKind::Account) {
            let message = match code {
                CodeForm::Number => "only accounts have a number; use \"id\" or \"title\"",
                // An account's id is a UUID of 36 characters, and a code has 32.
                CodeForm::Id => "an account's id is longer than a code; use \"number\"",
                CodeForm::Title => "",
            };
            if !message.is_empty() {
                table.problem_at("code", "wrong-value", message.to_string());
            }
        }
        Self {
            kind,
            list_id,
            parent_code: table.optional_checked("parent_code", parent_code),
            code,
            source_of_truth: match table.choice("source_of_truth", &["freshbooks", "concur"]) {
                "concur" => SourceOfTruth::Concur,
                _ => SourceOfTruth::Freshbooks,
            },
            interval_s: table.whole("interval_s", 86_400, 60..=2_592_000),
        }
    }
}

/// A long code: the short codes of at most nine levels with hyphens between them; the items below
/// are the tenth at most (source: concur-list-items).
fn parent_code(code: &str) -> Check {
    let parts: Vec<&str> = code.split('-').collect();
    let is_code = |part: &&str| (1..=32).contains(&part.chars().count());
    (parts.len() <= 9 && parts.iter().all(is_code))
        .then_some(())
        .ok_or("the long code of an item, such as \"ENG\" or \"ENG-WEB\"")
}

#[cfg(test)]
mod tests {
    use super::super::tests::MINIMAL;
    use super::*;
    use crate::settings::Settings;

    const LIST: &str = "2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44";

    fn load(reference: &str) -> Result<Settings, Vec<crate::contract::types::Problem>> {
        let table = format!(r#"{{"reference": {reference}, "#);
        Settings::load("acme", &MINIMAL.replacen('{', &table, 1))
    }

    #[test]
    fn nothing_is_compared_unless_it_is_configured() {
        let settings = Settings::load("acme", MINIMAL).expect("is right");
        assert_eq!(
            (settings.reference.vendors, settings.reference.lists.len()),
            (None, 0)
        );
        let json = format!(r#"{{"vendors": "freshbooks", "lists": [{{"list_id": "{LIST}"}}]}}"#);
        let with = load(&json).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(with.schedules().len(), settings.schedules().len() + 6);
        let list = with
            .reference
            .list(ReferenceKind::Project)
            .expect("is there");
        assert_eq!(
            (list.code, list.source_of_truth),
            (CodeForm::Id, SourceOfTruth::Freshbooks)
        );
        assert_eq!(with.freshbooks.scopes, settings.freshbooks.scopes);
        let scopes = [
            "spend.listitem.read",
            "spend.listitem.write",
            "spend.listitem.delete",
        ];
        assert_eq!(with.concur_scopes(), scopes);
        assert!(settings.concur_scopes().is_empty());
        let theirs = r#""source_of_truth": "concur", "list_id""#;
        let theirs = load(&json.replace(r#""list_id""#, theirs)).expect("is right");
        assert_eq!(theirs.reference.concur_scopes(), scopes[..1]);
        let submitted = crate::settings::tests::with_expenses(r#""workflow": "submit","#);
        assert_eq!(
            submitted.concur_scopes(),
            ["expense.report.workflowstatus.write"]
        );
        let services = json.replace(r#""list_id""#, r#""kind": "service", "list_id""#);
        let with = load(&services).expect("is right");
        assert!(with.freshbooks.scopes.ends_with(SERVICE_SCOPE));
    }

    #[test]
    fn what_cannot_be_is_said_at_its_place() {
        let list = |more: &str| format!(r#"{{"lists": [{{"list_id": "{LIST}"{more}}}]}}"#);
        let twice = format!(r#"{{"lists": [{{"list_id": "{LIST}"}}, {{"list_id": "{LIST}"}}]}}"#);
        for (json, pointer, code) in [
            (
                r#"{"vendors": "both"}"#.to_string(),
                "/reference/vendors",
                "wrong-value",
            ),
            (
                r#"{"lists": [{}]}"#.to_string(),
                "/reference/lists/0/list_id",
                "missing",
            ),
            (
                r#"{"lists": [3]}"#.to_string(),
                "/reference/lists/0",
                "wrong-type",
            ),
            (
                r#"{"lists": [{"list_id": "L"}]}"#.to_string(),
                "/reference/lists/0/list_id",
                "wrong-value",
            ),
            (
                list(r#", "code": "number""#),
                "/reference/lists/0/code",
                "wrong-value",
            ),
            (
                list(r#", "parent_code": "A--B""#),
                "/reference/lists/0/parent_code",
                "wrong-value",
            ),
            (
                list(r#", "kind": "account", "code": "number""#),
                "/reference/lists",
                "business-uuid-missing",
            ),
            (
                list(r#", "kinds": "x""#),
                "/reference/lists/0/kinds",
                "unknown-key",
            ),
            (twice, "/reference/lists", "wrong-value"),
        ] {
            let problems = load(&json).expect_err(&json);
            let found = problems
                .iter()
                .any(|problem| problem.pointer == pointer && problem.code == code);
            assert!(found, "{json}: {problems:?}");
        }
    }
}

//! How rows that name a project become expenses.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use super::super::checks::{Check, category_id, sub_account_id, uuid};
use super::super::reader::Reader;
use super::{Endpoint, Financial};

/// FreshBooks scopes that they need.
pub(in crate::settings) const PROJECT_EXPENSE_SCOPES: [&str; 2] =
    ["user:expenses:read", "user:expenses:write"];

/// What the rows of a document that name a project become in FreshBooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectCosts {
    /// Lines of the journal entry, like every other row.
    JournalEntry,
    /// Expenses with project and client, offset in the journal entry.
    Expenses,
}

/// Which field of an expense names its project; there are two, and how they differ is not stated
/// (source: freshbooks-expenses).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectField {
    /// `modern_projectid`, which newer projects are in.
    Modern,
    /// `projectid`, which has numbers of old.
    Legacy,
}

impl ProjectField {
    /// The member of an expense.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Modern => "modern_projectid",
            Self::Legacy => "projectid",
        }
    }
}

/// Which expenses with a client are marked as billable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billable {
    /// Those of entries that SAP Concur has marked as billable; invoices have no such mark.
    AsMarked,
    /// All of them, whatever SAP Concur says.
    Always,
    /// None of them, whatever SAP Concur says.
    Never,
}

/// Rows whose cost code is no project of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherCostCodes {
    /// They stay in the journal entry: cost centres are in the same field.
    JournalEntry,
    /// They park the document: the field has projects only.
    Park,
}

/// Names of SAP Concur to what expenses in FreshBooks name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectExpenses {
    /// The account that FreshBooks credits for expenses; the journal entry debits it with what
    /// became expenses.
    pub offset_account: Option<String>,
    /// The number of the member of staff whose expenses they are.
    pub staff: String,
    /// Which field of an expense names its project.
    pub project_field: ProjectField,
    /// Which expenses with a client are marked as billable.
    pub billable: Billable,
    /// What is done with rows whose cost code is not among the projects.
    pub other_cost_codes: OtherCostCodes,
    /// FreshBooks' project ids by cost code.
    pub projects: BTreeMap<String, String>,
    /// FreshBooks' client ids by cost code.
    pub clients: BTreeMap<String, String>,
    /// Expense category ids by `CODE/COST CODE`, by account code, and by expense type code for rows
    /// without an account code.
    pub categories: BTreeMap<String, String>,
}

pub(super) fn read(table: &mut Reader, endpoint: Endpoint) -> (ProjectCosts, ProjectExpenses) {
    let costs = match table.choice("project_costs", &["journal-entry", "expenses"]) {
        "expenses" => ProjectCosts::Expenses,
        _ => ProjectCosts::JournalEntry,
    };
    let expenses = table.table("project_expenses", |table| {
        ProjectExpenses::read(table, endpoint)
    });
    if costs == ProjectCosts::Expenses {
        expenses.check(table);
    }
    (costs, expenses)
}

impl ProjectExpenses {
    fn read(table: &mut Reader, endpoint: Endpoint) -> Self {
        let account: fn(&str) -> Check = match endpoint {
            Endpoint::Legacy => sub_account_id,
            Endpoint::New => uuid,
        };
        Self {
            offset_account: table.optional_checked("offset_account", account),
            staff: table.checked_or("staff", "1", staff_id),
            project_field: match table.choice("project_field", &["modern_projectid", "projectid"]) {
                "projectid" => ProjectField::Legacy,
                _ => ProjectField::Modern,
            },
            billable: match table.choice("billable", &["as-marked", "always", "never"]) {
                "always" => Billable::Always,
                "never" => Billable::Never,
                _ => Billable::AsMarked,
            },
            other_cost_codes: match table.choice("other_cost_codes", &["journal-entry", "park"]) {
                "park" => OtherCostCodes::Park,
                _ => OtherCostCodes::JournalEntry,
            },
            projects: table.map("projects", project_id),
            clients: table.map("clients", client_id),
            categories: table.map("categories", category_id),
        }
    }

    /// Reports what project costs as expenses cannot do without.
    fn check(&self, table: &mut Reader) {
        let missing = |table: &mut Reader, setting: &str, message: &str| {
            let place = format!("project_expenses/{setting}");
            table.problem_at(&place, "missing", message.to_string());
        };
        if self.offset_account.is_none() {
            let message = "name the account that FreshBooks credits when an expense is entered by \
                           hand: the journal entry debits it, so that each cost is booked once";
            missing(table, "offset_account", message);
        }
        if self.projects.is_empty() {
            let message = "name the FreshBooks project of each cost code that is a project";
            missing(table, "projects", message);
        }
    }
}

impl Financial {
    /// Whether rows that name a project become expenses.
    #[must_use]
    pub fn makes_project_expenses(&self) -> bool {
        self.enabled && self.project_costs == ProjectCosts::Expenses
    }

    /// The account that FreshBooks credits for the expenses of projects, if there are to be any.
    #[must_use]
    pub fn offset_account(&self) -> Option<&str> {
        let account = self.project_expenses.offset_account.as_deref();
        account.filter(|_| self.makes_project_expenses())
    }
}

fn staff_id(id: &str) -> Check {
    sub_account_id(id).map_err(|_| "the number of a member of staff in FreshBooks, in quotes")
}

fn project_id(id: &str) -> Check {
    sub_account_id(id).map_err(|_| "the id of a FreshBooks project, a number in quotes")
}

fn client_id(id: &str) -> Check {
    sub_account_id(id).map_err(|_| "the id of a FreshBooks client, a number in quotes")
}

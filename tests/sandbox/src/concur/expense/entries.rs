//! Expense Entries v3: creating, listing, changing and deleting them
//! (source: concur-expense-entries).

use serde_json::{Value, json};

use super::entry_body::{check_required, company_rate, read_body, write_entry};
use super::report::{Comment, Entry, Report, Step};
use crate::concur::Concur;
use crate::concur::gateway::{GatewayCall, GatewayError, Reply};
use crate::concur::users::{User, user_with_login};
use crate::http::{Millis, first_value};
use crate::money::Currency;
use rust_decimal::Decimal;

/// Where entries are.
pub(crate) const ENTRIES: &str = "/api/v3.0/expense/entries";

impl Concur {
    /// Routes a request on `/api/v3.0/expense/entries[/{id}]`.
    pub(crate) fn handle_entries(&mut self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let rest = call.path.strip_prefix(ENTRIES).unwrap_or_default();
        let id = rest.strip_prefix('/');
        match (call.method, id) {
            ("POST", None) => self.create_entry(call),
            ("GET", None) => self.list_entries(call),
            ("GET", Some(id)) => self.show_entry(call, id),
            ("PUT", Some(id)) => self.update_entry(call, id),
            ("DELETE", Some(id)) => self.delete_entry(call, id),
            (method, _) => Err(GatewayError::method_not_allowed(method)),
        }
    }

    fn create_entry(&mut self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let user = self.user_of_call(call)?.id.clone();
        let body = read_body(call.body, &self.config.expense)?;
        check_required(&body)?;
        let report = body["ReportID"].as_str().unwrap_or_default();
        let report = self.report_of_user(report, &user)?;
        if report.ever_submitted {
            let message = "An entry cannot be added to a report that has been submitted.";
            return Err(GatewayError::bad_request(message));
        }
        let (report_id, currency) = (report.id.clone(), report.currency);
        let mut entry = self.empty_entry(currency, call.now);
        write_entry(&body, &self.config.expense, &mut entry)?;
        let rate = company_rate(entry.currency, currency, &self.config.expense)?;
        // A rate that was written stays; every other one is the company's.
        if entry.rate.is_zero() {
            entry.rate = rate;
        }
        if let Some(text) = body.get("Comment").and_then(Value::as_str) {
            entry.comments.push(Comment {
                text: text.to_owned(),
                at: call.now,
            });
        }
        let id = self.add_entry(&report_id, entry);
        let uri = format!("{}{ENTRIES}/{id}", call.base_url);
        Ok(Reply::ok("Response", json!({"ID": id, "URI": uri})))
    }

    /// An entry with its ids, and with a rate of 0 that says that none is set.
    pub(super) fn empty_entry(&mut self, currency: Currency, now: Millis) -> Entry {
        let id = format!("gWr{}", self.expense.random.alphanumeric(25));
        Entry {
            id,
            expense_id: self.expense.upper_hex(32),
            legacy_id: 1000 + self.expense.random.below(90_000),
            expense_type: String::new(),
            payment_type: String::new(),
            day: String::new(),
            amount: Decimal::ZERO,
            currency,
            rate: Decimal::ZERO,
            description: String::new(),
            vendor: String::new(),
            vendor_item: String::new(),
            location: String::new(),
            receipt_type: "R".into(),
            billable: false,
            personal: false,
            rejected: false,
            paper_receipt: false,
            customs: Default::default(),
            by_hand: false,
            created: now,
            modified: now,
            comments: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    /// Adds an entry to a report; returns its v3 id.
    pub(super) fn add_entry(&mut self, report: &str, entry: Entry) -> String {
        let (id, now) = (entry.id.clone(), entry.modified);
        if let Some(at) = self.expense.by_id.get(report).copied() {
            self.expense.by_entry.insert(id.clone(), at);
            self.expense.reports[at].entries.push(entry);
            self.expense.reports[at].touch(now);
        }
        id
    }

    fn list_entries(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let user = self.user_of_call(call)?;
        let reports: Vec<&Report> = match first_value(&call.query, "reportID") {
            Some(id) => vec![self.report_of_user(id, &user.id)?],
            None => {
                let reports = self.expense.reports.iter();
                reports
                    .filter(|one| !one.deleted && one.owner == user.id)
                    .collect()
            }
        };
        let visible_until = call.now.saturating_sub(call.stale);
        let wanted = |entry: &Entry| entry.created <= visible_until && self.is_wanted(entry, call);
        let rows = reports.into_iter().flat_map(|report| {
            let entries = report.entries.iter().filter(|entry| wanted(entry));
            entries.map(move |entry| (report, entry))
        });
        let rows: Vec<_> = rows.collect();
        let (range, next) = self.page_of(call, rows.len())?;
        let items = rows[range].iter();
        let items = items.map(|(report, entry)| self.entry_view(report, entry, &call.base_url));
        let body = json!({"Items": items.collect::<Vec<_>>(), "NextPage": next});
        Ok(Reply::ok("Entries", body))
    }

    fn is_wanted(&self, entry: &Entry, call: &GatewayCall) -> bool {
        let asked = |name: &str| first_value(&call.query, name);
        let payment = self.config.expense.payment_type(&entry.payment_type);
        let payment = payment.map_or("", |payment| payment.v3_id.as_str());
        let billable = if entry.billable { "true" } else { "false" };
        asked("paymentTypeID").is_none_or(|id| id == payment)
            && asked("expenseTypeCode").is_none_or(|code| code == entry.expense_type)
            && asked("isBillable").is_none_or(|flag| flag.eq_ignore_ascii_case(billable))
    }

    fn show_entry(&self, call: &GatewayCall, id: &str) -> Result<Reply, GatewayError> {
        let (report, entry) = self.place_of_call(call, id)?;
        let report = &self.expense.reports[report];
        let entry = &report.entries[entry];
        Ok(Reply::ok(
            "Entry",
            self.entry_view(report, entry, &call.base_url),
        ))
    }

    fn update_entry(&mut self, call: &GatewayCall, id: &str) -> Result<Reply, GatewayError> {
        let (report, at) = self.place_of_call(call, id)?;
        let body = read_body(call.body, &self.config.expense)?;
        self.refuse_submitted(report)?;
        let elsewhere = body.get("ReportID").and_then(Value::as_str);
        if elsewhere.is_some_and(|id| id != self.expense.reports[report].id) {
            return Err(GatewayError::bad_request("ReportID cannot be changed."));
        }
        let mut entry = self.expense.reports[report].entries[at].clone();
        write_entry(&body, &self.config.expense, &mut entry)?;
        if let Some(text) = body.get("Comment").and_then(Value::as_str) {
            entry.comments.push(Comment {
                text: text.to_owned(),
                at: call.now,
            });
        }
        entry.modified = call.now;
        self.expense.reports[report].entries[at] = entry;
        self.expense.reports[report].touch(call.now);
        Ok(Reply::no_content())
    }

    fn delete_entry(&mut self, call: &GatewayCall, id: &str) -> Result<Reply, GatewayError> {
        if self.config.expense.entry_delete_refused {
            let message = "Forbidden: the application may not use this deprecated API.";
            return Err(GatewayError::new(403, message));
        }
        let (report, at) = self.place_of_call(call, id)?;
        self.refuse_submitted(report)?;
        self.expense.reports[report].entries.remove(at);
        self.expense.reports[report].touch(call.now);
        Ok(Reply::no_content())
    }

    fn refuse_submitted(&self, report: usize) -> Result<(), GatewayError> {
        if self.expense.reports[report].step == Step::Open {
            return Ok(());
        }
        let message = "The entry cannot be changed: its report is submitted.";
        Err(GatewayError::bad_request(message))
    }

    /// The entry of that id, if it is the user's that the call is for.
    fn place_of_call(&self, call: &GatewayCall, id: &str) -> Result<(usize, usize), GatewayError> {
        let user = self.user_of_call(call)?;
        let place = self.expense.entry_place(id);
        let place = place.filter(|(report, _)| self.expense.reports[*report].owner == user.id);
        place.ok_or_else(|| GatewayError::new(404, format!("Entry {id} could not be found.")))
    }

    /// The report of that id, if it is that user's.
    pub(super) fn report_of_user(&self, id: &str, user: &str) -> Result<&Report, GatewayError> {
        let report = self
            .expense
            .report(id)
            .filter(|report| report.owner == user);
        let message = format!("Report {id} could not be found.");
        report.ok_or_else(|| GatewayError::new(404, message))
    }

    /// The user that a call is for: `user`, or else the one whom the token belongs to.
    pub(super) fn user_of_call(&self, call: &GatewayCall) -> Result<&User, GatewayError> {
        let asked = first_value(&call.query, "user").filter(|user| !user.is_empty());
        let Some(login) = asked.or(call.login.as_deref()) else {
            let message = "The parameter user is required with a company token.";
            return Err(GatewayError::bad_request(message));
        };
        let is_other = call
            .login
            .as_deref()
            .is_some_and(|own| !own.eq_ignore_ascii_case(login));
        if is_other {
            let message = "Forbidden: the token belongs to another user.";
            return Err(GatewayError::new(403, message));
        }
        let user = user_with_login(&self.config.users, login).filter(|user| user.active);
        user.ok_or_else(|| GatewayError::bad_request(format!("User {login} is not valid.")))
    }
}

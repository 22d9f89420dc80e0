//! What the account's owner does in the browser. Changes raise webhooks as the API's do.

use super::ledger::config::AccountConfig;
use super::ledger::records::AccountRecord;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::FreshBooks;
use super::accounting::bill_payments::BillPayment;
use super::accounting::bill_vendors::BillVendor;
use super::accounting::bills::Bill;
use super::accounting::categories::ExpenseCategory;
use super::accounting::clients::Client;
use super::accounting::expenses::{BankFeed, Expense};
use super::accounting::invoices::Invoice;
use super::accounting::payments::Payment;
use super::accounting::tasks::Task;
use super::accounting::taxes::Tax;
use super::api::errors::ApiError;
use super::api::fields::Fields;
use super::api::resource::Resource as _;
use super::uploads::UploadKind;
use crate::calendar::eastern_day;
use crate::http::Millis;
use crate::money::Money;

/// Kinds of document that a person can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Clients, at `users/clients` of the API.
    Client,
    /// Invoices, at `invoices/invoices` of the API.
    Invoice,
    /// Bills, at `bills/bills` of the API.
    Bill,
    /// Bill vendors, at `bill_vendors/bill_vendors` of the API.
    BillVendor,
    /// Payments of invoices, at `payments/payments` of the API.
    Payment,
    /// Payments of bills, at `bill_payments/bill_payments` of the API.
    BillPayment,
    /// Expenses, at `expenses/expenses` of the API.
    Expense,
    /// Expense categories, which only a person writes.
    Category,
    /// Taxes, `taxes/taxes`; archived ones do not exist.
    Tax,
    /// Projects, of the business family.
    Project,
    /// Services, of the business family; archived ones do not exist.
    Service,
    /// Tasks, at `projects/tasks` of the API.
    Task,
}

/// Why a person's change was not accepted, as the web form would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// The error number (source: freshbooks-errors).
    pub errno: u32,
    /// The field and the reason, such as `vendorid: Invalid value.`
    pub message: String,
}

impl From<ApiError> for Declined {
    fn from(refusal: ApiError) -> Self {
        let reason = |detail: &crate::freshbooks::api::errors::ErrorDetail| {
            format!("{}: {}", detail.field, detail.message)
        };
        let message = refusal
            .details
            .iter()
            .map(reason)
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            errno: refusal.errno,
            message,
        }
    }
}

impl FreshBooks {
    /// An access token as a person would have one: every scope, and no app's refresh token dies for
    /// it.
    pub fn person_token(&mut self, now: Millis) -> String {
        self.oauth.person_token(&self.config, now)
    }

    /// The owner consents to the first app in the browser: the authorization code that its redirect
    /// URI would get.
    pub fn consent(&mut self, now: Millis) -> String {
        self.oauth.consent_to_first(&self.config, now)
    }

    /// Creates a document from the fields that the API documents, without the singular key around
    /// them.
    pub fn create(
        &mut self,
        kind: RecordKind,
        fields: &Value,
        now: Millis,
    ) -> Result<u64, Declined> {
        let fields = as_fields(fields);
        let id = match kind {
            RecordKind::Client => self.create_row::<Client>(&fields, now),
            RecordKind::Invoice => self.create_row::<Invoice>(&fields, now),
            RecordKind::Bill => self.create_row::<Bill>(&fields, now),
            RecordKind::BillVendor => self.create_row::<BillVendor>(&fields, now),
            RecordKind::Payment => self.create_row::<Payment>(&fields, now),
            RecordKind::BillPayment => self.create_row::<BillPayment>(&fields, now),
            RecordKind::Expense => self.create_row::<Expense>(&fields, now),
            RecordKind::Category => self.create_row::<ExpenseCategory>(&fields, now),
            RecordKind::Tax => self.create_row::<Tax>(&fields, now),
            RecordKind::Project => self.add_project(&fields, now),
            RecordKind::Service => self.add_service(&fields, now),
            RecordKind::Task => self.create_row::<Task>(&fields, now),
        };
        Ok(id?)
    }

    /// Updates a document; only the fields given change, and the phases of the API's PUT hold here
    /// too.
    pub fn update(
        &mut self,
        kind: RecordKind,
        id: u64,
        fields: &Value,
        now: Millis,
    ) -> Result<(), Declined> {
        let fields = as_fields(fields);
        match kind {
            RecordKind::Client => self.update_row::<Client>(id, &fields, now)?,
            RecordKind::Invoice => self.update_row::<Invoice>(id, &fields, now)?,
            RecordKind::Bill => self.update_row::<Bill>(id, &fields, now)?,
            RecordKind::BillVendor => self.update_row::<BillVendor>(id, &fields, now)?,
            RecordKind::Payment => self.update_row::<Payment>(id, &fields, now)?,
            RecordKind::BillPayment => self.update_row::<BillPayment>(id, &fields, now)?,
            RecordKind::Expense => self.update_row::<Expense>(id, &fields, now)?,
            RecordKind::Category => self.update_row::<ExpenseCategory>(id, &fields, now)?,
            RecordKind::Tax => self.update_row::<Tax>(id, &fields, now)?,
            RecordKind::Project => self.change_project(id, &fields, now)?,
            RecordKind::Service => self.change_service(id, &fields, now)?,
            RecordKind::Task => self.update_row::<Task>(id, &fields, now)?,
        }
        Ok(())
    }

    /// Creates a client and returns its id.
    pub fn create_client(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(RecordKind::Client, fields, now)
    }

    /// Creates an invoice, a draft unless the fields say otherwise, and returns its id.
    pub fn create_invoice(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(RecordKind::Invoice, fields, now)
    }

    /// Creates a bill and returns its id.
    pub fn create_bill(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(RecordKind::Bill, fields, now)
    }

    /// Creates a bill vendor.
    pub fn create_bill_vendor(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(RecordKind::BillVendor, fields, now)
    }

    /// Creates an expense and returns its id.
    pub fn create_expense(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(RecordKind::Expense, fields, now)
    }

    /// The feed of a bank account imports an expense; returns its id. Which fields show that, the
    /// switch `expenses.bank_mark` says.
    pub fn import_expense(
        &mut self,
        fields: &Value,
        bank: &str,
        now: Millis,
    ) -> Result<u64, Declined> {
        let id = self.create(RecordKind::Expense, fields, now)?;
        if let Some(expense) = self.expenses.rows.get_mut(&id) {
            expense.feed = Some(BankFeed {
                bank: bank.to_owned(),
                account: 71_001,
            });
        }
        self.book_expense(id, now);
        Ok(id)
    }

    /// Attaches a file to an expense as its receipt; false if there is no such expense.
    pub fn attach_receipt(
        &mut self,
        expense: u64,
        media_type: &str,
        bytes: Vec<u8>,
        now: Millis,
    ) -> bool {
        if !self.expenses.rows.contains_key(&expense) {
            return false;
        }
        let kind = UploadKind::Attachment;
        let receipt = self.uploads.store(kind, media_type, bytes);
        if let Some(row) = self.expenses.rows.get_mut(&expense) {
            (row.receipt, row.head.updated) = (Some(receipt), now);
        }
        self.emit("expense", "update", expense, now);
        true
    }

    /// The owner adds an account with its sub-accounts to the chart; returns them, the account
    /// first.
    pub fn create_account(&mut self, account: &AccountConfig, now: Millis) -> Vec<AccountRecord> {
        let at = self.accounts.add_account(account, now);
        (at..self.accounts.rows.len())
            .map(|at| self.accounts.record_at(at))
            .collect()
    }

    /// The owner adds a sub-account; none if there is no account of that number.
    pub fn create_sub_account(
        &mut self,
        number: &str,
        name: &str,
        now: Millis,
    ) -> Option<AccountRecord> {
        let rows = &self.accounts.rows;
        let parent = rows
            .iter()
            .position(|row| row.number == number && row.parent.is_none())?;
        let account = AccountConfig {
            number: String::new(),
            name: String::new(),
            kind: rows[parent].kind,
            sub_type: rows[parent].sub_type.clone(),
            subs: Vec::new(),
        };
        let at = self
            .accounts
            .push_account(&account, name, Some(parent), now);
        Some(self.accounts.record_at(at))
    }

    /// Deletes a document (vis_state 1).
    pub fn delete(&mut self, kind: RecordKind, id: u64, now: Millis) {
        self.set_state(kind, id, 1, now);
    }

    /// Archives a document (vis_state 2).
    pub fn archive(&mut self, kind: RecordKind, id: u64, now: Millis) {
        self.set_state(kind, id, 2, now);
    }

    /// Brings a deleted or archived document back (vis_state 0).
    pub fn restore(&mut self, kind: RecordKind, id: u64, now: Millis) {
        self.set_state(kind, id, 0, now);
    }

    /// Marks a draft as sent.
    pub fn mark_invoice_sent(&mut self, id: u64, now: Millis) -> Result<(), Declined> {
        self.update(
            RecordKind::Invoice,
            id,
            &serde_json::json!({"action_mark_as_sent": true}),
            now,
        )
    }

    /// Pays an invoice: so much, or what is outstanding. Returns the payment's id; deleting that
    /// takes it back.
    pub fn pay_invoice(
        &mut self,
        id: u64,
        amount: Option<Decimal>,
        now: Millis,
    ) -> Result<u64, Declined> {
        let invoice = Invoice::row(self, id)?;
        let amount = amount.unwrap_or_else(|| invoice.outstanding());
        let money = serde_json::json!(Money(amount, invoice.currency));
        let fields = serde_json::json!({"invoiceid": id, "amount": money,
            "date": eastern_day(now), "type": "Bank Transfer"});
        self.create(RecordKind::Payment, &fields, now)
    }

    /// Pays a bill: so much, or what is outstanding. Returns the payment's id; deleting that takes
    /// it back.
    pub fn pay_bill(
        &mut self,
        id: u64,
        amount: Option<Decimal>,
        now: Millis,
    ) -> Result<u64, Declined> {
        let bill = Bill::row(self, id)?;
        let amount = amount.unwrap_or_else(|| bill.outstanding());
        let money = serde_json::json!(Money(amount, bill.currency));
        let fields = serde_json::json!({"billid": id, "amount": money,
            "paid_date": eastern_day(now), "payment_type": "Bank Transfer"});
        self.create(RecordKind::BillPayment, &fields, now)
    }

    /// Ends every access token before its time.
    pub fn expire_access_tokens(&mut self) {
        self.oauth.expire_access_tokens();
    }

    /// Ends every refresh token: someone must consent again.
    pub fn revoke_refresh_tokens(&mut self) {
        self.oauth.revoke_refresh_tokens();
    }

    fn set_state(&mut self, kind: RecordKind, id: u64, vis_state: u8, now: Millis) {
        match kind {
            RecordKind::Client => self.set_vis_state::<Client>(id, vis_state, now),
            RecordKind::Invoice => self.set_vis_state::<Invoice>(id, vis_state, now),
            RecordKind::Bill => self.set_vis_state::<Bill>(id, vis_state, now),
            RecordKind::BillVendor => self.set_vis_state::<BillVendor>(id, vis_state, now),
            RecordKind::Payment => self.set_vis_state::<Payment>(id, vis_state, now),
            RecordKind::BillPayment => self.set_vis_state::<BillPayment>(id, vis_state, now),
            RecordKind::Expense => self.set_vis_state::<Expense>(id, vis_state, now),
            RecordKind::Category => self.set_vis_state::<ExpenseCategory>(id, vis_state, now),
            RecordKind::Tax => {
                if vis_state == 1 && self.taxes.rows.remove(&id).is_some() {
                    self.emit("tax", "delete", id, now);
                }
            }
            RecordKind::Service => {
                let fields = as_fields(&serde_json::json!({"vis_state": vis_state}));
                // Refused only if there is no such service.
                let _ = self.change_service(id, &fields, now);
            }
            RecordKind::Task => self.set_vis_state::<Task>(id, vis_state, now),
            RecordKind::Project => {
                if vis_state == 1 && self.projects.rows.remove(&id).is_some() {
                    self.emit("project", "delete", id, now);
                }
            }
        }
    }
}

fn as_fields(fields: &Value) -> Fields {
    fields.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::freshbooks::config::PaymentTrace;
    use crate::freshbooks::webhooks::callbacks::Callback;
    use crate::test_support::freshbooks::{FreshBooksHarness, NOW};

    fn listening(event: &str) -> FreshBooksHarness {
        let mut harness = FreshBooksHarness::new();
        let (event, uri) = (event.to_owned(), "http://sync.example.test/".to_owned());
        let verifier = "v".to_owned();
        let callback = Callback {
            id: 1,
            event,
            uri,
            verifier,
            verified: true,
            updated: 0,
            drops_in_a_row: 0,
        };
        harness.machine.callbacks.rows.insert(1, callback);
        harness
    }

    fn invoice(harness: &mut FreshBooksHarness) -> u64 {
        let client = harness.client();
        let lines = json!([{"name": "Work", "unit_cost": "100"}]);
        let fields = json!({"customerid": client, "create_date": "2026-03-01", "lines": lines});
        harness
            .machine
            .create_invoice(&fields, NOW)
            .expect("an invoice")
    }

    #[test]
    fn a_persons_changes_raise_events_too() {
        let mut harness = listening("invoice");
        let id = invoice(&mut harness);
        harness.machine.mark_invoice_sent(id, NOW).expect("sent");
        harness.machine.delete(RecordKind::Invoice, id, NOW);
        harness.machine.restore(RecordKind::Invoice, id, NOW);
        harness.machine.archive(RecordKind::Invoice, id, NOW);
        let names = harness.names();
        assert_eq!(
            names,
            [
                "invoice.create",
                "invoice.update",
                "invoice.delete",
                "invoice.update",
                "invoice.update"
            ]
        );
    }

    #[test]
    fn expenses_and_categories_raise_events() {
        let mut harness = listening("expense");
        let expense = json!({"amount": {"amount": "9.00", "code": "EUR"}, "categoryid": 3344,
            "staffid": 1, "date": "2026-03-01"});
        let machine = &mut harness.machine;
        let id = machine.create_expense(&expense, NOW).expect("an expense");
        let changed = machine.update(RecordKind::Expense, id, &json!({"notes": "n"}), NOW);
        assert_eq!(changed, Ok(()));
        machine.delete(RecordKind::Expense, id, NOW);
        machine
            .import_expense(&expense, "Bank", NOW)
            .expect("an expense");
        assert_eq!(
            harness.names(),
            [
                "expense.create",
                "expense.update",
                "expense.delete",
                "expense.create"
            ]
        );
        let mut harness = listening("category");
        let machine = &mut harness.machine;
        let fuel = json!({"category": "Fuel", "parentid": 3344});
        let id = machine
            .create(RecordKind::Category, &fuel, NOW)
            .expect("a category");
        let renamed = machine.update(RecordKind::Category, id, &json!({"category": "Gas"}), NOW);
        assert_eq!(renamed, Ok(()));
        machine.delete(RecordKind::Category, id, NOW);
        assert_eq!(
            harness.names(),
            ["category.create", "category.update", "category.delete"]
        );
    }

    #[test]
    fn archiving_raises_what_the_switch_says() {
        use crate::freshbooks::config::ArchiveEvent;
        for (switch, expected) in [
            (ArchiveEvent::Delete, vec!["client.delete"]),
            (ArchiveEvent::Silent, vec![]),
        ] {
            let mut harness = listening("client");
            harness.machine.config.archive_event = switch;
            let id = harness.client();
            harness.deliveries();
            harness.machine.archive(RecordKind::Client, id, NOW);
            assert_eq!(harness.names(), expected);
        }
    }

    #[test]
    fn deleting_twice_raises_one_event() {
        let mut harness = listening("client.delete");
        let id = harness.client();
        harness.machine.delete(RecordKind::Client, id, NOW);
        harness.machine.delete(RecordKind::Client, id, NOW);
        assert_eq!(harness.names().len(), 1);
    }

    #[test]
    fn payments_raise_events_and_bill_payments_do_not_unless_switched() {
        let mut harness = listening("payment");
        let id = invoice(&mut harness);
        let machine = &mut harness.machine;
        let payment = machine.pay_invoice(id, Some(40.into()), NOW).expect("paid");
        machine.pay_invoice(id, None, NOW).expect("paid");
        assert!(machine.pay_invoice(id, None, NOW).is_err());
        let shown = machine.invoice(id, NOW).expect("the invoice");
        assert_eq!(shown["v3_status"], "paid");
        machine.delete(RecordKind::Payment, payment, NOW);
        assert_eq!(
            harness.names(),
            ["payment.create", "payment.create", "payment.delete"]
        );
        let mut harness = listening("bill.update");
        let vendor = harness.vendor();
        let lines = json!([{"categoryid": 3344, "unit_cost": "900"}]);
        let fields = json!({"vendorid": vendor, "issue_date": "2026-03-01",
            "due_offset_days": 30, "currency_code": "EUR", "language": "en", "lines": lines});
        let machine = &mut harness.machine;
        let id = machine.create_bill(&fields, NOW).expect("a bill");
        machine.pay_bill(id, Some(1.into()), NOW).expect("paid");
        machine.config.bill_payment_trace = PaymentTrace::Event;
        machine.pay_bill(id, None, NOW).expect("paid");
        let shown = machine.bill(id, NOW).expect("the bill");
        assert_eq!(shown["status"], "paid");
        assert_eq!(harness.names(), ["bill.update"]);
    }

    #[test]
    fn the_switch_says_what_a_payment_leaves_on_its_invoice() {
        for (trace, moved, names) in [
            (PaymentTrace::None, false, vec![]),
            (PaymentTrace::Stamp, true, vec![]),
            (PaymentTrace::Event, true, vec!["invoice.update"]),
        ] {
            let mut harness = listening("invoice.update");
            harness.machine.config.invoice_payment_trace = trace;
            let id = invoice(&mut harness);
            let machine = &mut harness.machine;
            let before = machine.invoice(id, NOW).expect("the invoice");
            harness.now += 60_000;
            machine.pay_invoice(id, None, harness.now).expect("paid");
            let after = machine.invoice(id, NOW).expect("the invoice");
            assert_eq!(before["updated"] != after["updated"], moved, "{trace:?}");
            assert_eq!(harness.names(), names);
        }
    }

    #[test]
    fn declined_changes_say_why() {
        let mut harness = FreshBooksHarness::new();
        let declined = harness
            .machine
            .create_bill(&json!({}), NOW)
            .expect_err("declined");
        assert_eq!(
            (declined.errno, declined.message.as_str()),
            (1001, "due_offset_days: Required field missing.")
        );
    }
}

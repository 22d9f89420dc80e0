//! How an expense is written (source: freshbooks-expenses).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::expense_taxes::derived_percent;
use super::expenses::{BankFeed, Expense};
use crate::calendar::eastern_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::resource::{Resource, ViewContext};
use crate::freshbooks::expense_config::{AbsentPercent, BankMark, ProjectField};
use crate::money::Money;

/// The expense with what is included.
pub(super) fn expense_view(expense: &Expense, showing: &ViewContext) -> Value {
    let head = &expense.head;
    let machine = showing.machine;
    let config = showing.config();
    let updated = eastern_stamp(head.updated);
    let text = |name: &str| {
        let text = expense.texts.get(name);
        (!text.is_empty() || !config.unwritten_texts_null).then_some(text)
    };
    let vendor = Some(expense.texts.get("vendor")).filter(|vendor| !vendor.is_empty());
    let category = machine.category(expense.category);
    let mut view = json!({"id": head.id, "expenseid": head.id,
        "accounting_systemid": config.account_id, "background_jobid": null, "bill_matches": [],
        "amount": Money(expense.amount, expense.currency), "billable": expense.billable,
        "categoryid": expense.category, "clientid": expense.client,
        "compounded_tax": expense.compounded, "converse_projectid": null, "date": expense.date,
        "ext_accountid": null, "ext_invoiceid": 0, "ext_systemid": 0, "from_bulk_import": false,
        "has_receipt": expense.receipt.is_some(), "include_receipt": expense.include_receipt,
        "invoiceid": null, "is_cogs": category.is_some_and(|category| category.is_cogs),
        "isduplicate": false, "markup_percent": expense.markup_percent.normalize().to_string(),
        "notes": text("notes"), "potential_bill_payment": false, "profileid": null,
        "staffid": expense.staff, "status": expense.status(), "transactionid": null,
        "version": format!("{updated}.{:06}", head.updated % 1000 * 1000), "updated": updated,
        "vendor": vendor, "vis_state": head.vis_state, "account_name": null, "accountid": null,
        "bank_name": null});
    add_project(&mut view, expense, config.expenses.project_field);
    if let Some(feed) = &expense.feed {
        add_bank_marks(&mut view, feed, config.expenses.bank_mark, head.id);
    }
    for at in 0..2 {
        add_tax(&mut view, expense, at, showing);
    }
    add_includes(&mut view, expense, showing);
    view
}

fn add_project(view: &mut Value, expense: &Expense, field: ProjectField) {
    let legacy = field != ProjectField::Modern;
    view["projectid"] = json!(expense.project.filter(|_| legacy).unwrap_or_default());
    let modern = field != ProjectField::Legacy;
    view["modern_projectid"] = json!(expense.project.filter(|_| modern));
}

fn add_bank_marks(view: &mut Value, feed: &BankFeed, mark: BankMark, id: u64) {
    if mark.sets(BankMark::AccountId) {
        view["accountid"] = json!(feed.account);
    }
    if mark == BankMark::Bank {
        view["account_name"] = json!("Business Chequing");
    }
    if mark.sets(BankMark::BankName) {
        view["bank_name"] = json!(feed.bank);
    }
    if mark.sets(BankMark::TransactionId) {
        view["transactionid"] = json!(5_000_000 + id);
    }
    if mark.sets(BankMark::BackgroundJobId) {
        view["background_jobid"] = json!(8_000_000 + id);
    }
    if mark.sets(BankMark::BulkImport) {
        view["from_bulk_import"] = json!(true);
    }
}

fn add_tax(view: &mut Value, expense: &Expense, at: usize, showing: &ViewContext) {
    let config = showing.config();
    let tax = expense.taxes[at].as_ref();
    let written = |percent: Decimal| json!(percent.normalize().to_string());
    let percent = match (
        tax.and_then(|tax| tax.percent),
        config.expenses.absent_percent,
    ) {
        (Some(percent), _) => written(percent),
        (None, AbsentPercent::Null) => Value::Null,
        (None, AbsentPercent::Zero) => json!(0),
        (None, AbsentPercent::Derived) => {
            derived_percent(&expense.taxes, at, expense.amount).map_or(Value::Null, written)
        }
    };
    let absent_name = config.absent_tax_names_empty.then_some("");
    let name = tax.map_or(absent_name, |tax| Some(&*tax.name));
    let number = at + 1;
    view[format!("taxName{number}")] = json!(name);
    view[format!("taxAmount{number}")] = json!(tax.map(|tax| Money(tax.amount, expense.currency)));
    view[format!("taxPercent{number}")] = percent;
}

fn add_includes(view: &mut Value, expense: &Expense, showing: &ViewContext) {
    let machine: &FreshBooks = showing.machine;
    if showing.includes("attachment") {
        let receipt = expense
            .receipt
            .and_then(|id| machine.uploads.attachment(id));
        view["attachment"] = receipt.unwrap_or_default();
    }
    if showing.includes("category") {
        let category = machine.category(expense.category);
        view["category"] = json!(category.map(|category| category.view(showing)));
    }
    if showing.includes("project") {
        let project = expense
            .project
            .and_then(|id| machine.projects.rows.get(&id));
        view["project"] = json!(project.map(crate::freshbooks::projects::Project::view));
    }
    for absent in ["expense_profile", "account"] {
        if showing.includes(absent) {
            view[absent] = Value::Null;
        }
    }
}

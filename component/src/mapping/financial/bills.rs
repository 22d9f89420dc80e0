//! The bill that a supplier's invoice becomes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::concur::DocumentType;
use crate::contract::mapping::{Posting, Side, TranslatedRecord, Translation};
use crate::financial::source::{Source, bill_kind};
use crate::financial::{Bill, BillLine, Head};
use crate::marker;
use crate::settings::Settings;

/// The bill as a run would create it, but for the vendor where only FreshBooks knows it: then the
/// supplier's name stands in the place of the vendor's id.
pub(super) fn translation(settings: &Settings, id: &str, head: Head, bill: &Bill) -> Translation {
    let (source, version) = Source::of_document(DocumentType::Invoice, id, Some(head));
    let kind = bill_kind(&version);
    let marker = marker::marker_for(&settings.connection, &source.object(), &kind);
    let bills = &settings.financial.bills;
    let vendor = bills.vendors.get(bill.supplier.key());
    let vendor = vendor.map_or(bill.supplier.shown(), String::as_str);
    let day = settings.financial.posting_day(&bill.date);
    let day = day.unwrap_or_else(|_| bill.date.clone());
    Translation::Record(TranslatedRecord {
        target_kind: "bill".to_string(),
        json: bill.body(vendor, &bills.language, &marker, &day),
        postings: postings(bill, vendor),
    })
}

/// What FreshBooks makes of the bill: the categories and taxes, and what is owed to the vendor.
fn postings(bill: &Bill, vendor: &str) -> Vec<Posting> {
    let lines = bill.lines.iter();
    let mut postings: Vec<Posting> = lines.flat_map(|line| of_line(bill, line)).collect();
    postings.push(Posting {
        account: format!("bill vendor {vendor}"),
        label: bill.supplier.shown().to_string(),
        cost_code: None,
        side: Side::Credit,
        amount: bill.wire_amount(bill.total),
    });
    postings
}

fn of_line<'a>(bill: &'a Bill, line: &'a BillLine) -> impl Iterator<Item = Posting> + 'a {
    let debit =
        |account: String, label: &str, cost_code: Option<String>, amount: Decimal| Posting {
            account,
            label: label.to_string(),
            cost_code,
            side: Side::Debit,
            amount: bill.wire_amount(amount),
        };
    let net = debit(
        format!("category {}", line.category),
        &line.description,
        line.cost_code.clone(),
        line.net,
    );
    let taxes = line.taxes.iter().map(move |tax| {
        let name = &tax.tax.name;
        debit(format!("tax {name}"), name, None, tax.amount)
    });
    core::iter::once(net).chain(taxes)
}

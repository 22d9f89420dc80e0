//! Suppliers' invoices: each allocation's amount on its account, and the whole on the vendor.

pub(super) mod amounts;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::account::Party;
use super::expense::cost_code;
use super::posting::{Basis, Posting};
use crate::concur::document_schema::{InvoiceDocument, Journal, LineItem, Share};

pub(super) fn basis<'a>(document: &InvoiceDocument<'a>) -> Basis<'a> {
    let header = &document.header;
    Basis {
        is_test: header.is_test,
        title: header.title.clone(),
        currency_at: "/requestHeader/currencyAlphaCode",
        currency: header.currency.clone(),
        date_at: "/requestHeader/invoiceDate",
        days: header.days().into(),
    }
}

pub(super) fn post<'a>(document: &InvoiceDocument<'a>, posting: &mut Posting<'a>) {
    let rows = rows(document);
    let amounts = amounts::amounts_of_rows(document, &rows, posting);
    for (row, amount) in rows.iter().zip(&amounts) {
        let [l, a] = row.at;
        let place = format_args!("/lineItem/{l}/allocation/{a}");
        let cost_code = cost_code(&row.share.customs, posting.financial().cost_code_field);
        let currency_at = format_args!("{place}/journal/currencyAlphaCode");
        posting.same_currency(currency_at, &row.journal.currency);
        let name = row.line.expense_type_name.text().unwrap_or_default();
        let account = posting.account(
            format_args!("{place}/journal/accountCode"),
            row.journal.account.or(&row.share.account).text(),
            row.line.expense_type.text(),
            cost_code.as_deref(),
            name,
        );
        let vendor = posting.account_of_party(format_args!("/vendor"), vendor(document));
        if let (Some(account), Some(vendor)) = (account, vendor) {
            posting.add(account, cost_code, *amount);
            posting.add(vendor, None, -*amount);
        }
    }
}

fn vendor<'a>(document: &InvoiceDocument<'a>) -> Party<'a> {
    let name = document.vendor.name.or(&document.vendor.code).text();
    Party {
        key: Cow::Borrowed("VENDOR"),
        name: name.unwrap_or_default(),
    }
}

/// One journal object of an allocation.
pub(super) struct Row<'d, 'a> {
    pub(super) at: [usize; 2],
    pub(super) line: &'d LineItem<'a>,
    pub(super) share: &'d Share<'a>,
    pub(super) journal: &'d Journal<'a>,
}

pub(super) fn rows<'d, 'a>(document: &'d InvoiceDocument<'a>) -> Vec<Row<'d, 'a>> {
    let lines = document.lines.0.iter().enumerate();
    let shares = lines.flat_map(|(l, line)| {
        let shares = line.allocations.0.iter().enumerate();
        shares.map(move |(a, share)| ([l, a], line, share))
    });
    let rows = shares.flat_map(|(at, line, share)| {
        let journals = share.journal.0.iter();
        journals.map(move |journal| Row {
            at,
            line,
            share,
            journal,
        })
    });
    rows.collect()
}

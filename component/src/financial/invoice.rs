//! Suppliers' invoices: each allocation's amount on its account, and the whole on the vendor.

pub(super) mod amounts;
pub(super) mod header;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use self::amounts::{Parts, TaxFrom};
use self::header::Header;
use super::account::{Account, Party};
use super::dates::Dates;
use super::description;
use super::expense::{cost_code, is_part};
use super::posting::{Basis, Posting};
use super::project_expense::Cost;
use crate::concur::DocumentType;
use crate::concur::document_schema::{InvoiceDocument, Journal, LineItem, Share};

pub(super) fn basis<'a>(document: &InvoiceDocument<'a>) -> Basis<'a> {
    let header = &document.header;
    Basis {
        is_test: header.is_test,
        kind: DocumentType::Invoice,
        description: description::of_request(header, &document.vendor),
        currency_at: "/requestHeader/currencyAlphaCode",
        currency: header.currency.clone(),
        dates: Dates::of_request(header),
    }
}

pub(super) fn post<'a>(document: &InvoiceDocument<'a>, posting: &mut Posting<'a>) {
    let rows = rows(document);
    let total_at = format_args!("/requestHeader/requestTotal");
    let total = posting.total(total_at, &document.header.total);
    let header = Header::read(&document.header, posting);
    let parts: Vec<_> = rows.iter().map(|row| Parts::read(row, posting)).collect();
    let amounts = amounts::read(total, &header, &parts, posting);
    let of_rows = rows.iter().zip(&parts).zip(amounts.of_rows);
    for (number, ((row, parts), amount)) in of_rows.enumerate() {
        posting.count(amount);
        let reclaimed = row.reclaimed(posting);
        if amount.is_zero() && reclaimed.is_empty() {
            continue;
        }
        row.check_taxes(amount, &reclaimed, parts, amounts.tax_from, posting);
        row.post(number, amount, reclaimed, posting);
        credit_vendor(document, amount, posting);
    }
    if amounts.tax_from == TaxFrom::Header {
        for (account, amount) in header.reclaimed {
            posting.count(amount);
            posting.add(account, None, amount);
            credit_vendor(document, amount, posting);
        }
    }
    posting.check_total(total_at, total);
}

fn credit_vendor<'a>(document: &InvoiceDocument<'a>, amount: Decimal, posting: &mut Posting<'a>) {
    let creditor = creditor(document, posting);
    if let Some(account) = posting.account_of_party(format_args!("/vendor"), creditor) {
        posting.add(account, None, -amount);
    }
}

/// The party that is owed an invoice unless its payment method says otherwise.
pub(super) const VENDOR: &str = "VENDOR";

/// Who is owed the invoice: the vendor; for one that was paid by card, and for payment methods
/// that the settings name, whoever that method says (source: concur-financial-schema).
pub(super) fn creditor<'a>(document: &InvoiceDocument<'a>, posting: &Posting<'a>) -> Party<'a> {
    let vendor = &document.vendor;
    let name = vendor.name.or(&vendor.code).text().unwrap_or_default();
    let method = document.header.pay_method.text();
    let method = method.filter(|method| method == "CARD" || posting.id_of_party(method).is_some());
    let id = vendor.code.text().filter(|_| method.is_none());
    let key = method.unwrap_or(Cow::Borrowed(VENDOR));
    Party { key, id, name }
}

/// One journal object of an allocation.
pub(super) struct Row<'d, 'a> {
    pub(super) at: [usize; 2],
    pub(super) line: &'d LineItem<'a>,
    pub(super) share: &'d Share<'a>,
    pub(super) journal: &'d Journal<'a>,
}

impl<'a> Row<'_, 'a> {
    /// The taxes that the company gets back, with their accounts. Others stay in the cost.
    fn reclaimed(&self, posting: &mut Posting<'a>) -> Vec<(Account<'a>, Decimal)> {
        let [l, a] = self.at;
        let mut reclaimed = Vec::new();
        for tax in &self.journal.taxes.0 {
            let amount = posting.round(tax.amount.number().unwrap_or_default());
            if amount.is_zero() {
                continue;
            }
            let at = format_args!("/lineItem/{l}/allocation/{a}/journal/tax");
            let account = posting.account_of_invoice_tax(at, tax.code.text(), tax.field.text());
            reclaimed.extend(account.map(|account| (account, amount)));
        }
        reclaimed
    }

    /// Tax can only be taken out of an amount that contains it.
    fn check_taxes(
        &self,
        amount: Decimal,
        reclaimed: &[(Account, Decimal)],
        parts: &Parts,
        tax_from: TaxFrom,
        posting: &mut Posting<'a>,
    ) {
        let is_inside = tax_from.is_inside(parts, posting.minor_units());
        let tax = reclaimed.iter().map(|(_, tax)| tax).sum();
        if reclaimed.is_empty() || (is_inside && is_part(tax, amount)) {
            return;
        }
        let [l, a] = self.at;
        let message = "the tax of the row is not the one that is in its amount, or in the invoice\
                       's total";
        let at = format_args!("/lineItem/{l}/allocation/{a}/journal/tax");
        posting.report(at, "tax-unclear", message.into());
    }

    fn post(
        &self,
        number: usize,
        amount: Decimal,
        reclaimed: Vec<(Account<'a>, Decimal)>,
        posting: &mut Posting<'a>,
    ) {
        let [l, a] = self.at;
        let place = format_args!("/lineItem/{l}/allocation/{a}");
        let currency_at = format_args!("{place}/journal/currencyAlphaCode");
        posting.same_currency(currency_at, &self.journal.currency);
        let cost_code = cost_code(&self.share.customs, posting.financial().cost_code_field);
        let tax: Decimal = reclaimed.iter().map(|(_, tax)| tax).sum();
        if let Some(account) = self.account(cost_code.as_deref(), posting) {
            let cost = Cost {
                row: number,
                cost_code,
                is_billable: false,
                is_personal: false,
                amount: amount - tax,
            };
            posting.add_cost(place, account, cost);
        }
        for (account, tax) in reclaimed {
            posting.add(account, None, tax);
        }
    }

    fn account(&self, cost_code: Option<&str>, posting: &mut Posting<'a>) -> Option<Account<'a>> {
        let [l, a] = self.at;
        let at = format_args!("/lineItem/{l}/allocation/{a}/journal/accountCode");
        let name = self.line.expense_type_name.text().unwrap_or_default();
        match self.journal.account.or(&self.share.account).text() {
            Some(code) => posting.account_of_code(at, code, cost_code, name),
            None => posting.account_of_expense_type(at, &self.line.expense_type, name),
        }
    }
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

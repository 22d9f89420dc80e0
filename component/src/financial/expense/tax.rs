//! Tax that the company gets back. What it does not get back stays in the expense.

use alloc::format;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::{Place, is_part};
use crate::concur::document_schema::{Allocation, ExpenseDocument, ExpenseEntry, Row, Tax};
use crate::financial::posting::{Posting, shares};
use crate::money;

impl<'a> Place<'_, 'a> {
    /// What the row reclaims: the part of its amount that is not in its amount without reclaimable
    /// tax.
    pub(super) fn reclaimed(&self, gross: Decimal, posting: &mut Posting<'a>) -> Decimal {
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/amountNetOfReclaim");
        let row = self.row;
        let net = posting.optional_amount(at, &row.net_of_reclaim);
        if row.net_of_reclaim.is_missing() && self.claims() {
            let message = "the row has tax to reclaim but no amount without it".into();
            posting.report(at, "reclaim-unclear", message);
        }
        let (Some(written), Some(net)) = (row.gross.number(), net) else {
            return Decimal::ZERO;
        };
        let reclaimed = posting.round(written - net);
        if is_part(reclaimed, gross) {
            return reclaimed;
        }
        let message = "the row's amount without the tax to reclaim is not a part of its amount";
        posting.report(at, "reclaim-unclear", message.into());
        Decimal::ZERO
    }

    fn claims(&self) -> bool {
        let taxes = named_taxes(self.allocation, self.row);
        taxes.iter().any(|tax| !weight(tax).is_zero())
    }

    /// Splits what the row reclaims over its taxes, in proportion to what each reclaims: the taxes'
    /// own amounts may be in the currency that was spent.
    pub(super) fn reclaim(&self, reclaimed: Decimal, posting: &mut Posting<'a>) {
        if reclaimed.is_zero() {
            return;
        }
        let [e, a, r] = self.at;
        let taxes = named_taxes(self.allocation, self.row);
        let Some(shares) = shares_of(reclaimed, &taxes, posting) else {
            let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/taxGuid");
            let message = "the row reclaims tax, but its taxes do not show which".into();
            return posting.report(at, "reclaim-unclear", message);
        };
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/tax");
        for (tax, share) in taxes
            .iter()
            .zip(shares)
            .filter(|(_, share)| !share.is_zero())
        {
            let code = tax.code.or(&tax.reclaim_code).text();
            let account = posting.account_of_tax(at, tax.authority.text(), code);
            if let Some(account) = account {
                posting.add(account, None, share);
            }
        }
    }
}

/// Compares what the rows of each allocation reclaim with what its taxes say, where both are in
/// the report's currency.
pub(super) fn check_reclaim(document: &ExpenseDocument, posting: &mut Posting) {
    for (e, entry) in document.entries.0.iter().enumerate() {
        let is_comparable = entry
            .currency
            .text()
            .is_some_and(|it| it == posting.currency());
        // What a personal item reclaims, the employee pays back.
        if !is_comparable || entry.is_personal.is_yes() {
            continue;
        }
        for (a, allocation) in entry.allocations.0.iter().enumerate() {
            let Some((rows, taxes)) = contradiction(entry, allocation, posting) else {
                continue;
            };
            let message = format!(
                "its rows reclaim {} {currency} of tax, and its taxes {} {currency}",
                posting.shown(rows),
                posting.shown(taxes),
                currency = posting.currency()
            );
            let at = format_args!("/expenseEntry/{e}/allocation/{a}/tax");
            posting.report(at, "reclaim-unclear", message);
        }
    }
}

/// What the rows of an allocation reclaim and what its taxes say they do, if the one is not the
/// other. The taxes may be those of the whole entry: it is documented nowhere.
fn contradiction(
    entry: &ExpenseEntry,
    allocation: &Allocation,
    posting: &Posting,
) -> Option<(Decimal, Decimal)> {
    if allocation.taxes.0.is_empty() {
        return None;
    }
    let rows = reclaimed_by_rows(allocation)?;
    let named = allocation.rows.0.iter().any(|row| !row.taxes.0.is_empty());
    let taxes = allocation.taxes.0.iter();
    let taxes = taxes.filter(|tax| !named || allocation.rows.0.iter().any(|row| names(row, tax)));
    let taxes: Option<Decimal> = taxes.map(|tax| tax.reclaim.number()).sum();
    let taxes = taxes?;
    let addends = allocation.rows.0.len() + allocation.taxes.0.len();
    let tolerated = Decimal::from(addends) * money::cent(posting.minor_units());
    let differs = |rows: Decimal| (rows - taxes).abs() >= tolerated;
    let of_entry: Option<Decimal> = entry.allocations.0.iter().map(reclaimed_by_rows).sum();
    (differs(rows) && of_entry.is_none_or(differs)).then_some((rows, taxes))
}

fn reclaimed_by_rows(allocation: &Allocation) -> Option<Decimal> {
    let reclaimed = |row: &Row| Some(row.gross.number()? - row.net_of_reclaim.number()?);
    allocation.rows.0.iter().map(reclaimed).sum()
}

/// The shares of the taxes. One that does not say what it reclaims may be the only one.
fn shares_of(reclaimed: Decimal, taxes: &[&Tax], posting: &Posting) -> Option<Vec<Decimal>> {
    let says_nothing = |tax: &&Tax| tax.reclaim.number().is_some_and(|number| number.is_zero());
    if taxes.iter().all(says_nothing) {
        return None;
    }
    let weights: Vec<_> = taxes.iter().map(|tax| weight(tax)).collect();
    shares(reclaimed, &weights, posting.minor_units())
}

/// The taxes that the row names; all of the allocation if it names none.
fn named_taxes<'d, 'a>(allocation: &'d Allocation<'a>, row: &Row<'a>) -> Vec<&'d Tax<'a>> {
    let taxes = allocation.taxes.0.iter();
    taxes
        .filter(|tax| row.taxes.0.is_empty() || names(row, tax))
        .collect()
}

fn names(row: &Row, tax: &Tax) -> bool {
    tax.guid
        .text()
        .is_some_and(|guid| row.taxes.0.contains(&guid))
}

fn weight(tax: &Tax) -> Decimal {
    tax.reclaim.number().unwrap_or_default()
}

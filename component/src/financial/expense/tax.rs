//! Tax that the company gets back. What it does not get back stays in the expense.

use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::Place;
use crate::concur::document_schema::{Row, Tax};
use crate::financial::posting::{Posting, shares};

impl<'a> Place<'_, 'a> {
    /// The row's amount without the tax that the company gets back.
    pub(super) fn net_of_reclaim(
        &self,
        row: &Row<'a>,
        gross: Decimal,
        posting: &mut Posting<'a>,
    ) -> Decimal {
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/amountNetOfReclaim");
        let stated = posting.optional_amount(at, &row.net_of_reclaim);
        let claimed = || {
            self.taxes_of(row)
                .iter()
                .any(|tax| !reclaim_of(tax).is_zero())
        };
        if row.net_of_reclaim.is_missing() && claimed() {
            let message = "the row has tax to reclaim but no amount without it".into();
            posting.report(at, "reclaim-unclear", message);
        }
        stated.unwrap_or(gross)
    }

    /// Splits what the row reclaims over its taxes, in proportion to what each reclaims: the taxes'
    /// own amounts may be in the currency that was spent.
    pub(super) fn reclaim(&self, row: &Row<'a>, difference: Decimal, posting: &mut Posting<'a>) {
        if difference.is_zero() {
            return;
        }
        let [e, a, r] = self.at;
        let taxes = self.taxes_of(row);
        let weights: Vec<_> = taxes.iter().map(|tax| reclaim_of(tax)).collect();
        let Some(shares) = shares(difference, &weights, posting.minor_units()) else {
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

    /// The taxes that the row names; all of the allocation if it names none.
    fn taxes_of(&self, row: &Row<'a>) -> Vec<&Tax<'a>> {
        let named = &row.taxes.0;
        let taxes = self.allocation.taxes.0.iter();
        let is_named = |tax: &&Tax| tax.guid.text().is_some_and(|guid| named.contains(&guid));
        if named.is_empty() {
            taxes.collect()
        } else {
            taxes.filter(is_named).collect()
        }
    }
}

fn reclaim_of(tax: &Tax) -> Decimal {
    tax.reclaim.number().unwrap_or_default()
}

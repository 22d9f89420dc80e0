//! The lines of a bill: rows of one line item with the same category and taxes.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::{BillLine, LineTax, text};
use crate::concur::document_schema::InvoiceTax;
use crate::financial::expense::cost_code;
use crate::financial::invoice::Row;
use crate::financial::posting::Posting;
use crate::money;
use crate::settings::financial::{BillTax, Bills};
use crate::text::shortened;

/// The longest description of a line without its marker. FreshBooks publishes no bound.
const DESCRIPTION_CHARS_MAX: usize = 200;
/// A line of a bill has two taxes at most (source: freshbooks-bills).
const LINE_TAXES_MAX: usize = 2;

/// The lines of the bill, or why there can be none.
pub(super) fn of_rows<'a>(
    rows: &[Row<'_, 'a>],
    amounts: &[Decimal],
    posting: &mut Posting<'a>,
) -> Result<Vec<BillLine>, String> {
    let mut lines = Vec::new();
    for group in groups(rows, amounts, posting) {
        let minor_units = posting.minor_units();
        lines.extend(group.rounded(minor_units).lines(minor_units)?);
    }
    Ok(lines)
}

/// Allocations of one line item with the same category and taxes: a line of the bill. Together
/// their taxes come to what FreshBooks works out, where a share of a cent may not.
struct Group<'a> {
    line_item: usize,
    /// None where the settings have none, which is reported.
    category: Option<&'a str>,
    about: String,
    cost_codes: Vec<String>,
    /// With shipping and taxes.
    amount: Decimal,
    shipping: Decimal,
    taxes: Vec<LineTax>,
}

fn groups<'a>(
    rows: &[Row<'_, 'a>],
    amounts: &[Decimal],
    posting: &mut Posting<'a>,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group> = Vec::new();
    let rows = rows.iter().zip(amounts);
    for (row, amount) in rows.filter(|(_, amount)| !amount.is_zero()) {
        let new = Group::of_row(row, *amount, posting);
        match groups.iter_mut().find(|group| group.takes(&new)) {
            Some(group) => group.add(new),
            None => groups.push(new),
        }
    }
    groups
}

impl<'a> Group<'a> {
    fn of_row(row: &Row<'_, 'a>, amount: Decimal, posting: &mut Posting<'a>) -> Self {
        let [l, a] = row.at;
        let currency_at = format_args!("/lineItem/{l}/allocation/{a}/journal/currencyAlphaCode");
        posting.same_currency(currency_at, &row.journal.currency);
        let at = format_args!("/lineItem/{l}/allocation/{a}/journal/accountCode");
        let cost_code = cost_code(&row.share.customs, posting.financial().cost_code_field);
        let code = row.journal.account.or(&row.share.account).text();
        let expense_type = row.line.expense_type.text();
        let category = posting.category(
            at,
            code.as_deref(),
            expense_type.as_deref(),
            cost_code.as_deref(),
        );
        Self {
            line_item: l,
            category,
            about: text(row.line.description.or(&row.line.expense_type_name)).unwrap_or_default(),
            cost_codes: cost_code.map(Cow::into_owned).into_iter().collect(),
            amount,
            shipping: row.journal.shipping.number().unwrap_or_default(),
            taxes: taxes(row, &posting.financial().bills),
        }
    }

    fn takes(&self, other: &Self) -> bool {
        let taxes = |group: &Self| -> Vec<BillTax> {
            group.taxes.iter().map(|tax| tax.tax.clone()).collect()
        };
        self.line_item == other.line_item
            && self.category == other.category
            && taxes(self) == taxes(other)
    }

    fn add(&mut self, other: Self) {
        self.amount += other.amount;
        self.shipping += other.shipping;
        for (tax, more) in self.taxes.iter_mut().zip(other.taxes) {
            tax.amount += more.amount;
        }
        for cost_code in other.cost_codes {
            if !self.cost_codes.contains(&cost_code) {
                self.cost_codes.push(cost_code);
            }
        }
    }

    /// With its taxes and shipping in the currency's digits, of which a share may have more.
    fn rounded(mut self, minor_units: u32) -> Self {
        self.shipping = money::round(self.shipping, minor_units);
        for tax in &mut self.taxes {
            tax.amount = money::round(tax.amount, minor_units);
        }
        self
    }

    /// Its lines: one, or two where the taxes are on everything but the shipping.
    fn lines(self, minor_units: u32) -> Result<Vec<BillLine>, String> {
        if self.taxes.len() > LINE_TAXES_MAX {
            return Err(format!("a line of it has {} taxes", self.taxes.len()));
        }
        if let [first, second] = self.taxes.as_slice()
            && first.tax.name == second.tax.name
        {
            return Err(format!("a line of it has the tax {} twice", first.tax.name));
        }
        let net = self.amount - self.taxes.iter().map(|tax| tax.amount).sum::<Decimal>();
        if net <= Decimal::ZERO {
            return Err("a line of it has more taxes than amount".to_string());
        }
        let Some(why) = other_tax(net, &self.taxes, minor_units) else {
            return Ok(vec![self.line(net, self.taxes.clone(), "")]);
        };
        let goods = net - self.shipping;
        let is_split = self.shipping > Decimal::ZERO && goods > Decimal::ZERO;
        if !is_split || other_tax(goods, &self.taxes, minor_units).is_some() {
            return Err(why);
        }
        Ok(vec![
            self.line(goods, self.taxes.clone(), ""),
            self.line(self.shipping, Vec::new(), "shipping of "),
        ])
    }

    fn line(&self, net: Decimal, taxes: Vec<LineTax>, prefix: &str) -> BillLine {
        let mut about = match self.about.is_empty() {
            true => prefix.to_string(),
            false => [prefix, &self.about].concat(),
        };
        if !self.cost_codes.is_empty() {
            about.push_str(&format!(" ({})", self.cost_codes.join(", ")));
        }
        BillLine {
            category: self.category.unwrap_or_default().to_string(),
            description: shortened(about.trim(), DESCRIPTION_CHARS_MAX),
            cost_code: match self.cost_codes.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            net,
            taxes,
        }
    }
}

/// The taxes of a row that FreshBooks shows apart.
fn taxes(row: &Row, bills: &Bills) -> Vec<LineTax> {
    let taxes = row.journal.taxes.0.iter();
    let mapped = taxes.filter_map(|tax| {
        let amount = tax.amount.number().filter(|amount| !amount.is_zero())?;
        let tax = tax_of_bills(tax, bills)?.clone();
        Some(LineTax { tax, amount })
    });
    mapped.collect()
}

/// FreshBooks' tax that the settings name for a tax: by its code, else by its field such as `VAT1`.
pub(super) fn tax_of_bills<'b>(tax: &InvoiceTax, bills: &'b Bills) -> Option<&'b BillTax> {
    let keys = [tax.code.text(), tax.field.text()];
    let mut keys = keys.into_iter().flatten();
    keys.find_map(|key| bills.taxes.get(&*key))
}

/// The first tax that FreshBooks would work out otherwise on this amount, in words.
fn other_tax(net: Decimal, taxes: &[LineTax], minor_units: u32) -> Option<String> {
    taxes.iter().find_map(|LineTax { tax, amount }| {
        let worked_out = money::round(net * tax.percent / Decimal::ONE_HUNDRED, minor_units);
        (worked_out != *amount).then(|| {
            format!(
                "FreshBooks would work {} out as {} on {}, and SAP Concur says {}",
                tax.name,
                money::wire(worked_out, minor_units),
                money::wire(net, minor_units),
                money::wire(*amount, minor_units)
            )
        })
    })
}

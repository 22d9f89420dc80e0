//! The lines of a document.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::{Reading, SHOWN_CHARS_MAX};
use crate::freshbooks::document::{Category, Line, Tax, place};
use crate::freshbooks::fields;
use crate::lax_json::{Object, Raw, lax_text, rows};
use crate::text::quoted;

/// A tax of more per cent than this, or of less than none, is a mistake: the highest there are stay
/// below 100.
const PERCENT_MAX: Decimal = Decimal::ONE_THOUSAND;

impl Reading {
    /// Lines that the answer leaves out are not lines that the document does not have.
    pub(super) fn lines(&mut self, raw: Raw) -> Vec<Line> {
        let name = self.kind.name();
        let Some(raw) = raw else {
            let message = format!(
                "FreshBooks' answer leaves out the lines of the {name}, which it has with \
                 `include[]=lines`; ask once more, and if they stay out, ask FreshBooks' support"
            );
            self.amount_unknown("/lines", "lines-missing", message);
            return Vec::new();
        };
        let Some(rows) = rows(raw) else {
            let message = format!(
                "FreshBooks' answer has something else where the lines of the {name} should be; \
                 ask once more, and if it stays so, ask FreshBooks' support"
            );
            self.amount_unknown("/lines", "lines-unreadable", message);
            return Vec::new();
        };
        let lines = (0..).zip(rows);
        lines
            .filter_map(|(index, raw)| self.line(index, raw))
            .collect()
    }

    fn line(&mut self, index: u32, raw: &RawValue) -> Option<Line> {
        let at = format!("/lines/{index}");
        let Some(line) = Object::read(raw) else {
            let message = format!(
                "FreshBooks' answer has something else where line {} should be; open the {} there \
                 and save it again",
                index + 1,
                self.kind.name()
            );
            self.amount_unknown(&at, "line-unreadable", message);
            return None;
        };
        let (name, quantity) = line.first_text(self.kind.quantities());
        let quantity = quantity.and_then(|text| self.number(&format!("{at}/{name}"), &text));
        let taxes = self.kind.taxes();
        Some(Line {
            name: line.text("name"),
            description: line.text("description"),
            quantity: quantity.unwrap_or(Decimal::ONE),
            has_quantity: quantity.is_some(),
            unit_cost: self.amount(&format!("{at}/unit_cost"), line.get("unit_cost")),
            amount: self.optional_amount(&format!("{at}/amount"), line.get("amount")),
            taxes: taxes
                .iter()
                .filter_map(|names| self.tax(&at, &line, names))
                .collect(),
            compound: fields::flag(line.get("compounded_tax")),
            category: category(&line),
            project: fields::id(line.get("modern_project_id"), &["id"]),
        })
    }

    fn tax(&mut self, at: &str, line: &Object, names: &TaxNames) -> Option<Tax> {
        let (at_name, name) = line.first_text(names.name);
        let (at_percent, percent) = line.first_text(names.percent);
        let at_percent = format!("{at}/{at_percent}");
        let is_percent_stated = percent.is_some();
        let percent = percent.and_then(|text| self.number(&at_percent, &text));
        let amount = fields::amount(line.get(names.amount));
        let amount = amount.filter(|(_, code)| code.is_empty() || *code == self.currency);
        let Some(name) = name else {
            if let Some(percent) = percent.filter(|percent| !percent.is_zero()) {
                let message = format!(
                    "the tax of {percent} % in {} has no name; choose it anew in FreshBooks",
                    place(at)
                );
                self.amount_unknown(&format!("{at}/{at_name}"), "tax-nameless", message);
            }
            return None;
        };
        let tax = Tax {
            name: name.trim().to_string(),
            percent,
            amount: amount.map(|(amount, _)| amount),
        };
        if !is_percent_stated && tax.amount.is_none() {
            self.without_rate(&at_percent, at, &tax.name);
        }
        self.has_rate(&at_percent, at, &tax).then_some(tax)
    }

    /// Whether the rate of a tax, where it is stated, can be one.
    fn has_rate(&mut self, at_percent: &str, at: &str, tax: &Tax) -> bool {
        let is_rate = |percent: &Decimal| (Decimal::ZERO..=PERCENT_MAX).contains(percent);
        let Some(percent) = tax.percent.filter(|percent| !is_rate(percent)) else {
            return true;
        };
        let message = format!(
            "{percent} % cannot be right for tax {} in {}; correct it in FreshBooks",
            quoted(&tax.name, SHOWN_CHARS_MAX),
            place(at)
        );
        self.amount_unknown(at_percent, "not-a-percentage", message);
        false
    }

    /// A tax that is exempt has a rate of 0; one without any would be sent as nothing.
    fn without_rate(&mut self, at_percent: &str, at: &str, name: &str) {
        let message = format!(
            "tax {} in {} has neither a rate nor an amount; choose it anew in FreshBooks and save \
             the {} there, with a rate of 0 if nothing is due",
            quoted(name, SHOWN_CHARS_MAX),
            place(at),
            self.kind.name()
        );
        self.amount_unknown(at_percent, "tax-without-rate", message);
    }
}

/// What the members of one tax are called.
pub(crate) struct TaxNames {
    name: &'static [&'static str],
    percent: &'static [&'static str],
    /// The amount; empty where a line has none.
    amount: &'static str,
}

/// Invoice lines and bill lines differ in spelling only; `taxAmount1` is a percentage
/// (source: freshbooks-invoices, freshbooks-bills). Each takes the other's spelling too.
pub(crate) const INVOICE_TAXES: [TaxNames; 2] = [
    TaxNames {
        name: &["taxName1", "tax_name1"],
        percent: &["taxAmount1", "tax_percent1"],
        amount: "",
    },
    TaxNames {
        name: &["taxName2", "tax_name2"],
        percent: &["taxAmount2", "tax_percent2"],
        amount: "",
    },
];

/// The same of a bill, whose lines state each tax in money too.
pub(crate) const BILL_TAXES: [TaxNames; 2] = [
    TaxNames {
        name: &["tax_name1", "taxName1"],
        percent: &["tax_percent1", "taxAmount1"],
        amount: "tax_amount1",
    },
    TaxNames {
        name: &["tax_name2", "taxName2"],
        percent: &["tax_percent2", "taxAmount2"],
        amount: "tax_amount2",
    },
];

/// The category by its id, which the line has or the object of its category; else by its name
/// (source: freshbooks-bills).
fn category(line: &Object) -> Option<Category> {
    const IDS: [&str; 2] = ["categoryid", "id"];
    let raw = line.get("category");
    let stated = fields::id(line.get("categoryid"), &IDS);
    if let Some(id) = stated.or_else(|| fields::reference(raw, &IDS)) {
        return Some(Category::Id(id));
    }
    let inside = || Object::read(raw?)?.text("category");
    let name = lax_text(raw).or_else(inside)?.trim().to_string();
    (name != "0").then_some(Category::Name(name))
}

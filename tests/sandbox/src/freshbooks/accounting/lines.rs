//! Lines of invoices and bills, and what they add up to.
//!
//! The docs do not say where amounts are rounded. Here each line and each tax of a line is rounded,
//! so that the parts always add up to the total.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::fields::{Fields, read_amount, read_id};
use crate::money::{decimal, parse_decimal, rounded};

/// A line of an invoice or a bill: a quantity at a price, with up to two taxes.
#[derive(Clone, Debug)]
pub(crate) struct PricedLine {
    pub(crate) id: u64,
    /// 0 normal, 1 rebilled expense: invoices only.
    pub(crate) kind: u8,
    /// The expense category: bills only.
    pub(crate) category: u64,
    pub(crate) name: Box<str>,
    pub(crate) description: Box<str>,
    pub(crate) quantity: Decimal,
    pub(crate) unit_cost: Decimal,
    pub(crate) taxes: [Option<LineTax>; 2],
    /// The second tax is on top of the first.
    pub(crate) compounded: bool,
    pub(crate) project: Option<u64>,
    pub(crate) expense: u64,
}

/// A tax on a line: a name and a percentage.
#[derive(Clone, Debug)]
pub(crate) struct LineTax {
    pub(crate) name: Box<str>,
    pub(crate) percent: Decimal,
}

/// What lines add up to, each part rounded to as many digits as amounts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineTotals {
    /// Before discount and taxes.
    pub(crate) subtotal: Decimal,
    /// Taken off the subtotal.
    pub(crate) discount: Decimal,
    /// Taxes of all lines, after the discount.
    pub(crate) tax: Decimal,
}

impl LineTotals {
    /// Adds lines up; the discount is a percentage of the subtotal and lowers what is taxed.
    pub(crate) fn sum(lines: &[PricedLine], discount_percent: Decimal, digits: u32) -> Self {
        let mut totals = Self::default();
        for line in lines {
            let net = line.net(digits);
            let discount = rounded(net * discount_percent / Decimal::ONE_HUNDRED, digits);
            let [first, second] = line.tax_amounts(net - discount, digits);
            totals.subtotal += net;
            totals.discount += discount;
            totals.tax += first + second;
        }
        totals
    }

    /// The same without a discount, each tax rounded once for all lines.
    pub(crate) fn sum_rounded_once(lines: &[PricedLine], digits: u32) -> Self {
        let mut totals = Self::sum(lines, Decimal::ZERO, digits);
        let mut taxes: std::collections::BTreeMap<&str, Decimal> = Default::default();
        for line in lines {
            for tax in line.taxes.iter().flatten() {
                let exact = line.net(digits) * tax.percent / Decimal::ONE_HUNDRED;
                *taxes.entry(&tax.name).or_default() += exact;
            }
        }
        totals.tax = taxes.values().map(|tax| rounded(*tax, digits)).sum();
        totals
    }

    /// What is to be paid.
    pub(crate) fn total(&self) -> Decimal {
        self.subtotal - self.discount + self.tax
    }
}

impl PricedLine {
    /// Quantity times unit cost.
    pub(crate) fn net(&self, digits: u32) -> Decimal {
        rounded(self.quantity * self.unit_cost, digits)
    }

    /// Both taxes on an amount.
    pub(crate) fn tax_amounts(&self, base: Decimal, digits: u32) -> [Decimal; 2] {
        let percent = |at: usize| {
            self.taxes[at]
                .as_ref()
                .map(|tax| tax.percent)
                .unwrap_or_default()
        };
        let first = rounded(base * percent(0) / Decimal::ONE_HUNDRED, digits);
        let second_base = if self.compounded { base + first } else { base };
        [
            first,
            rounded(second_base * percent(1) / Decimal::ONE_HUNDRED, digits),
        ]
    }
}

/// How a kind of document names the fields of its lines.
pub(crate) struct LineFieldNames {
    pub(crate) object: &'static str,
    pub(crate) id: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) tax_names: [&'static str; 2],
    pub(crate) tax_percents: [&'static str; 2],
}

/// Tax percentages by name, for lines that name a tax without its percentage.
pub(crate) type KnownTaxes = std::collections::BTreeMap<String, Decimal>;

/// Reads the `lines` of a body, in order; new lines are numbered on from the highest id among them.
pub(crate) fn read_lines(
    value: &Value,
    names: &LineFieldNames,
    known: &KnownTaxes,
) -> Result<Vec<PricedLine>, ApiError> {
    let rows = value
        .as_array()
        .ok_or_else(|| ApiError::invalid(names.object, "lines", value))?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let fields = row
            .as_object()
            .ok_or_else(|| ApiError::invalid(names.object, "lines", row))?;
        lines.push(read_line(fields, names, known)?);
    }
    let mut next = lines
        .iter()
        .map(|line: &PricedLine| line.id)
        .max()
        .unwrap_or_default();
    for line in lines.iter_mut().filter(|line| line.id == 0) {
        next += 1;
        line.id = next;
    }
    Ok(lines)
}

fn read_line(
    fields: &Fields,
    names: &LineFieldNames,
    known: &KnownTaxes,
) -> Result<PricedLine, ApiError> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| fields.get(name).and_then(read_id).unwrap_or_default();
    let tax = |at: usize| {
        read_tax(
            fields,
            names.tax_names[at],
            names.tax_percents[at],
            names.object,
            known,
        )
    };
    let taxes = [tax(0)?, tax(1)?];
    if let [Some(first), Some(second)] = &taxes
        && first.name == second.name
    {
        return Err(ApiError::field(
            422,
            1019,
            names.object,
            names.tax_names[1],
            "Duplicate tax on item.",
        ));
    }
    Ok(PricedLine {
        id: number(names.id),
        kind: number("type").min(255) as u8,
        category: number("categoryid"),
        name: text("name").into(),
        description: text("description").into(),
        quantity: read_decimal(fields, names.quantity, names.object, decimal)?
            .unwrap_or(Decimal::ONE),
        unit_cost: read_decimal(fields, "unit_cost", names.object, read_amount)?
            .unwrap_or_default(),
        taxes,
        compounded: fields.get("compounded_tax") == Some(&Value::Bool(true)),
        project: fields
            .get("modern_project_id")
            .and_then(read_id)
            .filter(|project| *project != 0),
        expense: number("expenseid"),
    })
}

fn read_decimal(
    fields: &Fields,
    name: &str,
    object: &'static str,
    read: impl Fn(&Value) -> Option<Decimal>,
) -> Result<Option<Decimal>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value)
            .map(Some)
            .ok_or_else(|| ApiError::invalid(object, name, value)),
    }
}

fn read_tax(
    fields: &Fields,
    name: &str,
    percent: &str,
    object: &'static str,
    known: &KnownTaxes,
) -> Result<Option<LineTax>, ApiError> {
    let Some(tax) = fields
        .get(name)
        .and_then(Value::as_str)
        .filter(|tax| !tax.is_empty())
    else {
        return Ok(None);
    };
    let percent = match fields.get(percent) {
        None | Some(Value::Null) => known.get(tax).copied().unwrap_or_default(),
        Some(value) => read_percent(value).ok_or_else(|| {
            ApiError::field(422, 1018, object, percent, "Invalid percentage.")
                .quoting(crate::freshbooks::api::errors::unquoted(value))
        })?,
    };
    Ok(Some(LineTax {
        name: tax.into(),
        percent,
    }))
}

/// A percentage: a decimal from 0 up, in quotes or not.
pub(crate) fn read_percent(value: &Value) -> Option<Decimal> {
    decimal(value)
        .or_else(|| parse_decimal(value.as_str()?))
        .filter(|percent| !percent.is_sign_negative())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMES: LineFieldNames = LineFieldNames {
        object: "invoice",
        id: "lineid",
        quantity: "qty",
        tax_names: ["taxName1", "taxName2"],
        tax_percents: ["taxAmount1", "taxAmount2"],
    };

    fn totals(lines: Value, discount: u32, digits: u32) -> (String, String, String) {
        let lines = read_lines(&lines, &NAMES, &KnownTaxes::new()).expect("readable lines");
        let totals = LineTotals::sum(&lines, discount.into(), digits);
        (
            totals.subtotal.normalize().to_string(),
            totals.tax.normalize().to_string(),
            totals.total().normalize().to_string(),
        )
    }

    fn expected(subtotal: &str, tax: &str, total: &str) -> (String, String, String) {
        (subtotal.into(), tax.into(), total.into())
    }

    #[test]
    fn one_tax() {
        let lines = json!([{"qty": "3", "unit_cost": {"amount": "19.99", "code": "EUR"},
            "taxName1": "MwSt", "taxAmount1": "19"}]);
        assert_eq!(totals(lines, 0, 2), expected("59.97", "11.39", "71.36"));
    }

    #[test]
    fn two_taxes_side_by_side_and_compounded() {
        let line = |compounded: bool| {
            json!([{"unit_cost": "100", "taxName1": "GST", "taxAmount1": "5", "taxName2": "QST",
                "taxAmount2": "9.975",
                    "compounded_tax": compounded}])
        };
        assert_eq!(
            totals(line(false), 0, 2),
            expected("100", "14.98", "114.98")
        );
        assert_eq!(totals(line(true), 0, 2), expected("100", "15.47", "115.47"));
    }

    #[test]
    fn a_discount_lowers_what_is_taxed() {
        let lines = json!([{"unit_cost": "200", "taxName1": "VAT", "taxAmount1": "20"}]);
        assert_eq!(totals(lines, 10, 2), expected("200", "36", "216"));
    }

    #[test]
    fn rounding_follows_the_digits() {
        let lines = json!([{"unit_cost": "333", "taxName1": "JCT", "taxAmount1": "8"}]);
        assert_eq!(totals(lines.clone(), 0, 0), expected("333", "27", "360"));
        assert_eq!(totals(lines, 0, 2), expected("333", "26.64", "359.64"));
        let lines = json!([{"unit_cost": "1.2345", "taxName1": "T", "taxAmount1": "5"}]);
        assert_eq!(totals(lines, 0, 3), expected("1.235", "0.062", "1.297"));
    }

    #[test]
    fn the_same_tax_twice_is_refused() {
        let lines =
            json!([{"taxName1": "VAT", "taxAmount1": "5", "taxName2": "VAT", "taxAmount2": "5"}]);
        assert_eq!(
            read_lines(&lines, &NAMES, &KnownTaxes::new())
                .expect_err("a refusal")
                .errno,
            1019
        );
    }

    #[test]
    fn a_tax_without_percentage_is_looked_up() {
        let known = KnownTaxes::from([("VAT".to_owned(), Decimal::from(20))]);
        let lines = read_lines(
            &json!([{"unit_cost": 10, "taxName1": "VAT"}]),
            &NAMES,
            &known,
        )
        .expect("readable");
        assert_eq!(
            lines[0].taxes[0].as_ref().map(|tax| tax.percent),
            Some(Decimal::from(20))
        );
    }

    #[test]
    fn new_lines_are_numbered_after_the_kept_ones() {
        let lines = read_lines(
            &json!([{"name": "new"}, {"lineid": 4}, {}]),
            &NAMES,
            &KnownTaxes::new(),
        )
        .expect("readable");
        assert_eq!(
            lines.iter().map(|line| line.id).collect::<Vec<_>>(),
            [5, 4, 6]
        );
    }
}

//! FreshBooks' arithmetic in whole minor units, apart from the code under test, and any JSON in any
//! member.

use alloc::collections::BTreeMap;

use super::*;

const PERCENT_PARTS: i128 = 100_000;
const DISCOUNT_PARTS: i128 = 10_000;

/// Where FreshBooks rounds a tax; its docs do not say.
#[derive(Debug, Clone, Copy)]
enum Rounding {
    EachLine,
    EachTaxOfTheInvoice,
}

#[derive(Debug, Clone)]
pub(super) struct ModelLine {
    quantity_hundredths: i128,
    unit_cost: i128,
    /// Name and rate in thousandths of a per cent.
    taxes: Vec<(&'static str, i128)>,
    compound: bool,
    project: Option<u32>,
    name: String,
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    currency: &'static str,
    rounding: Rounding,
    /// In hundredths of a per cent.
    discount: i128,
    pub(super) lines: Vec<ModelLine>,
}

fn rounded(numerator: i128, denominator: i128) -> i128 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

impl ModelLine {
    fn amount(&self) -> i128 {
        rounded(self.quantity_hundredths * self.unit_cost, 100)
    }

    /// Each tax before the discount, over `PERCENT_PARTS` squared.
    fn taxes(&self) -> Vec<(&'static str, i128)> {
        let mut base = self.amount() * PERCENT_PARTS;
        let mut taxes = Vec::new();
        for (name, rate) in &self.taxes {
            taxes.push((*name, base * rate));
            if self.compound {
                base += base * rate / PERCENT_PARTS;
            }
        }
        taxes
    }

    pub(super) fn tax_rounded(&self) -> i128 {
        let exact = self.taxes().iter().map(|(_, tax)| tax).sum();
        rounded(exact, PERCENT_PARTS * PERCENT_PARTS)
    }
}

impl Model {
    pub(super) fn minor_units(&self) -> u32 {
        money::minor_units(self.currency).expect("is a currency")
    }

    pub(super) fn amount(&self, minor: i128) -> Decimal {
        Decimal::from_i128_with_scale(minor, self.minor_units())
    }

    fn discount_total(&self) -> i128 {
        let net: i128 = self.lines.iter().map(ModelLine::amount).sum();
        rounded(net * self.discount, DISCOUNT_PARTS)
    }

    pub(super) fn total(&self) -> i128 {
        let left = DISCOUNT_PARTS - self.discount;
        let parts = PERCENT_PARTS * PERCENT_PARTS * DISCOUNT_PARTS;
        let mut by_name: BTreeMap<(usize, &str), i128> = BTreeMap::new();
        for (index, line) in self.lines.iter().enumerate() {
            let group = match self.rounding {
                Rounding::EachLine => index,
                Rounding::EachTaxOfTheInvoice => 0,
            };
            for (name, tax) in line.taxes() {
                *by_name.entry((group, name)).or_default() += tax * left;
            }
        }
        let taxes: i128 = by_name.values().map(|tax| rounded(*tax, parts)).sum();
        let net: i128 = self.lines.iter().map(ModelLine::amount).sum();
        net - self.discount_total() + taxes
    }

    /// The invoice as FreshBooks tells it, its total wrong by so many minor units.
    pub(super) fn to_json(&self, off: i128) -> String {
        let money = |minor: i128| {
            let amount = money::wire(self.amount(minor), self.minor_units());
            json!({"amount": amount, "code": self.currency})
        };
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                let mut item = json!({
                    "name": line.name,
                        "qty": Decimal::from_i128_with_scale(line.quantity_hundredths,
                            2).to_string(),
                    "unit_cost": money(line.unit_cost), "amount": money(line.amount()),
                    "compounded_tax": line.compound, "modern_project_id": line.project,
                });
                for (place, (name, rate)) in (1..).zip(&line.taxes) {
                    item[format!("taxName{place}")] = json!(name);
                    let percent = Decimal::from_i128_with_scale(*rate, 3);
                    item[format!("taxAmount{place}")] = json!(percent.normalize().to_string());
                }
                item
            })
            .collect();
        json!({
            "id": 1, "invoice_number": "1", "customerid": 2, "organization": "O", "country": "CA",
            "create_date": "2026-02-27", "currency_code": self.currency,
                "amount": money(self.total() + off),
            "discount_total": money(-self.discount_total()), "lines": lines,
        })
        .to_string()
    }
}

fn any_line() -> impl Strategy<Value = ModelLine> {
    let taxes =
        prop::sample::subsequence(vec![("HST", 13_000), ("GST", 5_000), ("PST", 9_975)], 0..=2);
    let quantity = prop_oneof![Just(100), 1_i128..5_000];
    let unit_cost = prop_oneof![0_i128..30, 0_i128..10_000_000];
    let project = prop::option::of(5512_u32..=5513);
    (
        quantity,
        unit_cost,
        taxes,
        any::<bool>(),
        project,
        "\\PC{0,20}",
    )
        .prop_map(
            |(quantity_hundredths, unit_cost, taxes, compound, project, name)| ModelLine {
                quantity_hundredths,
                unit_cost,
                taxes,
                compound,
                project,
                name,
            },
        )
}

pub(super) fn any_invoice() -> impl Strategy<Value = Model> {
    let currency = prop::sample::select(vec!["CAD", "JPY", "KWD"]);
    let rounding = prop::sample::select(vec![Rounding::EachLine, Rounding::EachTaxOfTheInvoice]);
    let discount = prop_oneof![Just(0_i128), Just(1_000), 0_i128..=10_000];
    let lines = prop::collection::vec(any_line(), 1..12);
    (currency, rounding, discount, lines).prop_map(|(currency, rounding, discount, lines)| Model {
        currency,
        rounding,
        discount,
        lines,
    })
}

/// A JSON text of an object with any value under every name that is read.
pub(super) fn any_object() -> impl Strategy<Value = String> {
    const NAMES: [&str; 20] = [
        "id",
        "invoice_number",
        "bill_number",
        "updated",
        "vis_state",
        "status",
        "customerid",
        "vendorid",
        "vendor",
        "organization",
        "country",
        "create_date",
        "issue_date",
        "due_date",
        "currency_code",
        "amount",
        "tax_amount",
        "total_amount",
        "discount_total",
        "unknown",
    ];
    const LINE_NAMES: [&str; 17] = [
        "name",
        "description",
        "qty",
        "unit_cost",
        "amount",
        "taxName1",
        "taxName2",
        "taxAmount1",
        "taxAmount2",
        "compounded_tax",
        "categoryid",
        "modern_project_id",
        "category",
        "quantity",
        "tax_name1",
        "tax_percent1",
        "tax_amount1",
    ];
    let lines = prop::collection::vec(members(&LINE_NAMES), 0..6);
    (members(&NAMES), lines).prop_map(|(members, lines)| {
        let lines = format!(
            r#""lines": [{}]"#,
            lines
                .iter()
                .map(|line| format!("{{{line}}}"))
                .collect::<Vec<_>>()
                .join(",")
        );
        format!("{{{members}, {lines}}}")
    })
}

fn members(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let values = prop::collection::vec(any_value(), names.len());
    values.prop_map(|values| {
        let members = names.iter().zip(values);
        members
            .map(|(name, value)| format!("\"{name}\": {value}"))
            .collect::<Vec<_>>()
            .join(",")
    })
}

fn any_value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("0".to_string()),
        Just("999999999999999.9999999999999".to_string()),
        Just("-999999999999999".to_string()),
        Just("0.0000000000000000000000000001".to_string()),
        Just("281474976710657".to_string()),
        Just("79228162514264337593543950335".to_string()),
        Just("1e28".to_string()),
        Just("1e-400".to_string()),
        Just("-0.00".to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        (-2_000_i32..2_000).prop_map(|number| number.to_string()),
    ];
    let word = prop::sample::select(vec![
        "CAD",
        "HST",
        "GST",
        "Canada",
        "2026-02-27",
        "é\\u0000",
        "\\ud800",
        "5512",
    ]);
    let quoted = prop_oneof![number.clone(), word.prop_map(String::from)]
        .prop_map(|text| format!("\"{text}\""));
    let scalar = prop_oneof![3 => number, 3 => quoted, 1 => Just("null".to_string()),
        1 => Just("true".to_string())];
    prop_oneof![
        3 => scalar.clone(),
        3 => scalar.clone().prop_map(|amount| format!(r#"{{"amount": {amount}, "code": "CAD"}}"#)),
        1 => (scalar.clone(), scalar.clone()).prop_map(|(amount,
            code)| format!(r#"{{"amount": {amount}, "code": {code}}}"#)),
        1 => prop::collection::vec(scalar, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
    ]
}

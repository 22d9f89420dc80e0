//! A JSON document as a tree that keeps decimals exact and members in order, so that it can be
//! written in every notation that was seen.

use std::borrow::Cow;
use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::report::CustomField;
use crate::concur::financial::config::ReportDays;
use crate::money::fixed;
use crate::random::Random;

/// A JSON value whose numbers are exact decimals or counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonTree {
    Null,
    Flag(bool),
    Count(u64),
    Amount(Decimal),
    Text(Cow<'static, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'static, str>, Self)>),
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NumberNotation {
    /// Every amount with 8 digits behind the point.
    pub(crate) eight_decimals: bool,
    /// Zero is written `0E-8`, as Java's `BigDecimal` prints a zero of scale 8.
    pub(crate) zero_exponent: bool,
    /// Every amount in quotes.
    pub(crate) quoted: bool,
}

/// What is written besides the content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteOptions {
    pub(crate) revision: u32,
    /// Numbered fields without a value are written as null.
    pub(crate) nulls: bool,
    /// How the days of a report are written.
    pub(crate) report_days: ReportDays,
    /// Payroll reimburses reports.
    pub(crate) by_payroll: bool,
    /// Rows of personal items have an account code.
    pub(crate) personal_accounts: bool,
}

impl JsonTree {
    /// The document as text.
    pub(crate) fn write(&self, notation: NumberNotation) -> String {
        let mut out = String::new();
        self.append(&mut out, notation);
        out
    }

    /// Calls back with every member of every object, the document's own first.
    pub(crate) fn each_member(&mut self, visit: &mut impl FnMut(&str, &mut Self)) {
        match self {
            Self::List(rows) => rows.iter_mut().for_each(|row| row.each_member(visit)),
            Self::Object(members) => {
                for (name, value) in members {
                    visit(name, value);
                    value.each_member(visit);
                }
            }
            _ => {}
        }
    }

    /// Calls back with every object's members.
    pub(crate) fn each_object(
        &mut self,
        visit: &mut impl FnMut(&mut Vec<(Cow<'static, str>, Self)>),
    ) {
        match self {
            Self::List(rows) => rows.iter_mut().for_each(|row| row.each_object(visit)),
            Self::Object(members) => {
                visit(members);
                let values = members.iter_mut().map(|(_, value)| value);
                values.for_each(|value| value.each_object(visit));
            }
            _ => {}
        }
    }

    /// Puts the members of every object into another order.
    pub(crate) fn shuffle(&mut self, random: &mut Random) {
        self.each_object(&mut |members| {
            for at in (1..members.len()).rev() {
                members.swap(at, random.below(at as u64 + 1) as usize);
            }
        });
    }

    fn append(&self, out: &mut String, notation: NumberNotation) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Count(count) => _ = write!(out, "{count}"),
            Self::Amount(amount) if notation.quoted => {
                _ = write!(out, "\"{}\"", number(*amount, notation));
            }
            Self::Amount(amount) => out.push_str(&number(*amount, notation)),
            Self::Text(text) => quote(text, out),
            Self::List(rows) => {
                out.push('[');
                for (at, row) in rows.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    row.append(out, notation);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    quote(name, out);
                    out.push(':');
                    value.append(out, notation);
                }
                out.push('}');
            }
        }
    }
}

fn number(amount: Decimal, notation: NumberNotation) -> String {
    match notation {
        NumberNotation {
            zero_exponent: true,
            ..
        } if amount.is_zero() => "0E-8".to_owned(),
        NumberNotation {
            eight_decimals: true,
            ..
        } => fixed(amount, 8),
        _ => amount.normalize().to_string(),
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// An object under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectBuilder {
    members: Vec<(Cow<'static, str>, JsonTree)>,
    nulls: bool,
}

impl ObjectBuilder {
    /// No members; `nulls` says whether numbered fields without a value are written.
    pub(crate) fn new(nulls: bool) -> Self {
        let members = Vec::new();
        Self { members, nulls }
    }

    /// Adds a member behind those already there.
    pub(crate) fn put(&mut self, name: &'static str, value: impl Into<JsonTree>) -> &mut Self {
        self.members.push((name.into(), value.into()));
        self
    }

    /// Adds `{prefix}1Code`, `{prefix}1Value` and so on; those with a code have it as their value,
    /// too.
    pub(crate) fn numbered_fields(
        &mut self,
        prefix: &str,
        count: u8,
        codes: &[(u8, Option<&str>)],
    ) -> &mut Self {
        for number in 1..=count {
            let code = codes.iter().find(|(at, _)| *at == number);
            let code = code.and_then(|(_, code)| *code);
            if code.is_none() && !self.nulls {
                continue;
            }
            for suffix in ["Code", "Value"] {
                let name = format!("{prefix}{number}{suffix}");
                self.members
                    .push((name.into(), code.map(str::to_owned).into()));
            }
        }
        self
    }

    /// Adds `{prefix}1Code`, `{prefix}1Value` and so on for fields of a form.
    pub(crate) fn custom_fields(
        &mut self,
        prefix: &str,
        count: u8,
        fields: &[CustomField],
    ) -> &mut Self {
        for number in 1..=count {
            let field = fields.iter().find(|field| field.number == number);
            if field.is_none() && !self.nulls {
                continue;
            }
            let code = field.and_then(|field| field.code.clone());
            let value = field.and_then(|field| field.value.clone());
            for (suffix, text) in [("Code", code), ("Value", value)] {
                let name = format!("{prefix}{number}{suffix}");
                self.members.push((name.into(), text.into()));
            }
        }
        self
    }

    /// Adds a member that is there if it holds something, or if nulls are written.
    pub(crate) fn put_or_null<T: Into<JsonTree>>(
        &mut self,
        name: &'static str,
        value: Option<T>,
    ) -> &mut Self {
        match value {
            Some(value) => self.put(name, value),
            None => self.nulls(&[name]),
        }
    }

    /// Adds members that are null, if nulls are written.
    pub(crate) fn nulls(&mut self, names: &[&'static str]) -> &mut Self {
        if self.nulls {
            let names = names.iter().map(|name| ((*name).into(), JsonTree::Null));
            self.members.extend(names);
        }
        self
    }

    /// The object with its members in the order they were added.
    pub(crate) fn build(self) -> JsonTree {
        JsonTree::Object(self.members)
    }
}

impl From<&'static str> for JsonTree {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Cow<'static, str>> for JsonTree {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<String> for JsonTree {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&String> for JsonTree {
    fn from(text: &String) -> Self {
        Self::Text(text.clone().into())
    }
}

impl From<Decimal> for JsonTree {
    fn from(amount: Decimal) -> Self {
        Self::Amount(amount)
    }
}

impl From<u64> for JsonTree {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Vec<Self>> for JsonTree {
    fn from(rows: Vec<Self>) -> Self {
        Self::List(rows)
    }
}

impl<T: Into<Self>> From<Option<T>> for JsonTree {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// `Y` or `N`: these documents have no JSON booleans.
pub(crate) fn yes_or_no(flag: bool) -> JsonTree {
    JsonTree::from(if flag { "Y" } else { "N" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> JsonTree {
        let mut members = ObjectBuilder::new(true);
        members
            .put("amount", Decimal::new(13560, 2))
            .put("zero", Decimal::new(0, 2))
            .put("text", "a \"b\" \\ \u{1}")
            .put("none", None::<String>)
            .numbered_fields("custom", 2, &[(2, Some("X"))]);
        members.build()
    }

    #[test]
    fn decimals_are_written_in_every_notation() {
        let write = |notation| document().write(notation);
        let plain = write(NumberNotation::default());
        let start = r#"{"amount":135.6,"zero":0,"text":"a \"b\" \\ \u0001","none":null,"#;
        assert!(plain.starts_with(start), "{plain}");
        assert!(plain.contains(r#""custom1Code":null,"custom1Value":null,"custom2Code":"X""#));
        let eight = NumberNotation {
            eight_decimals: true,
            zero_exponent: true,
            quoted: false,
        };
        assert!(write(eight).starts_with(r#"{"amount":135.60000000,"zero":0E-8,"#));
        let quoted = NumberNotation {
            quoted: true,
            ..NumberNotation::default()
        };
        assert!(write(quoted).starts_with(r#"{"amount":"135.6","#));
    }

    #[test]
    fn shuffling_moves_members_and_loses_none() {
        let (mut shuffled, plain) = (document(), document());
        shuffled.shuffle(&mut Random::new(1, "shuffle"));
        assert_ne!(shuffled, plain);
        let value = |tree: &JsonTree| -> serde_json::Value {
            serde_json::from_str(&tree.write(NumberNotation::default())).expect("JSON")
        };
        assert_eq!(value(&shuffled), value(&plain));
    }
}

//! The records of both sides, small enough to hold hundreds of thousands of them.

use std::borrow::Cow;

use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};

use super::report::Difference;
use crate::contract::runs::Facts;
use crate::contract::types::{Note, ObjectRef, System};

/// Ends a name whose value is compared letter by letter.
const EXACT: char = '\u{1f}';
/// Ends a name whose value is compared without regard to case.
const ANY_CASE: char = '\u{1d}';
/// Ends a field and its value.
const END: char = '\u{1e}';
/// The same as a text.
const END_TEXT: &str = "\u{1e}";

/// An object as one text, such as `concur/payment-request/B0A5`: each piece of memory costs more
/// than what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Box<str>);

impl Key {
    /// The key of an object.
    #[must_use]
    pub fn of(object: &ObjectRef) -> Self {
        let ObjectRef { system, kind, id } = object;
        Self(format!("{}/{kind}/{id}", system.as_str()).into_boxed_str())
    }

    /// The object. Kinds have no slash, and ids may have some.
    #[must_use]
    pub fn object(&self) -> ObjectRef {
        let (system, rest) = self.0.split_once('/').unwrap_or_default();
        let (kind, id) = rest.split_once('/').unwrap_or_default();
        ObjectRef {
            system: match system == System::Concur.as_str() {
                true => System::Concur,
                false => System::Freshbooks,
            },
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }

    /// The object's kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }
}

/// What a record is to a person, as one text for the same reason. What is empty is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFacts(Box<str>);

impl PackedFacts {
    /// Puts facts together.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let Facts {
            number,
            party,
            amount,
            currency,
            date,
        } = facts;
        let parts = [number, party, amount, currency, date];
        let parts = parts.map(|part| plain(part.as_deref().unwrap_or_default()));
        Self(parts.join(END_TEXT).into_boxed_str())
    }

    /// Takes them out.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let mut parts = self.0.split(END);
        let mut part = || {
            let part = parts.next().filter(|part| !part.is_empty());
            part.map(str::to_owned)
        };
        Facts {
            number: part(),
            party: part(),
            amount: part(),
            currency: part(),
            date: part(),
        }
    }
}

/// A record of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record, by system, kind and id.
    pub object: Key,
    /// The marker by which the two sides are joined where no link does.
    pub marker: Option<Box<str>>,
    /// What it is to a person.
    pub facts: PackedFacts,
    /// What it holds, as far as it is compared.
    pub content: Holding,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// All that is compared.
    Fields(Fields),
    /// It was deleted: why, as a code and a sentence.
    Gone(Note),
    /// It cannot be compared: why.
    Unreadable(Note),
}

impl Record {
    /// Whether it was deleted.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.content, Holding::Gone(_))
    }
}

/// A record that is carried over, or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The record, with what a run would write of it.
    pub record: Record,
    /// What a link says that it became.
    pub link: Option<Key>,
    /// Why no run carries it over as long as it has no link.
    pub left_out: Option<Note>,
    /// How its runs stand.
    pub standing: Standing,
}

/// How the runs of an object stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// None is open, and the last one needs nobody.
    Settled,
    /// One is due, under way or waiting.
    Open,
    /// The last one ended for a person to look at.
    Stopped {
        /// The code of its ending, such as `tax-unmapped`.
        code: String,
        /// The sentence of its ending.
        message: String,
    },
}

/// A record on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The record, with what is there.
    pub record: Record,
    /// The source that a link says it belongs to.
    pub link: Option<Key>,
}

/// The fields of a record as one compressed text: hundreds of thousands of records would else be
/// millions of small pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Box<[u8]>);

/// A field as it is taken out: its name, whether case is the same in it, and what it holds.
type FieldOut<'t> = (&'t str, bool, &'t str);

/// A field as it is put in.
#[derive(Debug, Clone, Copy)]
pub struct FieldIn<'a> {
    /// Its name; several fields may share one.
    pub name: &'a str,
    /// What it holds, as far as it is compared.
    pub value: &'a str,
    /// Whether upper and lower case are the same in it.
    pub any_case: bool,
}

impl Fields {
    /// No fields, with which nothing differs.
    #[must_use]
    pub fn none() -> Self {
        Self(Box::default())
    }

    /// Puts fields together, in their order.
    #[must_use]
    pub fn new<'a>(fields: impl IntoIterator<Item = FieldIn<'a>>) -> Self {
        let mut text = String::new();
        for field in fields {
            text.push_str(&plain(field.name));
            text.push(if field.any_case { ANY_CASE } else { EXACT });
            text.push_str(&plain(field.value));
            text.push(END);
        }
        Self::packed(&text)
    }

    fn packed(text: &str) -> Self {
        Self(compress_prepend_size(text.as_bytes()).into_boxed_slice())
    }

    /// What was put in; it was packed here, so that it can be read.
    fn text(&self) -> String {
        let bytes = decompress_size_prepended(&self.0).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// These with those of another row of the same record. Equal ones are the same field.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let (known, more) = (self.text(), other.text());
        let is_new = |field: &&str| !known.split_terminator(END).any(|one| one == *field);
        let mut text = known.clone();
        for field in more.split_terminator(END).filter(is_new) {
            text.push_str(field);
            text.push(END);
        }
        Self::packed(&text)
    }

    /// Where these differ from those that are there. A name is compared where both have it; where
    /// several fields share it, their order makes no difference.
    #[must_use]
    pub fn differences(&self, there: &Self) -> Vec<Difference> {
        let (wanted, there) = (self.text(), there.text());
        let (wanted, there) = (taken_out(&wanted), taken_out(&there));
        let mut differences = Vec::new();
        for (at, (name, ..)) in wanted.iter().enumerate() {
            let is_first = !wanted[..at].iter().any(|(earlier, ..)| earlier == name);
            let found = named(&there, name);
            if is_first && !found.is_empty() {
                // Either side may say that case is the same.
                let mut all = wanted.iter().chain(&there);
                let any_case = all.any(|(other, any_case, _)| other == name && *any_case);
                differences.extend(unlike(name, named(&wanted, name), found, any_case));
            }
        }
        differences
    }
}

fn taken_out(text: &str) -> Vec<FieldOut<'_>> {
    let fields = text.split_terminator(END);
    let fields = fields.filter_map(|field| {
        let (name, value) = field.split_once([EXACT, ANY_CASE])?;
        Some((name, field[name.len()..].starts_with(ANY_CASE), value))
    });
    fields.collect()
}

fn named<'t>(fields: &[FieldOut<'t>], wanted: &str) -> Vec<&'t str> {
    let named = fields.iter().filter(|(name, ..)| *name == wanted);
    named.map(|(.., value)| *value).collect()
}

/// What is left of both when all that is alike is taken away, put beside each other.
fn unlike(
    name: &str,
    mut wanted: Vec<&str>,
    mut found: Vec<&str>,
    any_case: bool,
) -> Vec<Difference> {
    let is_alike = |one: &str, other: &str| match any_case {
        true => one.eq_ignore_ascii_case(other),
        false => one == other,
    };
    wanted.retain(
        |value| match found.iter().position(|there| is_alike(value, there)) {
            Some(at) => {
                found.remove(at);
                false
            }
            None => true,
        },
    );
    let text = |values: &[&str], at: usize| values.get(at).copied().map(str::to_owned);
    (0..wanted.len().max(found.len()))
        .map(|at| Difference {
            field: name.to_owned(),
            source: text(&wanted, at),
            target: text(&found, at),
        })
        .collect()
}

fn plain(text: &str) -> Cow<'_, str> {
    let ours = [EXACT, ANY_CASE, END];
    match text.contains(ours) {
        true => Cow::Owned(text.replace(ours, " ")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&str, &str)]) -> Fields {
        Fields::new(fields.iter().map(|(name, value)| FieldIn {
            name,
            value,
            any_case: *name == "Vendor",
        }))
    }

    fn told(wanted: &[(&str, &str)], there: &[(&str, &str)]) -> Vec<String> {
        let differences = fields(wanted).differences(&fields(there));
        let side = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
        let told =
            |one: Difference| format!("{} {} {}", one.field, side(one.source), side(one.target));
        differences.into_iter().map(told).collect()
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        for (system, id) in [(System::Concur, "a/b"), (System::Freshbooks, "")] {
            let (kind, id) = ("expense-entry".to_owned(), id.to_owned());
            let object = ObjectRef { system, kind, id };
            assert_eq!(Key::of(&object).object(), object);
            assert_eq!(Key::of(&object).kind(), "expense-entry");
        }
        let facts = Facts {
            number: None,
            party: Some("Northwind\u{1f} Paper".to_owned()),
            amount: Some("5.00".to_owned()),
            currency: None,
            date: Some("2026-02-27".to_owned()),
        };
        let out = PackedFacts::of(&facts).facts();
        assert_eq!(out.party.as_deref(), Some("Northwind  Paper"));
        assert_eq!(
            out,
            Facts {
                party: out.party.clone(),
                ..facts
            }
        );
        assert_eq!(PackedFacts::of(&Facts::NONE).facts(), Facts::NONE);
        assert_eq!(Fields::none().differences(&fields(&[("Name", "A")])), []);
        assert_eq!(fields(&[("Name", "A")]).differences(&Fields::none()), []);
    }

    #[test]
    fn a_field_differs_by_its_value() {
        let wanted = [("Name", "A"), ("Total", "5")];
        assert_eq!(told(&wanted, &wanted), Vec::<String>::new());
        assert_eq!(
            told(&wanted, &[("Name", "B"), ("Total", "5")]),
            ["Name A B"]
        );
        assert_eq!(told(&wanted, &[("Total", "")]), ["Total 5 "]);
    }

    #[test]
    fn only_what_both_sides_have_is_compared() {
        let none = Vec::<String>::new();
        assert_eq!(told(&[("Name", "A")], &[("Total", "5")]), none);
        assert_eq!(told(&[], &[("Total", "5")]), none);
    }

    #[test]
    fn the_order_of_fields_of_one_name_makes_no_difference() {
        let wanted = [("Line", "a"), ("Line", "b"), ("Line", "b")];
        assert_eq!(
            told(&wanted, &[("Line", "b"), ("Line", "a"), ("Line", "b")]),
            Vec::<String>::new()
        );
        assert_eq!(
            told(&wanted, &[("Line", "b"), ("Line", "c")]),
            ["Line a c", "Line b -"]
        );
    }

    #[test]
    fn the_rows_of_a_record_add_up() {
        let first = fields(&[("Line", "a"), ("Date", "d")]);
        let both = first.merged(&fields(&[("Line", "b"), ("Date", "d")]));
        assert_eq!(both, fields(&[("Line", "a"), ("Date", "d"), ("Line", "b")]));
    }

    #[test]
    fn case_counts_unless_a_field_says_otherwise() {
        assert_eq!(
            told(&[("Vendor", "FB-C1|MAIN")], &[("Vendor", "fb-c1|Main")]),
            Vec::<String>::new()
        );
        assert_eq!(told(&[("Name", "a")], &[("Name", "A")]), ["Name a A"]);
    }

    #[test]
    fn separators_in_a_value_are_harmless() {
        let odd = [("Name", "a\u{1e}Total\u{1f}9"), ("Total", "5")];
        assert_eq!(told(&odd, &[("Total", "5")]), Vec::<String>::new());
    }
}

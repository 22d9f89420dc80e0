//! The records of both sides, small enough to hold hundreds of thousands of them.

use std::borrow::Cow;

use super::report::Difference;
use crate::contract::runs::Facts;
use crate::contract::types::{Note, ObjectRef};

/// Ends a name whose value is compared letter by letter.
const EXACT: char = '\u{1f}';
/// Ends a name whose value is compared without regard to case.
const ANY_CASE: char = '\u{1d}';
/// Ends a field.
const END: char = '\u{1e}';

/// A record of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record.
    pub object: ObjectRef,
    /// The marker by which the two sides are joined where no link does.
    pub marker: Option<Box<str>>,
    /// What it is to a person.
    pub facts: Facts,
    /// What it holds.
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
    pub link: Option<ObjectRef>,
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
        /// Its sentence.
        message: String,
    },
}

/// A record on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The record, with what is there.
    pub record: Record,
    /// The source that a link says it belongs to.
    pub link: Option<ObjectRef>,
}

/// The fields of a record in one piece of text: thousands of records would else be millions of
/// small pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Box<str>);

/// A field as it is put in.
#[derive(Debug, Clone, Copy)]
pub struct FieldIn<'a> {
    /// Its name; several fields may share one.
    pub name: &'a str,
    /// What it holds.
    pub value: &'a str,
    /// Whether upper and lower case are the same in it.
    pub any_case: bool,
}

impl Fields {
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
        Self(text.into_boxed_str())
    }

    /// These with those of another row of the same record. Equal ones are the same field.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let is_new = |field: &&str| !self.0.split_terminator(END).any(|known| known == *field);
        let mut text = String::from(&*self.0);
        for field in other.0.split_terminator(END).filter(is_new) {
            text.push_str(field);
            text.push(END);
        }
        Self(text.into_boxed_str())
    }

    /// Where these differ from those that are there. A name is compared where both have it; where
    /// several fields share it, their order makes no difference.
    #[must_use]
    pub fn differences(&self, there: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for (name, any_case, _) in self.iter().chain(there.iter()) {
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            let (wanted, found) = (self.values(name), there.values(name));
            if !wanted.is_empty() && !found.is_empty() {
                differences.extend(unlike(name, wanted, found, any_case));
            }
        }
        differences
    }

    fn iter(&self) -> impl Iterator<Item = (&str, bool, &str)> {
        let fields = self.0.split_terminator(END);
        fields.filter_map(|field| {
            let (name, value) = field.split_once([EXACT, ANY_CASE])?;
            Some((name, field[name.len()..].starts_with(ANY_CASE), value))
        })
    }

    fn values(&self, wanted: &str) -> Vec<&str> {
        let named = self.iter().filter(|(name, ..)| *name == wanted);
        named.map(|(.., value)| value).collect()
    }
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

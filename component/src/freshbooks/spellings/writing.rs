//! Writes an object in one of the forms that its fields may have.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use serde_json::json;

/// What a field says, whatever its form.
#[derive(Clone)]
pub(super) enum Field {
    Id(&'static str),
    NoId,
    Text(&'static str),
    NoText,
    Number(&'static str),
    /// In Canadian dollars.
    Money(&'static str),
    /// With its currency in any form.
    NamedMoney(&'static str),
    NoMoney,
    Day(&'static str),
    NoDay,
    Flag(bool),
    /// A state of 0, which is that of most.
    ZeroState,
    Object(Vec<Member>),
    Rows(Vec<Vec<Member>>),
}

/// One of several sets of members that say the same.
#[derive(Clone)]
pub(super) enum Member {
    One(&'static [&'static str], Field),
    Either(Vec<Vec<Self>>),
}

/// A field under any of these names, the better one first.
pub(super) fn member(names: &'static [&'static str], field: Field) -> Member {
    Member::One(names, field)
}

pub(super) fn either(sets: Vec<Vec<Member>>) -> Member {
    Member::Either(sets)
}

/// Chooses among forms.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    faces: Vec<u8>,
    at: usize,
}

pub(super) fn any_dice() -> impl Strategy<Value = Dice> {
    prop::collection::vec(any::<u8>(), 97).prop_map(|faces| Dice { faces, at: 0 })
}

impl Dice {
    /// Always the first form.
    pub(super) fn plain() -> Self {
        Self {
            faces: vec![0],
            at: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.at = (self.at + 1) % self.faces.len();
        usize::from(self.faces[self.at]) % bound.max(1)
    }

    fn one_of(&mut self, forms: &[String]) -> String {
        forms[self.below(forms.len())].clone()
    }
}

/// The object as JSON text.
pub(super) fn write(members: &[Member], dice: &mut Dice) -> String {
    let mut written = Vec::new();
    for member in members {
        write_member(member, dice, &mut written);
    }
    // A name that nobody asks for, with whatever in it.
    if dice.below(3) == 1 {
        written.push(r#""\ud800": 1, "new": {"id": [{"id": 3}], "qty": null}"#.to_string());
    }
    let first = dice.below(written.len());
    written.rotate_left(first);
    format!("{{{}}}", written.join(", "))
}

/// Every name that stands in it.
pub(super) fn names_in(members: &[Member]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for member in members {
        match member {
            Member::One(own, field) => {
                names.extend(own.iter().copied());
                match field {
                    Field::Object(inside) => names.extend(names_in(inside)),
                    Field::Rows(rows) => rows.iter().for_each(|row| names.extend(names_in(row))),
                    _ => {}
                }
            }
            Member::Either(sets) => sets.iter().for_each(|set| names.extend(names_in(set))),
        }
    }
    names
}

fn write_member(member: &Member, dice: &mut Dice, written: &mut Vec<String>) {
    let (names, field) = match member {
        Member::One(names, field) => (names, field),
        Member::Either(sets) => {
            let set = &sets[dice.below(sets.len())];
            set.iter()
                .for_each(|member| write_member(member, dice, written));
            return;
        }
    };
    let Some(value) = form(field, dice) else {
        return;
    };
    let name = names[dice.below(names.len())];
    let is_something = value != "null" && !value.trim_matches(['"', ' ']).is_empty();
    let said = format!(r#""{name}": {value}"#);
    written.push(match dice.below(6) {
        1 => format!(r#""{name}": null, {said}"#),
        2 => format!(r#"{said}, "{name}": null, "{name}": """#),
        3 if is_something => format!(r#""{name}": "nonsense", {said}"#),
        4 => names
            .iter()
            .map(|name| format!(r#""{name}": {value}"#))
            .collect::<Vec<_>>()
            .join(", "),
        _ => said,
    });
}

/// The value in one of its forms; nothing where the member is left out.
fn form(field: &Field, dice: &mut Dice) -> Option<String> {
    let texts = |forms: &[&str]| forms.iter().map(ToString::to_string).collect::<Vec<_>>();
    let forms = match field {
        Field::Id(id) if id.starts_with(|first: char| first.is_ascii_digit()) => {
            vec![id.to_string(), format!("\"{id}\""), format!("\" {id} \"")]
        }
        Field::Id(id) => vec![json!(id).to_string()],
        Field::NoId => texts(&["null", "", "\"\"", "0", "\"0\"", "\" \""]),
        Field::Text(text) => {
            let escaped = text
                .chars()
                .map(|each| format!("\\u{:04x}", u32::from(each)));
            let escaped: String = escaped.collect();
            vec![json!(text).to_string(), format!("\"{escaped}\"")]
        }
        Field::NoText => texts(&["null", "", "\"\"", "\"  \""]),
        Field::Number(number) => vec![number.to_string(), json!(number).to_string()],
        Field::Money(amount) => money_forms(amount),
        Field::NamedMoney(amount) => named_money_forms(amount),
        Field::NoMoney => texts(&[
            "null",
            "",
            "\"\"",
            "{}",
            r#"{"amount": null, "code": null}"#,
            r#"{"amount": "", "code": "CAD"}"#,
        ]),
        Field::Day(day) => vec![
            json!(day).to_string(),
            format!("\"{day} 00:00:00\""),
            format!("\"{day}T00:00:00Z\""),
        ],
        Field::NoDay => texts(&["null", "", "\"\"", "0", "\"0\"", "\"0000-00-00\""]),
        Field::Flag(true) => texts(&["true", "\"true\"", "1", "\"1\""]),
        Field::Flag(false) => texts(&["false", "", "null", "\"\"", "0", "\"0\"", "\"false\""]),
        Field::ZeroState => texts(&["0", "", "null", "\"0\"", "\"\""]),
        Field::Object(members) => return Some(write(members, dice)),
        Field::Rows(rows) => {
            let rows: Vec<String> = rows.iter().map(|row| write(row, dice)).collect();
            let listed = format!("[{}]", rows.join(", "));
            vec![
                listed.clone(),
                if rows.len() == 1 {
                    rows[0].clone()
                } else {
                    listed
                },
            ]
        }
    };
    Some(dice.one_of(&forms)).filter(|form| !form.is_empty())
}

fn money_forms(amount: &str) -> Vec<String> {
    let mut forms = named_money_forms(amount);
    forms.extend([
        format!(r#"{{"amount": "{amount}"}}"#),
        format!(r#"{{"code": null, "amount": {amount}}}"#),
        format!("\"{amount}\""),
        amount.to_string(),
    ]);
    forms
}

fn named_money_forms(amount: &str) -> Vec<String> {
    vec![
        format!(r#"{{"amount": "{amount}", "code": "CAD"}}"#),
        format!(r#"{{"code": "cad", "amount": {amount}, "new": 1}}"#),
        format!(r#"{{"amount": null, "code": "", "amount": "{amount}000", "code": "CAD"}}"#),
    ]
}

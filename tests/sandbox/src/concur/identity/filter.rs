//! The filter language of searches, a part of SCIM's (RFC 7644, section 3.4.2.2).

use serde_json::Value;

use super::error::IdentityError;
use super::view::{ENTERPRISE, user_attribute};
use crate::concur::users::User;

/// What users must be like.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    /// One e-mail address must meet the condition on its own attributes.
    OneEmail(Box<Filter>),
    Test {
        attribute: String,
        operator: String,
        value: Value,
    },
}

/// Attributes that can be searched, in lower case (source: concur-identity).
const SEARCHABLE: [&str; 22] = [
    "active",
    "emails.value",
    "emails.type",
    "emails.verified",
    "entitlements",
    "externalid",
    "id",
    "meta.created",
    "meta.lastmodified",
    "name.givenname",
    "name.familyname",
    "name.formatted",
    "nickname",
    "username",
    "costcenter",
    "department",
    "division",
    "employeenumber",
    "startdate",
    "terminationdate",
    "manager.value",
    "manager.employeenumber",
];

const OPERATORS: [&str; 10] = ["eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"];

impl Filter {
    /// Reads the text of a filter.
    pub(crate) fn parse(text: &str) -> Result<Self, IdentityError> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            in_brackets: false,
        };
        let filter = parser.any()?;
        match parser.tokens.get(parser.at) {
            None => Ok(filter),
            Some(token) => Err(IdentityError::filter(format!("unexpected {token}"))),
        }
    }

    /// The attributes it asks about, in lower case and without the schema's name.
    pub(crate) fn attributes(&self) -> Vec<&str> {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().flat_map(Self::attributes).collect()
            }
            Self::Not(inner) => inner.attributes(),
            Self::OneEmail(_) => vec!["emails.value"],
            Self::Test { attribute, .. } => vec![attribute],
        }
    }

    /// Whether a user, of whom `can_read` tells which attributes may be read, is wanted.
    pub(crate) fn matches(
        &self,
        user: &User,
        case_matters: bool,
        can_read: &dyn Fn(&str) -> bool,
    ) -> bool {
        match self {
            Self::Any(parts) => {
                let mut parts = parts.iter();
                parts.any(|part| part.matches(user, case_matters, can_read))
            }
            Self::All(parts) => {
                let mut parts = parts.iter();
                parts.all(|part| part.matches(user, case_matters, can_read))
            }
            Self::Not(inner) => !inner.matches(user, case_matters, can_read),
            Self::OneEmail(inner) => {
                let one = |email: &String| {
                    let mut with_one = user.clone();
                    with_one.emails = vec![email.clone()];
                    inner.matches(&with_one, case_matters, can_read)
                };
                user.emails.iter().any(one)
            }
            Self::Test {
                attribute,
                operator,
                value,
            } => {
                let values = match can_read(attribute) {
                    true => user_attribute(user, attribute),
                    false => Vec::new(),
                };
                let ignores_case =
                    !case_matters && (attribute == "username" || attribute.starts_with("emails."));
                test(&values, operator, value, ignores_case)
            }
        }
    }
}

fn test(values: &[Value], operator: &str, wanted: &Value, ignores_case: bool) -> bool {
    let fold = |value: &Value| match value {
        Value::String(text) if ignores_case => text.to_lowercase(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let wanted = fold(wanted);
    let mut values = values.iter().map(fold);
    match operator {
        "pr" => values.next().is_some(),
        "ne" => values.all(|value| value != wanted),
        "co" => values.any(|value| value.contains(&wanted)),
        "sw" => values.any(|value| value.starts_with(&wanted)),
        "ew" => values.any(|value| value.ends_with(&wanted)),
        "gt" => values.any(|value| value > wanted),
        "ge" => values.any(|value| value >= wanted),
        "lt" => values.any(|value| value < wanted),
        "le" => values.any(|value| value <= wanted),
        _ => values.any(|value| value == wanted),
    }
}

/// Splits a filter into brackets, words and quoted texts.
fn tokens(text: &str) -> Result<Vec<String>, IdentityError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '[' | ']' => 1,
            '"' => quoted_length(rest)
                .ok_or_else(|| IdentityError::filter("a quotation mark is missing"))?,
            _ => rest
                .find(|c: char| c.is_whitespace() || "()[]\"".contains(c))
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn quoted_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !is_escaped => return Some(at + 1),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
    /// Inside `emails[...]`, where neither `not` nor `ne` is allowed.
    in_brackets: bool,
}

impl Parser {
    fn any(&mut self) -> Result<Filter, IdentityError> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Ok(Filter::Any(parts))
    }

    fn all(&mut self) -> Result<Filter, IdentityError> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Ok(Filter::All(parts))
    }

    fn one(&mut self) -> Result<Filter, IdentityError> {
        if self.take("not") {
            if self.in_brackets {
                return Err(IdentityError::filter("not is not allowed inside []"));
            }
            self.expect("(")?;
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(Filter::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let name = self.next()?;
        if self.take("[") {
            return self.in_brackets(&name);
        }
        self.test(&name)
    }

    fn in_brackets(&mut self, name: &str) -> Result<Filter, IdentityError> {
        if self.in_brackets || !name.eq_ignore_ascii_case("emails") {
            return Err(IdentityError::filter(format!(
                "{name}[] cannot be searched"
            )));
        }
        self.in_brackets = true;
        let inner = self.any()?;
        self.in_brackets = false;
        self.expect("]")?;
        Ok(Filter::OneEmail(Box::new(inner)))
    }

    fn test(&mut self, name: &str) -> Result<Filter, IdentityError> {
        let attribute = self.attribute(name)?;
        let operator = self.next()?.to_ascii_lowercase();
        let is_known = OPERATORS.contains(&operator.as_str());
        if !is_known || self.in_brackets && operator == "ne" {
            let why = format!("{operator} is not an operator here");
            return Err(IdentityError::filter(why));
        }
        let value = match operator.as_str() {
            "pr" => Value::Null,
            _ => {
                let word = self.next()?;
                serde_json::from_str(&word)
                    .map_err(|_| IdentityError::filter(format!("{word} is not a value")))?
            }
        };
        Ok(Filter::Test {
            attribute,
            operator,
            value,
        })
    }

    fn attribute(&self, name: &str) -> Result<String, IdentityError> {
        let extension = format!("{ENTERPRISE}:");
        let (plain, is_extension) = match name.strip_prefix(&extension) {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let mut attribute = plain.to_ascii_lowercase();
        if self.in_brackets {
            attribute = format!("emails.{attribute}");
        }
        let known = SEARCHABLE.iter().position(|one| *one == attribute);
        // Attributes of the extension are searched under its name, the others are not.
        let first_of_extension = SEARCHABLE.iter().position(|one| *one == "costcenter");
        match known {
            Some(at) if (Some(at) >= first_of_extension) == is_extension => Ok(attribute),
            _ => Err(IdentityError::filter(format!("{name} cannot be searched"))),
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at);
        let is_next = is_next.is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, word: &str) -> Result<(), IdentityError> {
        match self.take(word) {
            true => Ok(()),
            false => Err(IdentityError::filter(format!("{word} is missing"))),
        }
    }

    fn next(&mut self) -> Result<String, IdentityError> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| IdentityError::filter("the filter ends too early"))
    }
}

//! The query of list calls: pages of 100 from page 1, filters with operators, and sorting.

use serde_json::{Value, json};

use super::error::ListError;
use crate::concur::v4::V4Call;
use crate::http::{encode_form, first_value};

/// How many rows a page has; no call can change it (source: concur-lists).
const PAGE_SIZE: usize = 100;

/// A filter's operator with the value that it compares with.
struct Comparison<'a> {
    operator: Operator,
    value: &'a str,
}

/// The operators of the filters of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Eq,
    Not,
    StartsWith,
    EndsWith,
    Contains,
    Gt,
    Gte,
    Lt,
    Lte,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("eq", Operator::Eq),
    ("not", Operator::Not),
    ("sw", Operator::StartsWith),
    ("ew", Operator::EndsWith),
    ("cp", Operator::Contains),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
];

impl<'a> Comparison<'a> {
    fn parse(text: &'a str) -> Self {
        let prefixed = text.split_once(':').and_then(|(name, value)| {
            let known = OPERATORS.iter().find(|(known, _)| *known == name);
            known.map(|(_, operator)| (*operator, value))
        });
        let (operator, value) = prefixed.unwrap_or((Operator::Eq, text));
        Self { operator, value }
    }

    fn matches_text(&self, text: &str) -> bool {
        let (text, value) = (text.to_lowercase(), self.value.to_lowercase());
        match self.operator {
            Operator::Not => text != value,
            Operator::StartsWith => text.starts_with(&value),
            Operator::EndsWith => text.ends_with(&value),
            Operator::Contains => text.contains(&value),
            _ => text == value,
        }
    }

    fn matches_number(&self, number: u32) -> bool {
        let Ok(value) = self.value.parse::<u32>() else {
            return false;
        };
        match self.operator {
            Operator::Not => number != value,
            Operator::Gt => number > value,
            Operator::Gte => number >= value,
            Operator::Lt => number < value,
            Operator::Lte => number <= value,
            _ => number == value,
        }
    }
}

/// The query of a call, of which every parameter must be one that the page names.
pub(crate) struct ListQuery<'a> {
    call: &'a V4Call<'a>,
    is_ignored: bool,
}

impl<'a> ListQuery<'a> {
    /// Checks the names; `ignored` is the switch that makes filters count for nothing.
    pub(crate) fn read(
        call: &'a V4Call,
        names: &[&str],
        is_ignored: bool,
    ) -> Result<Self, ListError> {
        let unknown = |(name, _): &&(String, String)| !names.contains(&name.as_str());
        match call.query.iter().find(unknown) {
            Some((name, _)) => Err(ListError::invalid(name, "is not a known parameter")),
            None => Ok(Self { call, is_ignored }),
        }
    }

    /// A parameter that is no filter.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        first_value(&self.call.query, name).filter(|text| !text.is_empty())
    }

    fn filter(&self, name: &str) -> Option<&'a str> {
        self.get(name).filter(|_| !self.is_ignored)
    }

    /// Whether a text passes the filter with operator of that name.
    pub(crate) fn admits_text(&self, name: &str, text: &str) -> bool {
        let filter = self.filter(name).map(Comparison::parse);
        filter.is_none_or(|filter| filter.matches_text(text))
    }

    /// Whether a number passes the filter with operator of that name.
    pub(crate) fn admits_number(&self, name: &str, number: u32) -> bool {
        let filter = self.filter(name).map(Comparison::parse);
        filter.is_none_or(|filter| filter.matches_number(number))
    }

    /// The flag of a filter, with or without its operator.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let filter = self.filter(name).map(Comparison::parse)?;
        let is_true = filter.value.eq_ignore_ascii_case("true");
        Some(is_true != (filter.operator == Operator::Not))
    }

    /// Whether one of the texts passes a filter of children, which has no operators.
    pub(crate) fn admits_child(&self, name: &str, texts: &[&str], contains: bool) -> bool {
        let Some(wanted) = self.filter(name) else {
            return true;
        };
        let wanted = wanted.to_lowercase();
        texts.iter().any(|text| {
            let text = text.to_lowercase();
            text == wanted || contains && text.contains(&wanted)
        })
    }

    /// Whether rows are wanted from last to first.
    pub(crate) fn is_descending(&self) -> Result<bool, ListError> {
        match self.get("sortDirection") {
            None | Some("asc") => Ok(false),
            Some("desc") => Ok(true),
            Some(_) => Err(ListError::invalid("sortDirection", "must be asc or desc")),
        }
    }

    /// What rows are sorted by, one of the given names.
    pub(crate) fn sort_by(&self, names: &[&str]) -> Result<Option<&'a str>, ListError> {
        match self.get("sortBy") {
            Some(name) if !names.contains(&name) => {
                let why = format!("must be one of {}", names.join(", "));
                Err(ListError::invalid("sortBy", why))
            }
            asked => Ok(asked),
        }
    }

    /// One page of the rows found, each written by `view`.
    pub(crate) fn page<T>(
        &self,
        rows: &[T],
        view: impl FnMut(&T) -> Value,
    ) -> Result<Value, ListError> {
        let number = match self.get("page").map(str::parse) {
            None => 1,
            Some(Ok(number)) if number >= 1 => number,
            Some(_) => return Err(ListError::invalid("page", "must be greater than 0")),
        };
        let pages = rows.len().div_ceil(PAGE_SIZE);
        let start = PAGE_SIZE.saturating_mul(number - 1).min(rows.len());
        let shown = rows[start..].iter().take(PAGE_SIZE);
        let content: Vec<Value> = shown.map(view).collect();
        Ok(
            json!({"links": self.links(number, pages), "content": content,
            "page": {"number": number, "size": PAGE_SIZE, "totalElements": rows.len(),
                "totalPages": pages}}),
        )
    }

    fn links(&self, number: usize, pages: usize) -> Vec<Value> {
        let targets = [
            ("self", Some(number)),
            ("first", Some(1)),
            ("prev", (number > 1).then(|| number - 1)),
            ("next", (number < pages).then(|| number + 1)),
            ("last", Some(pages.max(1))),
        ];
        let link = |(rel, page): (&str, Option<usize>)| {
            page.map(|page| json!({"rel": rel, "href": self.link_to(page)}))
        };
        targets.into_iter().filter_map(link).collect()
    }

    fn link_to(&self, page: usize) -> String {
        let page = page.to_string();
        let others = self.call.query.iter().filter(|(name, _)| name != "page");
        let others = others.map(|(name, value)| (name.as_str(), value.as_str()));
        let query = encode_form(others.chain([("page", page.as_str())]));
        format!("{}{}?{query}", self.call.base_url, self.call.path)
    }
}

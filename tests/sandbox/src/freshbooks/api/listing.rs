//! Pages, filters and includes of the accounting and events families
//! (source: freshbooks-parameters).

use jiff::civil::Date;
use serde::Serialize;

use super::errors::ApiError;
use crate::calendar::{eastern_day, parse_day};
use crate::freshbooks::config::FreshBooksConfig;
use crate::http::{Millis, Pairs, Response, first_value};

/// More rows than this are never on one page, whatever is asked for.
const PER_PAGE_MAX: usize = 100;

/// The page asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) page: usize,
    pub(crate) per_page: usize,
}

impl Page {
    /// Reads `page` and `per_page`: capped in silence, refused only if no integers.
    pub(crate) fn read(query: &Pairs, default_per_page: usize) -> Result<Self, ApiError> {
        let number = |name: &str, errno: u32, default: usize| match first_value(query, name) {
            Some(text) => text.parse().map_err(|_| not_a_number(name, errno, text)),
            None => Ok(default),
        };
        let page: usize = number("page", 1014, 1)?;
        let per_page: usize = number("per_page", 1013, default_per_page)?;
        Ok(Self {
            page: page.max(1),
            per_page: per_page.clamp(1, PER_PAGE_MAX),
        })
    }

    /// This page's rows out of all matching ones, and how many match.
    pub(crate) fn select<T>(&self, matching: impl Iterator<Item = T>) -> (Vec<T>, usize) {
        let first = (self.page - 1).saturating_mul(self.per_page);
        let mut rows = Vec::new();
        let mut total = 0;
        for row in matching {
            if total >= first && rows.len() < self.per_page {
                rows.push(row);
            }
            total += 1;
        }
        (rows, total)
    }

    /// How many pages that many rows fill.
    pub(crate) fn pages(&self, total: usize) -> usize {
        total.div_ceil(self.per_page)
    }
}

fn not_a_number(name: &str, errno: u32, text: &str) -> ApiError {
    ApiError::field(422, errno, "", name, "Must be an integer.").quoting(text)
}

/// The `search[...]` filters of a query. Unknown keys are ignored, as FreshBooks ignores them.
pub(crate) struct SearchFilters<'a>(pub(crate) &'a Pairs);

impl<'a> SearchFilters<'a> {
    /// The value of `search[key]`.
    pub(crate) fn value(&self, key: &str) -> Option<&'a str> {
        let wanted = |name: &str| {
            split_search_key(name, "search[")
                .is_some_and(|(inside, rest)| inside == key && rest.is_empty())
        };
        self.0
            .iter()
            .find(|(name, _)| wanted(name))
            .map(|(_, value)| value.as_str())
    }

    /// The values of `search[key][]`; none if the filter is absent.
    pub(crate) fn values(&self, key: &str) -> Option<Vec<&'a str>> {
        let wanted = |name: &str| {
            split_search_key(name, "search[")
                .is_some_and(|(inside, rest)| inside == key && rest == "[]")
        };
        let found = self.0.iter().filter(|(name, _)| wanted(name));
        let values: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then_some(values)
    }

    /// Whether a number passes `search[one]` and `search[many][]`.
    pub(crate) fn id_passes(&self, one: &str, many: &str, id: u64) -> bool {
        let same = |text: &str| text.parse() == Ok(id);
        self.value(one).is_none_or(same)
            && self
                .values(many)
                .is_none_or(|ids| ids.into_iter().any(same))
    }

    /// The days of `search[key_min]` and `search[key_max]`.
    pub(crate) fn days(&self, key: &str, max_inclusive: bool) -> DayRange {
        let day = |suffix: &str| {
            self.value(&format!("{key}_{suffix}"))
                .and_then(|text| parse_day(text.get(..10)?))
        };
        DayRange {
            min: day("min"),
            max: day("max"),
            max_inclusive,
        }
    }

    /// Whether a row in this vis_state is listed: active and archived ones, or those asked for.
    pub(crate) fn vis_state_passes(&self, vis_state: u8) -> bool {
        match self.value("vis_state") {
            Some(text) => text.parse() == Ok(vis_state),
            None => vis_state != 1,
        }
    }
}

/// A range of whole days: `updated_min` and its like know nothing finer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayRange {
    min: Option<Date>,
    max: Option<Date>,
    max_inclusive: bool,
}

impl DayRange {
    /// Whether a day is in the range.
    pub(crate) fn contain(&self, day: Date) -> bool {
        let below = |max: Date| day < max || self.max_inclusive && day == max;
        self.min.is_none_or(|min| day >= min) && self.max.is_none_or(below)
    }

    /// Whether an instant's Eastern day is in the range.
    pub(crate) fn contain_instant(&self, at: Millis) -> bool {
        (self.min.is_none() && self.max.is_none()) || self.contain(eastern_day(at))
    }
}

/// Whether `include[]=key` is asked for.
pub(crate) fn includes(query: &Pairs, key: &str) -> bool {
    query
        .iter()
        .any(|(name, value)| name == "include[]" && value == key)
}

/// The answer with one object.
pub(crate) fn one_object(key: &str, row: &impl Serialize) -> Response {
    let mut body = format!(r#"{{"response":{{"result":{{"{key}":"#).into_bytes();
    append_json(&mut body, row);
    body.extend_from_slice(b"}}}");
    Response::typed(200, "application/json", body)
}

/// The answer with a page of objects.
pub(crate) fn object_page(
    key: &str,
    rows: &[impl Serialize],
    page: Page,
    total: usize,
    config: &FreshBooksConfig,
) -> Response {
    let total = total + usize::try_from(config.hidden_rows).unwrap_or(0);
    let mut body = format!(r#"{{"response":{{"result":{{"{key}":"#).into_bytes();
    append_json(&mut body, &rows);
    let Page {
        page: number,
        per_page,
    } = page;
    let pages = page.pages(total);
    let tail =
        format!(r#","page":{number},"pages":{pages},"per_page":{per_page},"total":{total}}}}}}}"#);
    body.extend_from_slice(tail.as_bytes());
    Response::typed(200, "application/json", body)
}

fn append_json(body: &mut Vec<u8>, value: &impl Serialize) {
    if serde_json::to_writer(&mut *body, value).is_err() {
        body.extend_from_slice(b"null");
    }
}

/// Takes `key` and what follows out of `search[key]…`.
fn split_search_key<'n>(name: &'n str, prefix: &str) -> Option<(&'n str, &'n str)> {
    name.strip_prefix(prefix)?.split_once(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::decode_form;

    fn pairs(query: &str) -> Pairs {
        decode_form(query.as_bytes())
    }

    #[test]
    fn per_page_is_capped_in_silence() {
        let page = |query: &str| Page::read(&pairs(query), 15).expect("a page");
        assert_eq!(
            page(""),
            Page {
                page: 1,
                per_page: 15
            }
        );
        assert_eq!(
            page("per_page=500&page=0"),
            Page {
                page: 1,
                per_page: 100
            }
        );
    }

    #[test]
    fn pages_that_are_no_numbers_have_their_errnos() {
        let errno = |query: &str| Page::read(&pairs(query), 15).expect_err("a refusal").errno;
        assert_eq!(errno("page=x"), 1014);
        assert_eq!(errno("per_page=1.5"), 1013);
    }

    #[test]
    fn beyond_the_last_page_is_empty() {
        let page = Page {
            page: 3,
            per_page: 2,
        };
        assert_eq!(page.select(0..5), (vec![4], 5));
        assert_eq!(
            Page {
                page: 9,
                per_page: 2
            }
            .select(0..5),
            (vec![], 5)
        );
        assert_eq!(page.pages(0), 0);
    }

    #[test]
    fn search_reads_single_and_list_keys() {
        let query = pairs("search[vendorid]=7&search[ids][]=1&search%5Bids%5D%5B%5D=2&vendorid=9");
        let search = SearchFilters(&query);
        assert_eq!(search.value("vendorid"), Some("7"));
        assert_eq!(search.values("ids"), Some(vec!["1", "2"]));
        assert_eq!(search.value("ids"), None);
        assert!(search.id_passes("id", "ids", 2));
        assert!(!search.id_passes("vendorid", "ids", 2));
    }

    #[test]
    fn max_is_exclusive_unless_switched() {
        let query = pairs("search[date_min]=2026-01-01&search[date_max]=2026-01-31");
        let day = |text: &str| parse_day(text).expect("a day");
        let days = |inclusive| SearchFilters(&query).days("date", inclusive);
        assert!(days(false).contain(day("2026-01-01")));
        assert!(!days(false).contain(day("2026-01-31")));
        assert!(days(true).contain(day("2026-01-31")));
        assert!(!days(true).contain(day("2025-12-31")));
    }

    #[test]
    fn deleted_rows_are_listed_only_when_asked_for() {
        let none = pairs("");
        let listed: Vec<u8> = (0..3)
            .filter(|state| SearchFilters(&none).vis_state_passes(*state))
            .collect();
        assert_eq!(listed, [0, 2]);
        let deleted = pairs("search[vis_state]=1");
        let listed: Vec<u8> = (0..3)
            .filter(|state| SearchFilters(&deleted).vis_state_passes(*state))
            .collect();
        assert_eq!(listed, [1]);
    }
}

//! What a text of the settings must look like. A check that fails says what was expected.

use alloc::format;
use alloc::string::ToString;

use crate::{country, money, subdivisions};

/// Nothing, or what was expected.
pub(super) type Check = Result<(), &'static str>;

pub(super) fn anything(_: &str) -> Check {
    Ok(())
}

/// A connection's name: it is a part of markers, ids and paths.
pub(super) fn connection_name(name: &str) -> Check {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ((1..=64).contains(&name.len()) && name.bytes().all(is_allowed))
        .then_some(())
        .ok_or("1 to 64 characters of a-z, 0-9 and hyphen")
}

/// A base URL as requests are sent to: scheme and authority, perhaps a slash after it.
pub(super) fn base_url(url: &str) -> Check {
    let authority = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"/?#@\\\"".contains(&byte);
    authority
        .filter(|authority| !authority.is_empty() && authority.bytes().all(is_plain))
        .map(drop)
        .ok_or("a base URL without a path such as \"https://api.freshbooks.com\"")
}

pub(super) fn currency(code: &str) -> Check {
    money::minor_units(code)
        .map(drop)
        .ok_or("an ISO 4217 currency code such as \"EUR\"")
}

pub(super) fn country_code(code: &str) -> Check {
    country::is_code(code)
        .then_some(())
        .ok_or("a two-letter ISO 3166 country code such as \"CA\"")
}

pub(super) fn subdivision_code(code: &str) -> Check {
    subdivisions::is_code(code)
        .then_some(())
        .ok_or("the ISO 3166-2 code of a Canadian province or US state such as \"CA-QC\"")
}

// A hyphen separates the levels of a list item's long code (source: concur-list-items).
pub(super) fn cost_code(code: &str) -> Check {
    (!code.is_empty() && code.chars().count() <= 32 && !code.contains('-'))
        .then_some(())
        .ok_or("a cost code of 1 to 32 characters without a hyphen")
}

pub(super) fn code32(code: &str) -> Check {
    (!code.is_empty() && code.chars().count() <= 32)
        .then_some(())
        .ok_or("1 to 32 characters")
}

/// A custom field or org unit of a payment request's header, in either of its spellings.
pub(super) fn header_field(name: &str) -> Check {
    let is_field = custom_number(name, 24).is_some() || field_number(name, "OrgUnit", 6).is_some();
    is_field.then_some(()).ok_or(
        "a custom field such as \"Custom24\" (headers have Custom1 to Custom24, or Custom01 to \
         Custom24, and OrgUnit1 to OrgUnit6)",
    )
}

/// A custom field of an allocation, in either of its spellings.
pub(super) fn allocation_field(name: &str) -> Check {
    custom_number(name, 20)
        .map(drop)
        .ok_or("a custom field such as \"Custom1\" or \"Custom01\" (allocations have 1 to 20)")
}

/// A custom field or org unit of an expense entry (source: concur-expense-entries).
pub(super) fn entry_field(name: &str) -> Check {
    let is_field = ["Custom", "OrgUnit"]
        .into_iter()
        .zip([40, 6])
        .any(|(word, max)| {
            field_number(name, word, max).is_some_and(|number| name == format!("{word}{number}"))
        });
    is_field.then_some(()).ok_or(
        "a field of an expense entry: \"Custom1\" to \"Custom40\", \"OrgUnit1\" to \"OrgUnit6\"",
    )
}

/// The code of an expense type (source: concur-expense-entries).
pub(super) fn expense_type_code(code: &str) -> Check {
    ((1..=5).contains(&code.chars().count()))
        .then_some(())
        .ok_or("the code of an expense type, of 1 to 5 characters such as \"TAXIX\"")
}

pub(super) fn payment_type(id: &str) -> Check {
    (!id.trim().is_empty() && id.len() <= 200)
        .then_some(())
        .ok_or("the id of a payment type in SAP Concur")
}

/// The number of a custom field, of `Custom1` as of `Custom01`; none above `max`.
pub(super) fn custom_number(name: &str, max: u8) -> Option<u8> {
    field_number(name, "Custom", max)
}

/// The number of a field that is named by a word and a number from 1 to `max`. One digit may have a
/// zero before it: SAP's page and its API description differ (source: concur-payment-request).
pub(super) fn field_number(name: &str, word: &str, max: u8) -> Option<u8> {
    let digits = name.strip_prefix(word)?;
    let number = digits.parse::<u8>().ok()?;
    let is_spelling = digits == format!("{number}") || digits == format!("{number:02}");
    (is_spelling && (1..=max).contains(&number)).then_some(number)
}

pub(super) fn subscription_id(id: &str) -> Check {
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    ((1..=100).contains(&id.len()) && id.bytes().all(is_allowed))
        .then_some(())
        .ok_or("1 to 100 of a-z, 0-9, dot and hyphen")
}

pub(super) fn code<const CHARS_MAX: usize>(code: &str) -> Check {
    (code.chars().count() <= CHARS_MAX)
        .then_some(())
        .ok_or("fewer characters: at most 50 in `system_id`, at most 32 in `company_code`")
}

pub(super) fn day(text: &str) -> Check {
    text.parse::<jiff::civil::Date>()
        .ok()
        .filter(|date| date.to_string() == text)
        .map(drop)
        .ok_or("a day such as \"2026-01-31\"")
}

pub(super) fn sub_account_id(id: &str) -> Check {
    id.parse::<u64>()
        .ok()
        .filter(|id| *id > 0)
        .map(drop)
        .ok_or("the id of a FreshBooks sub-account, a number in quotes")
}

pub(super) fn category_id(id: &str) -> Check {
    sub_account_id(id).map_err(|_| "the id of a FreshBooks expense category, a number in quotes")
}

pub(super) fn staff_or_category_id(id: &str) -> Check {
    sub_account_id(id).map_err(|_| "the id of a member of staff or of a category, a number")
}

pub(super) fn vendor_id(id: &str) -> Check {
    sub_account_id(id).map_err(|_| "the id of a FreshBooks bill vendor, a number in quotes")
}

pub(super) fn uuid(text: &str) -> Check {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let right = text.len() == 36
        && (0..)
            .zip(text.bytes())
            .all(|(at, byte)| match HYPHENS.contains(&at) {
                true => byte == b'-',
                false => byte.is_ascii_hexdigit(),
            });
    right
        .then_some(())
        .ok_or("a UUID such as \"1b9e0f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b\"")
}

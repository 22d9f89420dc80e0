//! Are the accounts that the settings name FreshBooks' own?

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::envelope::{page_count, result_rows};
use super::fields;
use super::requests::{PAGE_ROWS_MAX, accounting_path, get, segment};
use crate::contract::http::{Request, Response};
use crate::contract::mapping::AccountCheck;
use crate::contract::types::Problem;
use crate::error_bodies::{self, Refusal, Unread};
use crate::settings::Settings;
use crate::settings::financial::Endpoint;
use crate::text::pointer_token;

/// Pages of accounts that are read, of 100 each. A chart of accounts is much shorter; the bound
/// ends a list whose number of pages is wrong.
const PAGES_MAX: u64 = 100;

/// Compares the accounts. See `wit/mapping.wit`.
#[must_use]
pub fn check_accounts(settings: &Settings, answers: &[Response]) -> AccountCheck {
    if !settings.financial.enabled {
        return AccountCheck::Complete(Vec::new());
    }
    let mut known = BTreeSet::new();
    let mut pages = 1;
    for answer in answers {
        match read_page(answer) {
            Ok(page) => {
                known.extend(page.accounts);
                pages = page.pages.min(PAGES_MAX);
            }
            Err(message) => return AccountCheck::Unreadable(message),
        }
    }
    let asked = answers.len() as u64;
    if asked < pages.max(1) {
        return AccountCheck::Send(page_request(settings, asked + 1));
    }
    AccountCheck::Complete(unknown(settings, &known))
}

fn page_request(settings: &Settings, page: u64) -> Request {
    let financial = &settings.financial;
    match (financial.endpoint, &financial.business_uuid) {
        (Endpoint::New, Some(business_uuid)) => chart_of_accounts(business_uuid),
        _ => journal_accounts(&settings.freshbooks.account_id, page),
    }
}

fn read_page(answer: &Response) -> Result<AccountPage, String> {
    if !(200..300).contains(&answer.status) {
        return Err(refused(&error_bodies::read_refusal(answer)));
    }
    read_accounts(answer).map_err(|why| match why {
        Unread::Garbled(why) => why,
        Unread::Refused(refusal) => refused(&refusal),
    })
}

fn refused(refusal: &Refusal) -> String {
    format!("it refused {}", refusal.said())
}

fn unknown(settings: &Settings, known: &BTreeSet<String>) -> Vec<Problem> {
    let named = settings.financial.accounts.named();
    let strangers = named.filter(|(_, _, account)| !known.contains(*account));
    let offset = settings.financial.offset_account();
    let offset = offset.filter(|account| !known.contains(*account));
    let offset = offset.map(|account| Problem {
        pointer: "/financial/project_expenses/offset_account".to_string(),
        code: "account-unknown".to_string(),
        message: format!(
            "FreshBooks has no account {account}; correct \
             `financial.project_expenses.offset_account`"
        ),
    });
    let problem = |(table, name, account): (&str, Option<&str>, &str)| Problem {
        pointer: match name {
            Some(name) => format!("/financial/accounts/{table}/{}", pointer_token(name)),
            None => format!("/financial/accounts/{table}"),
        },
        code: "account-unknown".to_string(),
        message: format!(
            "FreshBooks has no account {account}; correct `financial.accounts.{table}{}`",
            name.map_or_else(String::new, |name| format!(".\"{name}\""))
        ),
    };
    strangers.map(problem).chain(offset).collect()
}

/// A page of the accounts that journal entries use (source: freshbooks-journal-entry-accounts).
fn journal_accounts(account_id: &str, page: u64) -> Request {
    let path = accounting_path(account_id, "journal_entry_accounts/journal_entry_accounts");
    get(format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}"))
}

/// All accounts with their UUIDs (source: freshbooks-chart-of-accounts; it is not paged).
fn chart_of_accounts(business_uuid: &str) -> Request {
    let business_uuid = segment(business_uuid);
    get(format!(
        "/accounting/businesses/{business_uuid}/reports/chart_of_accounts?use_ledger_entries=true"
    ))
}

/// Accounts that a line of a journal entry may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccountPage {
    accounts: Vec<String>,
    pages: u64,
}

/// Reads accounts of either generation: sub-account ids, or the UUIDs of accounts and sub-accounts.
pub(super) fn read_accounts(response: &Response) -> Result<AccountPage, Unread> {
    let (rows, members) = result_rows(response, "journal_entry_accounts")?;
    let ids = rows.iter().flat_map(|account| {
        let subs = fields::objects(account.get("sub_accounts"));
        let subs = subs.iter().map(|sub| {
            let by_number = fields::id(sub.get("sub_accountid"), &[]);
            by_number.or_else(|| fields::id(sub.get("account_uuid"), &[]))
        });
        let own = fields::id(account.get("account_uuid"), &[]);
        subs.chain([own]).flatten().collect::<Vec<_>>()
    });
    Ok(AccountPage {
        accounts: ids.collect(),
        pages: page_count(&members),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer_with_status;
    use crate::settings::tests::MINIMAL;
    use alloc::vec;

    const UUID: &str = "1b9e0f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b";

    fn settings(financial: &str) -> Settings {
        let table = format!(r#"{{"financial": {{{financial}}}, "#);
        let json = MINIMAL.replacen('{', &table, 1);
        Settings::load("acme", &json).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn legacy() -> Settings {
        settings(
            r#""enabled": true, "accounts": {"by_code": {"6100": "635", "6200/A": "9"},
            "by_party": {"EMPL": "641"}}"#,
        )
    }

    fn page(ids: &str, pages: u64) -> Response {
        answer_with_status(
            200,
            &format!(
                r#"{{"response": {{"result": {{"pages": {pages}, "journal_entry_accounts": [
                    {{"accountid": 9, "sub_accounts": [{ids}]}}, {{"accountid": 10,
                    "sub_accounts": null}}]}}}}}}"#
            ),
        )
    }

    fn asked(check: AccountCheck) -> String {
        match check {
            AccountCheck::Send(request) => request.path_with_query,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_page_is_asked_for_and_strangers_name_their_setting() {
        let settings = legacy();
        let first = "/accounting/account/zQ7pLm/journal_entry_accounts/journal_entry_accounts\
                     ?page=1&per_page=100";
        assert_eq!(asked(check_accounts(&settings, &[])), first);
        let pages = vec![page(r#"{"sub_accountid": 635}"#, 2)];
        assert!(asked(check_accounts(&settings, &pages)).contains("page=2"));
        let pages = [pages, vec![page(r#"{"sub_accountid": "641"}"#, 2)]].concat();
        let AccountCheck::Complete(problems) = check_accounts(&settings, &pages) else {
            panic!("is done");
        };
        // 9 is an account, and not a sub-account.
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].pointer, "/financial/accounts/by_code/6200~1A");
        let message =
            "FreshBooks has no account 9; correct `financial.accounts.by_code.\"6200/A\"`";
        assert_eq!(problems[0].message, message);
    }

    #[test]
    fn the_newer_generation_is_asked_for_its_chart() {
        let financial = format!(
            r#""enabled": true, "endpoint": "new", "business_uuid": "{UUID}",
            "accounts": {{"by_code": {{"6100": "{UUID}"}}}}"#
        );
        let settings = settings(&financial);
        let path = format!(
            "/accounting/businesses/{UUID}/reports/chart_of_accounts?use_ledger_entries=true"
        );
        assert_eq!(asked(check_accounts(&settings, &[])), path);
        let chart = |uuid: &str| {
            let sub = format!(r#"[{{"account_uuid": "{uuid}"}}]"#);
            answer_with_status(
                200,
                &format!(
                    r#"{{"response": {{"result": {{"journal_entry_accounts": [{{"account_uuid": "x", "sub_accounts": {sub}}}]}}}}}}"#
                ),
            )
        };
        assert_eq!(
            check_accounts(&settings, &[chart(UUID)]),
            AccountCheck::Complete(Vec::new())
        );
        let AccountCheck::Complete(problems) = check_accounts(&settings, &[chart("y")]) else {
            panic!("is done");
        };
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn what_is_no_chart_is_said_in_the_remote_s_words() {
        let refused = r#"{"response": {"errors": [{"message": "Not allowed", "errno": 1003}]}}"#;
        for (status, body, part) in [
            (403, refused, "Not allowed"),
            (200, refused, "Not allowed"),
            (200, "{", "not JSON of FreshBooks"),
            (200, r#"{"response": {"result": {}}}"#, "no list"),
        ] {
            let AccountCheck::Unreadable(message) =
                check_accounts(&legacy(), &[answer_with_status(status, body)])
            else {
                panic!("{body} is no chart");
            };
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn without_the_way_back_nothing_is_asked() {
        assert_eq!(
            check_accounts(&settings(""), &[]),
            AccountCheck::Complete(Vec::new())
        );
    }
}

//! The people of a company, as Identity, Expense and documents know them.

use serde::{Deserialize, Serialize};

/// A user of the company. Identity shows it, and expense reports belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The UUID that v4 paths name.
    pub id: String,
    /// The login that v3 calls name. It looks like an e-mail address and need not be one.
    pub user_name: String,
    /// The employee number, unique in the company.
    pub employee_number: String,
    /// The first name.
    pub given_name: String,
    /// The last name.
    pub family_name: String,
    /// The work e-mail addresses; no promise that nobody else has the same.
    pub emails: Vec<String>,
    /// Someone who has left is inactive, and is listed nevertheless.
    #[serde(default = "yes")]
    pub active: bool,
    /// The currency in which the company pays the user back, and that of the user's reports.
    pub reimbursement_currency: String,
}

fn yes() -> bool {
    true
}

/// The people of a company that nobody configured: the owner of payment requests, those whose
/// reports the sandbox draws, and one who has left.
pub(crate) fn default_users() -> Vec<User> {
    [
        ("17a1", "E-17", "Ada", "Clerk", "ap.clerk", "CAD"),
        ("1007", "E1007", "Sam", "Doe", "sam.doe", "CAD"),
        ("1012", "E1012", "Zoë", "Müller", "zoe.mueller", "EUR"),
        ("0042", "0042", "Jo \"JJ\"", "O'Neil", "jo.oneil", "USD"),
        ("2001", "E-2001", "健", "田中", "ken.tanaka", "JPY"),
        ("0009", "E-0009", "Lee", "Gone", "lee.gone", "CAD"),
    ]
    .into_iter()
    .map(
        |(id, number, given_name, family_name, login, currency)| User {
            id: format!("4f2c{id}-7b7e-4a3e-93a1-55b1c2b7f001"),
            user_name: format!("{login}@example.test"),
            employee_number: number.into(),
            given_name: given_name.into(),
            family_name: family_name.into(),
            emails: vec![format!("{login}@example.test")],
            active: login != "lee.gone",
            reimbursement_currency: currency.into(),
        },
    )
    .collect()
}

/// The user with that UUID, whatever its case.
pub(crate) fn user_with_id<'a>(users: &'a [User], id: &str) -> Option<&'a User> {
    users.iter().find(|user| user.id.eq_ignore_ascii_case(id))
}

/// The user with that login, whatever its case.
pub(crate) fn user_with_login<'a>(users: &'a [User], login: &str) -> Option<&'a User> {
    let same = |user: &&User| user.user_name.eq_ignore_ascii_case(login);
    users.iter().find(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_id_and_login_whatever_their_case() {
        let users = default_users();
        let sam = user_with_login(&users, "SAM.doe@example.test").expect("a user");
        assert_eq!(sam.employee_number, "E1007");
        assert_eq!(user_with_id(&users, &sam.id.to_uppercase()), Some(sam));
        assert_eq!(user_with_login(&users, "E1007"), None);
    }
}

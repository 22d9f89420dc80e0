//! Members of staff are employees of SAP Concur: as the settings say, else by their e-mail address.
//!
//! They are runs of their own, so that ten expenses of one employee look them up once.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::dependency;
use crate::concur::{self, User};
use crate::contract::http::Request;
use crate::contract::runs::{Change, Confirmation, Ending, Facts, Link, StartReason};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::freshbooks;
use crate::remedy::{Replay, after_settings};
use crate::text::quoted;

/// As much of a name is repeated in a message.
const SHOWN_CHARS_MAX: usize = 100;

/// An employee, by what calls name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Employee {
    /// The UUID.
    pub(super) id: String,
    /// The login.
    pub(super) login: String,
}

/// The employee that a member of staff is.
pub(super) async fn require_employee(flow: &Flow, staff: &str) -> Result<Employee, EarlyEnd> {
    let object = ObjectRef::freshbooks("staff", staff);
    let link = dependency::require_link(flow, object).await?;
    Ok(Employee {
        id: link.target.id,
        // It is the link's version, so that a person's replay can correct it.
        login: link.version.unwrap_or_default(),
    })
}

/// Finds the employee of a member of staff, and links them. A replay finds them anew.
pub(super) async fn sync_staff(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    if let Some(link) = own.link.filter(|_| flow.task.reason != StartReason::Replay) {
        let message = format!("it is employee {} already", link.target.id);
        return Ok(unchanged("linked", message));
    }
    let id = &flow.task.object.id;
    let user = match flow.settings.expense.staff.get(id) {
        Some(named) => named_by_settings(flow, named).await?,
        None => by_own_email(flow, id).await?,
    };
    if !user.active {
        let message = format!(
            "employee {} is not active in SAP Concur",
            shown(&user.login)
        );
        let change = "activate the employee there, or name another one in `expense.staff`";
        let remedy = after_settings(change, Replay::Parked);
        return Err(flow.parked("employee-inactive", message, &remedy));
    }
    let target = ObjectRef::concur("employee", user.id);
    flow.save_links(vec![Link {
        source: flow.task.object.clone(),
        target: target.clone(),
        version: Some(user.login.clone()),
        content_hash: None,
    }])
    .await;
    Ok(Ending::Confirmed(Confirmation {
        target,
        change: Change::Adopted,
        message: format!("is employee {}", user.login),
    }))
}

/// The employee that the settings name: by UUID, e-mail address or employee number.
async fn named_by_settings(flow: &Flow, named: &str) -> Result<User, EarlyEnd> {
    if is_uuid(named) {
        return match flow
            .read(concur::get_user(named), concur::read_user)
            .await?
        {
            Ok(user) => Ok(user),
            Err(refusal) if refusal.is_missing() => Err(unknown(flow, named)),
            Err(refusal) => Err(remote_refused(flow, System::Concur, "to show it", &refusal)),
        };
    }
    if named.contains('@') {
        return by_email(flow, named).await;
    }
    let found = search(flow, concur::users_by_employee_number(named)).await?;
    // A filter may be ignored silently.
    let mut found = found
        .into_iter()
        .filter(|user| user.employee_number == named);
    match (found.next(), found.next()) {
        (Some(user), None) => Ok(user),
        (None, _) => Err(unknown(flow, named)),
        (Some(_), Some(_)) => Err(several(flow, named)),
    }
}

async fn by_own_email(flow: &Flow, id: &str) -> Result<User, EarlyEnd> {
    let account_id = &flow.settings.freshbooks.account_id;
    let request = freshbooks::get_staff(account_id, id);
    let staff = match flow.read(request, freshbooks::read_staff).await? {
        Ok(staff) => staff,
        Err(refusal) if refusal.is_missing() => {
            let message = format!("FreshBooks does not show member of staff {id}");
            return Err(unknown_with(flow, id, message));
        }
        Err(refusal) => {
            return Err(remote_refused(
                flow,
                System::Freshbooks,
                "to show it",
                &refusal,
            ));
        }
    };
    flow.note_facts(Facts {
        number: None,
        party: staff.name.clone().or_else(|| staff.email.clone()),
        amount: None,
        currency: None,
        date: None,
    });
    match staff.email {
        Some(email) => by_email(flow, &email).await,
        None => {
            let message = format!("FreshBooks shows no e-mail address of member of staff {id}");
            Err(unknown_with(flow, id, message))
        }
    }
}

/// The one active user with this address. Addresses need not be unique, and inactive users are
/// found too (source: concur-identity).
async fn by_email(flow: &Flow, email: &str) -> Result<User, EarlyEnd> {
    let found = search(flow, concur::users_by_email(email)).await?;
    let has_it = |user: &User| {
        let mut addresses = user.work_emails.iter();
        addresses.any(|address| address.eq_ignore_ascii_case(email))
    };
    let found: Vec<User> = found.into_iter().filter(has_it).collect();
    let mut active = found.iter().filter(|user| user.active);
    match (active.next(), active.next(), found.first()) {
        (Some(user), None, _) => Ok(user.clone()),
        (Some(_), Some(_), _) => Err(several(flow, email)),
        (None, _, Some(inactive)) => Ok(inactive.clone()),
        (None, _, None) => Err(unknown(flow, email)),
    }
}

async fn search(flow: &Flow, request: Request) -> Result<Vec<User>, EarlyEnd> {
    match flow.read(request, concur::read_users).await? {
        Ok(users) => Ok(users),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Concur,
            "the look-up",
            &refusal,
        )),
    }
}

fn unknown(flow: &Flow, named: &str) -> EarlyEnd {
    let message = format!("SAP Concur has no employee {}", shown(named));
    unknown_with(flow, &flow.task.object.id, message)
}

fn unknown_with(flow: &Flow, staff: &str, message: String) -> EarlyEnd {
    let change = format!("name the employee in `expense.staff`, such as \"{staff}\" = \"E-17\"");
    let remedy = after_settings(&change, Replay::Parked);
    flow.parked("employee-unknown", message, &remedy)
}

fn several(flow: &Flow, named: &str) -> EarlyEnd {
    let message = format!("SAP Concur has several active employees {}", shown(named));
    let change = "name the right one in `expense.staff` by employee number or UUID";
    let remedy = after_settings(change, Replay::Parked);
    flow.parked("employee-ambiguous", message, &remedy)
}

fn shown(name: &str) -> String {
    quoted(name, SHOWN_CHARS_MAX)
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

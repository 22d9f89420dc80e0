//! The people of the business twice: as staff, whose numbers expenses have, and as team members
//! (source: freshbooks-team-members).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::FreshBooks;
use super::api::call::ApiCall;
use super::api::errors::ApiError;
use super::api::listing::{Page, SearchFilters, object_page, one_object};
use super::config::FreshBooksConfig;
use crate::http::{Response, first_value};

/// The object of the scope that reads people.
const SCOPE: &str = "teams";

/// Somebody who works for the business: a staff number for expenses, and a team member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaffMember {
    /// The `staffid` of expenses; 1 is the owner.
    pub id: u64,
    /// The first name, as people write it.
    pub first_name: String,
    /// The last name, as people write it.
    pub last_name: String,
    /// The e-mail address at work.
    pub email: String,
    /// The role in the business, such as `business_employee`.
    pub role: String,
    /// Whether they still work there.
    pub active: bool,
}

/// The owner, and people whom the company at Concur knows by the same e-mail address.
pub(crate) fn default_staff() -> Vec<StaffMember> {
    [
        ("Ida", "Roe", "ida"),
        ("Sam", "Doe", "sam.doe"),
        ("Zoë", "Müller", "zoe.mueller"),
        ("Jo \"JJ\"", "O'Neil", "jo.oneil"),
        ("健", "田中", "ken.tanaka"),
        ("Lee", "Gone", "lee.gone"),
    ]
    .into_iter()
    .zip(1..)
    .map(|((first_name, last_name, login), id)| StaffMember {
        id,
        first_name: first_name.into(),
        last_name: last_name.into(),
        email: format!("{login}@example.test"),
        role: if id == 1 {
            "owner"
        } else {
            "business_employee"
        }
        .into(),
        active: true,
    })
    .collect()
}

impl FreshBooks {
    /// Routes a request on `users/staffs[/{id}]`, which is read only and superseded.
    pub(crate) fn handle_staff(
        &self,
        call: &ApiCall,
        id: Option<&str>,
    ) -> Result<Response, ApiError> {
        refuse_other_than_reading(call)?;
        if let Some(id) = id {
            let mut rows = self.config.staff.iter();
            let found = rows.find(|member| Ok(member.id) == id.parse());
            let missing = || ApiError::not_found("staff", "staffid", id);
            let member = found.ok_or_else(missing)?;
            return Ok(one_object("staff", &staff_view(member, &self.config)));
        }
        let page = Page::read(&call.query, 15)?;
        let search = SearchFilters(&call.query);
        let rows = self.config.staff.iter();
        let listed = rows.filter(|member| search.vis_state_passes(vis_state(member)));
        let (rows, total) = page.select(listed.map(|member| staff_view(member, &self.config)));
        Ok(object_page("staffs", &rows, page, total, &self.config))
    }

    /// Routes `/auth/api/v1/businesses/{business_id}/team_members[/{uuid}]`.
    pub(crate) fn handle_team_members(
        &self,
        call: &ApiCall,
        business: &str,
        uuid: Option<&str>,
    ) -> Result<Response, ApiError> {
        refuse_other_than_reading(call)?;
        if business != self.config.business_id.to_string() {
            return Err(ApiError::no_route());
        }
        let view = |member: &StaffMember| team_member_view(member, &self.config);
        if let Some(uuid) = uuid {
            let mut rows = self.config.staff.iter();
            let found = rows.find(|member| uuid_of(member) == uuid);
            let missing = || ApiError::not_found("team_member", "uuid", uuid);
            let member = found.ok_or_else(missing)?;
            return Ok(Response::json(200, &json!({"response": view(member)})));
        }
        let page = Page::read(&call.query, 30)?;
        let active = first_value(&call.query, "active");
        let rows = self.config.staff.iter();
        let listed =
            rows.filter(|member| active.is_none_or(|active| active == member.active.to_string()));
        let (rows, total) = page.select(listed.map(view));
        let meta = json!({"page": page.page, "per_page": page.per_page, "total": total});
        Ok(Response::json(
            200,
            &json!({"response": rows, "meta": meta}),
        ))
    }

    /// Whether expenses may be of this staff member.
    pub(crate) fn is_active_staff(&self, id: u64) -> bool {
        let mut rows = self.config.staff.iter();
        rows.any(|member| member.id == id && member.active)
    }
}

fn refuse_other_than_reading(call: &ApiCall) -> Result<(), ApiError> {
    if call.method != "GET" {
        return Err(ApiError::no_route());
    }
    if !call.access.permits(SCOPE, call.method) {
        return Err(ApiError::forbidden());
    }
    Ok(())
}

fn vis_state(member: &StaffMember) -> u8 {
    u8::from(!member.active)
}

fn uuid_of(member: &StaffMember) -> String {
    format!("00000000-0000-4000-a000-{:012x}", member.id)
}

fn staff_view(member: &StaffMember, config: &FreshBooksConfig) -> Value {
    json!({"id": member.id, "userid": member.id, "accounting_systemid": config.account_id,
        "fname": member.first_name, "lname": member.last_name, "email": member.email,
        "display_name": null, "organization": config.business_name, "username": member.email,
        "language": "en", "currency_code": config.currency, "rate": "0", "level": 0,
        "num_logins": 0, "note": "", "bus_phone": "", "mob_phone": "", "home_phone": "",
        "fax": "", "p_street": "", "p_street2": "", "p_city": "", "p_province": "",
        "p_code": "", "p_country": "", "last_login": null, "logged_in": false,
        "signup_date": "2024-01-02 03:04:05", "updated": "2024-01-01 22:04:05",
        "vis_state": vis_state(member)})
}

fn team_member_view(member: &StaffMember, config: &FreshBooksConfig) -> Value {
    let is_owner = member.id == 1;
    let identity = config.identity_id + if is_owner { 0 } else { member.id };
    let stamp = "2024-01-02T03:04:05Z";
    json!({"uuid": uuid_of(member), "first_name": member.first_name, "middle_name": null,
        "last_name": member.last_name, "email": member.email, "job_title": null,
        "street_1": null, "street_2": null, "city": null, "province": null, "country": null,
        "postal_code": null, "phone_number": null, "business_id": config.business_id,
        "business_role_name": member.role, "active": member.active, "identity_id": identity,
        "invitation_date_accepted": stamp, "created_at": stamp, "updated_at": stamp})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    const TEAM: &str = "/auth/api/v1/businesses/8812345/team_members";

    #[test]
    fn staff_have_numbers_and_team_members_uuids() {
        let mut harness = FreshBooksHarness::new();
        let listed = harness.listed("users/staffs", "staffs");
        assert_eq!((listed.len(), &listed[0]["id"]), (6, &json!(1)));
        let sam = object(&harness.accounting("GET", "users/staffs/2", None), "staff");
        assert_eq!(sam["email"], "sam.doe@example.test");
        let team = harness.send("GET", TEAM, None).value();
        assert_eq!(team["meta"], json!({"page": 1, "per_page": 30, "total": 6}));
        let found = team["response"].as_array().expect("a list").iter();
        let same: Vec<&Value> = found
            .filter(|member| member["email"] == sam["email"])
            .collect();
        let path = format!("{TEAM}/{}", same[0]["uuid"].as_str().expect("a UUID"));
        assert_eq!(
            &harness.send("GET", &path, None).value()["response"],
            same[0]
        );
    }

    #[test]
    fn those_who_left_are_inactive_and_not_listed_as_staff() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.staff[1].active = false;
        assert_eq!(harness.listed("users/staffs", "staffs").len(), 5);
        let shown = harness.accounting("GET", "users/staffs/2", None);
        assert_eq!(object(&shown, "staff")["vis_state"], 1);
        for (query, count) in [("", 6), ("?active=true", 5), ("?active=false", 1)] {
            let team = harness.send("GET", &format!("{TEAM}{query}"), None).value();
            assert_eq!(team["response"].as_array().map(Vec::len), Some(count));
        }
    }

    #[test]
    fn people_cannot_be_written_and_need_the_scope_of_teams() {
        let mut harness = FreshBooksHarness::new();
        let body = Some(json!({"staff": {"fname": "X"}}));
        assert_eq!(
            harness.accounting("PUT", "users/staffs/2", body).status,
            404
        );
        assert_eq!(
            harness.accounting("GET", "users/staffs/99", None).status,
            404
        );
        let missing = harness.send("GET", &format!("{TEAM}/x"), None);
        assert_eq!(
            (missing.status, &missing.value()["error"]),
            (404, &json!("not_found"))
        );
        harness.hold("user:expenses:read");
        let refused = harness.send("GET", TEAM, None);
        assert_eq!(
            (refused.status, &refused.value()["error"]),
            (403, &json!("forbidden"))
        );
        assert_eq!(harness.accounting("GET", "users/staffs", None).status, 403);
        harness.hold("user:teams:read");
        assert_eq!(harness.send("GET", TEAM, None).status, 200);
    }
}

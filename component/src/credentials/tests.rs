use alloc::string::ToString;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::contract::credentials::Grant::{
    AuthorizationCode, ClientCredentials, CompanyRequestToken, RefreshToken,
};
use crate::contract::credentials::TokenField;

const NOW: Instant = 1_800_000_000_000;
const HOUR: Duration = 60 * MINUTE;
const DAY: Duration = 24 * HOUR;
const US2: &str = "https://us2.api.concursolutions.com";
const EU2: &str = "https://eu2.api.concursolutions.com";

const APP: App<'static> = App {
    base: "https://first.example.test",
    client_id: "id/1",
    redirect_uri: "https://sync.example.test/callback",
    company_id: "08bdef1c-1d6a-4d2e-9f1b-8a7b6c5d4e3f",
    scope: "user:bills:read user:invoices:read",
    extra_bases: &[],
};

fn credential(system: System) -> Credential {
    Credential {
        system,
        status: CredentialStatus::Live,
        generation: 7,
        base: match system {
            System::Freshbooks => None,
            System::Concur => Some(US2.to_string()),
        },
        access: Some(AccessSpan {
            issued: NOW - HOUR,
            expires: NOW,
        }),
        refresh_expires: None,
        scope: Some("before".to_string()),
    }
}

fn first(system: System) -> Credential {
    absent_credential(system)
}

fn span(issued: Instant, expires: Instant) -> Option<AccessSpan> {
    Some(AccessSpan { issued, expires })
}

/// The instant to ask again at.
fn retry_at(failure: &TokenFailure) -> Option<Instant> {
    match failure.remedy {
        TokenRemedy::TryAgain(at) => Some(at),
        _ => None,
    }
}

fn answer(status: u16, json: &serde_json::Value, secrets_present: &[TokenField]) -> TokenResponse {
    TokenResponse {
        status,
        json: json.to_string(),
        secrets_present: secrets_present.to_vec(),
    }
}

const BOTH: [TokenField; 2] = [TokenField::AccessToken, TokenField::RefreshToken];

fn freshbooks(json: &serde_json::Value) -> Result<Credential, TokenFailure> {
    let answer = answer(200, json, &BOTH);
    read_token_response(
        &APP,
        &credential(System::Freshbooks),
        RefreshToken,
        &answer,
        NOW,
    )
}

fn concur(json: &serde_json::Value) -> Result<Credential, TokenFailure> {
    let answer = answer(200, json, &BOTH);
    read_token_response(
        &APP,
        &credential(System::Concur),
        RefreshToken,
        &answer,
        NOW,
    )
}

fn refusal(system: System, status: u16, json: &serde_json::Value) -> TokenFailure {
    let answer = answer(status, json, &[]);
    match read_token_response(&APP, &credential(system), RefreshToken, &answer, NOW) {
        Err(failure) => failure,
        Ok(_) => panic!("{status} {json} is no success"),
    }
}

fn name(secret: &Secret) -> &'static str {
    match secret {
        Secret::ClientSecret => "client-secret",
        Secret::AuthorizationCode => "authorization-code",
        Secret::CompanyRequestToken => "company-request-token",
        Secret::RefreshToken => "refresh-token",
        Secret::Verifier(_) => "verifier",
    }
}

/// The body as the host would send it, with each secret in angle brackets.
fn body(request: &TokenRequest) -> String {
    let parts = request.request.body.iter().map(|part| match part {
        BodyPart::Text(text) => text.clone(),
        BodyPart::FormSecret(secret) => format!("<{}>", name(secret)),
        BodyPart::JsonSecret(secret) => format!("json <{}>", name(secret)),
    });
    parts.collect()
}

#[test]
fn consent_asks_for_everything_encoded() {
    assert_eq!(
        consent_path(&APP, "s~1+&"),
        "/oauth/authorize/?response_type=code&client_id=id%2F1\
         &redirect_uri=https%3A%2F%2Fsync.example.test%2Fcallback\
         &scope=user%3Abills%3Aread%20user%3Ainvoices%3Aread&state=s~1%2B%26"
    );
    let all = App { scope: "", ..APP };
    assert!(!consent_path(&all, "s").contains("scope"));
}

#[test]
fn freshbooks_is_asked_with_its_redirect_uri() {
    let head = "client_id=id%2F1&redirect_uri=https%3A%2F%2Fsync.example.test%2Fcallback\
                &client_secret=<client-secret>";
    for (grant, tail) in [
        (
            AuthorizationCode,
            "grant_type=authorization_code&HEAD&code=<authorization-code>",
        ),
        (
            RefreshToken,
            "grant_type=refresh_token&HEAD&refresh_token=<refresh-token>",
        ),
    ] {
        let asked = build_token_request(&APP, &credential(System::Freshbooks), grant);
        assert_eq!(body(&asked), tail.replace("HEAD", head));
        assert_eq!(asked.base, APP.base);
        assert_eq!(asked.request.path_with_query, "/auth/oauth/token");
    }
}

#[test]
fn concur_is_asked_for_the_company_at_the_landing_zone() {
    let asked = build_token_request(
        &App { scope: "", ..APP },
        &first(System::Concur),
        CompanyRequestToken,
    );
    assert_eq!(
        body(&asked),
        "grant_type=password&credtype=authtoken&client_id=id%2F1\
         &username=08bdef1c-1d6a-4d2e-9f1b-8a7b6c5d4e3f\
         &client_secret=<client-secret>&password=<company-request-token>"
    );
    assert_eq!(asked.base, APP.base);
    assert_eq!(asked.request.path_with_query, "/oauth2/v0/token");
    let scoped = build_token_request(
        &App {
            scope: "openid FISVC",
            ..APP
        },
        &first(System::Concur),
        CompanyRequestToken,
    );
    assert!(body(&scoped).ends_with("<company-request-token>&scope=openid%20FISVC"));
}

#[test]
fn concur_is_refreshed_where_it_is_pinned() {
    let asked = build_token_request(&APP, &credential(System::Concur), RefreshToken);
    assert_eq!(
        body(&asked),
        "grant_type=refresh_token&client_id=id%2F1&client_secret=<client-secret>&refresh_token=<refresh-token>"
    );
    assert_eq!(asked.base, US2);
    let unpinned = build_token_request(&APP, &first(System::Concur), RefreshToken);
    assert_eq!(unpinned.base, APP.base);
}

#[test]
fn token_requests_are_forms_without_a_charset() {
    for system in [System::Freshbooks, System::Concur] {
        let request = build_token_request(&APP, &credential(system), RefreshToken).request;
        assert_eq!((request.system, request.method), (system, Method::Post));
        let header = request
            .headers
            .iter()
            .find(|header| header.name == "content-type");
        assert_eq!(
            header.map(|header| header.value.as_str()),
            Some("application/x-www-form-urlencoded")
        );
        assert!(
            request
                .headers
                .iter()
                .all(|header| header.name != "authorization")
        );
    }
}

#[test]
fn no_secret_of_one_system_goes_to_the_other() {
    let asked = build_token_request(&APP, &credential(System::Freshbooks), CompanyRequestToken);
    assert!(!body(&asked).contains("company-request-token"));
    let asked = build_token_request(&APP, &credential(System::Concur), AuthorizationCode);
    assert!(!body(&asked).contains("authorization-code"));
}

#[test]
fn a_freshbooks_token_lives_from_its_creation() {
    let created = NOW - HOUR;
    let json = json!({"access_token": "", "token_type": "Bearer", "expires_in": 43_200,
        "refresh_token": "", "scope": "user:bills:read", "created_at": created / 1_000,
        "direct_buy_tokens": {}});
    let expected = Credential {
        generation: 8,
        access: span(created, created + 12 * HOUR),
        scope: Some("user:bills:read".to_string()),
        ..credential(System::Freshbooks)
    };
    assert_eq!(freshbooks(&json), Ok(expected));
}

#[test]
fn a_fresh_token_that_is_already_due_is_used_for_an_hour() {
    for (age, expires_in) in [(13 * HOUR, 43_200), (11 * HOUR, 43_200), (0, 0)] {
        let json = json!({"expires_in": expires_in, "created_at": (NOW - age) / 1_000});
        let kept = freshbooks(&json).map(|kept| kept.access);
        assert_eq!(kept, Ok(span(NOW, NOW + HOUR)), "{age}");
    }
}

#[test]
fn a_clock_ahead_does_not_lengthen_a_life() {
    let json = json!({"expires_in": 60, "created_at": NOW / 1_000 + 500});
    let kept = freshbooks(&json).map(|kept| kept.access);
    assert_eq!(kept, Ok(span(NOW, NOW + MINUTE)));
}

#[test]
fn what_freshbooks_leaves_out_is_as_documented() {
    let kept = freshbooks(&json!({}));
    let kept = kept.map(|kept| (kept.access, kept.scope));
    let expected = (span(NOW, NOW + 12 * HOUR), Some("before".to_string()));
    assert_eq!(kept, Ok(expected));
}

#[test]
fn numbers_come_as_strings_as_well() {
    let expires = NOW / 1_000 + 15_000_000;
    for json in [
        json!({"expires_in": "3000", "refresh_expires_in": expires.to_string(),
            "geolocation": EU2}),
        json!({"expires_in": 3_000, "refresh_expires_in": expires, "geolocation": EU2}),
    ] {
        let expected = Credential {
            generation: 8,
            base: Some(EU2.to_string()),
            access: span(NOW, NOW + 50 * MINUTE),
            refresh_expires: Some(expires * 1_000),
            ..credential(System::Concur)
        };
        assert_eq!(concur(&json), Ok(expected), "{json}");
    }
}

#[test]
fn an_untold_refresh_life_is_six_months_with_a_margin() {
    for json in [
        json!({}),
        json!({"refresh_expires_in": 3_600}),
        json!({"refresh_expires_in": null}),
    ] {
        let kept = concur(&json).map(|kept| (kept.access, kept.refresh_expires));
        let expected = (span(NOW, NOW + HOUR), Some(NOW + 167 * DAY));
        assert_eq!(kept, Ok(expected), "{json}");
    }
}

#[test]
fn a_credential_without_a_refresh_token_needs_a_person_at_its_end() {
    let bare = answer(
        200,
        &json!({"geolocation": EU2}),
        &[TokenField::AccessToken],
    );
    let kept = read_token_response(
        &APP,
        &first(System::Concur),
        CompanyRequestToken,
        &bare,
        NOW,
    );
    assert_eq!(kept.map(|kept| kept.refresh_expires), Ok(Some(NOW + HOUR)));
    let kept = read_token_response(&APP, &credential(System::Concur), RefreshToken, &bare, NOW);
    assert_eq!(
        kept.map(|kept| kept.refresh_expires),
        Ok(Some(NOW + 167 * DAY))
    );
    let kept = read_token_response(
        &APP,
        &first(System::Freshbooks),
        AuthorizationCode,
        &bare,
        NOW,
    );
    assert_eq!(
        kept.map(|kept| kept.refresh_expires),
        Ok(Some(NOW + 12 * HOUR))
    );
}

#[test]
fn geolocation_is_pinned_or_kept_or_refused() {
    let base = |json: &serde_json::Value| concur(json).map(|kept| kept.base.unwrap_or_default());
    let with_path = json!({"geolocation": "https://EU2.api.concursolutions.com/oauth2/v0/token"});
    assert_eq!(base(&with_path).as_deref(), Ok(EU2));
    for absent in [
        json!({}),
        json!({"geolocation": null}),
        json!({"geolocation": ""}),
    ] {
        assert_eq!(base(&absent).as_deref(), Ok(US2));
    }
    let Err(failure) = base(&json!({"geolocation": "https://evil.test"})) else {
        panic!("evil.test is not SAP's");
    };
    assert_eq!(
        (failure.code.as_str(), failure.remedy),
        ("geolocation-refused", TokenRemedy::FixSettings)
    );
    assert!(failure.message.contains("extra_bases"));
    let extra = ["https://evil.test".to_string()];
    let app = App {
        extra_bases: &extra,
        ..APP
    };
    let answer = answer(200, &json!({"geolocation": "https://evil.test"}), &BOTH);
    assert!(
        read_token_response(
            &app,
            &credential(System::Concur),
            RefreshToken,
            &answer,
            NOW
        )
        .is_ok()
    );
}

#[test]
fn a_first_grant_without_a_geolocation_is_asked_for_again() {
    let bare = answer(200, &json!({}), &BOTH);
    let failure = read_token_response(
        &APP,
        &first(System::Concur),
        CompanyRequestToken,
        &bare,
        NOW,
    );
    let failure = failure.map_err(|failure| (failure.code, failure.remedy));
    assert_eq!(
        failure,
        Err((
            "geolocation-missing".to_string(),
            TokenRemedy::TryAgain(NOW + MINUTE)
        ))
    );
}

#[test]
fn a_success_without_a_usable_token_is_asked_for_again() {
    for system in [System::Freshbooks, System::Concur] {
        for (json, present) in [
            ("{}", None),
            ("", None),
            ("<html>", Some(TokenField::RefreshToken)),
            (r#"{"token_type":"mac"}"#, Some(TokenField::AccessToken)),
        ] {
            let answer = TokenResponse {
                status: 200,
                json: json.to_string(),
                secrets_present: present.into_iter().collect(),
            };
            let failure =
                read_token_response(&APP, &credential(system), RefreshToken, &answer, NOW);
            let told = failure.map_err(|failure| failure.remedy);
            assert_eq!(told, Err(TokenRemedy::TryAgain(NOW + MINUTE)), "{json}");
        }
    }
}

#[test]
fn freshbooks_refusals_say_what_helps() {
    for (status, error, remedy, helps) in [
        (
            400,
            "invalid_grant",
            TokenRemedy::Reconnect,
            "ml-connector connect freshbooks",
        ),
        (
            401,
            "invalid_client",
            TokenRemedy::FixSettings,
            "`client_id`",
        ),
        (
            400,
            "invalid_request",
            TokenRemedy::TryAgain(NOW + MINUTE),
            "ml-connector connect freshbooks",
        ),
        (
            500,
            "invalid_grant",
            TokenRemedy::TryAgain(NOW + MINUTE),
            "ml-connector connect freshbooks",
        ),
        (
            429,
            "invalid_grant",
            TokenRemedy::TryAgain(NOW + MINUTE),
            "ml-connector connect freshbooks",
        ),
        (
            302,
            "invalid_client",
            TokenRemedy::TryAgain(NOW + MINUTE),
            "ml-connector connect freshbooks",
        ),
    ] {
        let failure = refusal(System::Freshbooks, status, &json!({"error": error}));
        assert_eq!(
            (&failure.remedy, failure.code.as_str()),
            (&remedy, error),
            "{status}"
        );
        assert!(failure.message.contains(helps), "{}", failure.message);
    }
}

/// The published codes by what helps, as grouped in the contract; 16 and 108 have their own test.
const RECONNECT: [u64; 11] = [5, 10, 11, 12, 13, 14, 19, 53, 100, 103, 123];
const SETTINGS: [u64; 12] = [20, 21, 54, 59, 60, 61, 64, 105, 107, 115, 136, 139];
const DEFECT: [u64; 27] = [
    51, 52, 55, 56, 57, 58, 62, 63, 65, 80, 81, 83, 84, 85, 101, 102, 104, 106, 109, 117, 118, 119,
    120, 121, 122, 124, 135,
];

#[test]
fn concur_codes_decide_whatever_the_status() {
    let groups: [(&[u64], TokenRemedy, &str); 3] = [
        (
            &RECONNECT,
            TokenRemedy::Reconnect,
            "ml-connector connect concur",
        ),
        (&SETTINGS, TokenRemedy::FixSettings, "`scope`"),
        (&DEFECT, TokenRemedy::FixSettings, "report"),
    ];
    for (codes, remedy, helps) in groups {
        for (code, status) in codes
            .iter()
            .flat_map(|code| [(code, 400), (code, 403), (code, 503)])
        {
            for json in [
                json!({"code": code}),
                json!({"code": code.to_string(), "error": "invalid_grant"}),
            ] {
                let failure = refusal(System::Concur, status, &json);
                assert_eq!(failure.remedy, remedy, "{json}");
                assert_eq!(failure.code, code.to_string());
                assert!(failure.message.contains(helps), "{}", failure.message);
            }
        }
    }
}

#[test]
fn every_published_code_is_known_once() {
    let published = (0..200).filter(|code| concur_errors::error_meaning(*code).is_some());
    let listed = RECONNECT.len() + SETTINGS.len() + DEFECT.len() + [16, 108, 134].len();
    assert_eq!(published.count(), listed);
}

#[test]
fn concur_maintenance_waits_five_minutes() {
    for (status, json) in [
        (400, json!({"code": 134})),
        (503, json!({})),
        (502, json!("down")),
    ] {
        let failure = refusal(System::Concur, status, &json);
        assert_eq!(retry_at(&failure), Some(NOW + 5 * MINUTE), "{json}");
    }
}

#[test]
fn another_datacenter_is_asked_once() {
    for code in [16, 108] {
        let failure = refusal(
            System::Concur,
            400,
            &json!({"code": code, "geolocation": EU2}),
        );
        assert_eq!(failure.remedy, TokenRemedy::TryBase(EU2.to_string()));
        for json in [
            json!({"code": code, "geolocation": US2}),
            json!({"code": code}),
        ] {
            let failure = refusal(System::Concur, 400, &json);
            assert_eq!(failure.remedy, TokenRemedy::Reconnect, "{json}");
        }
        let evil = json!({"code": code, "geolocation": "https://evil.test"});
        let failure = refusal(System::Concur, 400, &evil);
        assert_eq!(
            (failure.code.as_str(), failure.remedy),
            ("geolocation-refused", TokenRemedy::FixSettings)
        );
    }
}

#[test]
fn an_unpublished_code_needs_a_person_only_for_a_definite_invalid_grant() {
    for (status, json, remedy) in [
        (
            400,
            json!({"code": 999, "error": "invalid_grant"}),
            TokenRemedy::Reconnect,
        ),
        (
            403,
            json!({"error": "invalid_grant"}),
            TokenRemedy::Reconnect,
        ),
        (
            429,
            json!({"error": "invalid_grant"}),
            TokenRemedy::TryAgain(NOW + MINUTE),
        ),
        (
            500,
            json!({"code": 999, "error": "invalid_grant"}),
            TokenRemedy::TryAgain(NOW + MINUTE),
        ),
        (
            400,
            json!({"code": 999, "error": "invalid_request"}),
            TokenRemedy::TryAgain(NOW + MINUTE),
        ),
        (404, json!([]), TokenRemedy::TryAgain(NOW + MINUTE)),
        (302, json!({}), TokenRemedy::TryAgain(NOW + MINUTE)),
    ] {
        assert_eq!(
            refusal(System::Concur, status, &json).remedy,
            remedy,
            "{status} {json}"
        );
    }
}

#[test]
fn nothing_but_a_plain_error_name_is_repeated() {
    for error in ["client_secret=hunter2", "Hunter", "", &"a".repeat(41)] {
        for system in [System::Freshbooks, System::Concur] {
            let json = json!({"error": error, "error_description": "hunter2"});
            let failure = refusal(system, 418, &json);
            assert_eq!(failure.code, "http-418");
            assert!(!failure.message.contains("unter"));
        }
    }
}

#[test]
fn a_live_credential_is_refreshed_late_and_in_time() {
    for (system, life, at) in [
        (System::Freshbooks, 12 * HOUR, 11 * HOUR),
        (System::Concur, HOUR, 55 * MINUTE),
    ] {
        let live = Credential {
            access: span(NOW, NOW + life),
            ..credential(system)
        };
        assert_eq!(plan_refresh(&live, NOW).refresh_at, Some(NOW + at));
        assert_eq!(plan_refresh(&live, NOW + at).refresh_at, Some(NOW + at));
    }
}

#[test]
fn a_person_is_needed_when_the_refresh_token_ends() {
    let mut live = credential(System::Concur);
    live.refresh_expires = Some(NOW + 100 * DAY);
    let plan = plan_refresh(&live, NOW);
    assert_eq!(plan.reconnect_by, Some(NOW + 100 * DAY));
    assert!(plan.message.contains("100 days"), "{}", plan.message);
    assert!(
        plan_refresh(&live, NOW + 99 * DAY)
            .message
            .contains("1 day.")
    );
    assert!(
        plan_refresh(&live, NOW + 101 * DAY)
            .message
            .contains("ended")
    );
    assert_eq!(
        plan_refresh(&credential(System::Freshbooks), NOW).reconnect_by,
        None
    );
}

#[test]
fn absent_and_dead_credentials_need_a_person_now() {
    for system in [System::Freshbooks, System::Concur] {
        let dead = |why: &str| Credential {
            status: CredentialStatus::Dead(why.to_string()),
            ..credential(system)
        };
        for credential in [first(system), dead("for some reason"), dead("")] {
            let plan = plan_refresh(&credential, NOW);
            assert_eq!((plan.refresh_at, plan.reconnect_by), (None, Some(NOW)));
        }
        assert!(
            plan_refresh(&first(system), NOW)
                .message
                .contains(connect_command(system))
        );
        let plan = plan_refresh(&dead("for some reason"), NOW);
        assert_eq!(plan.message, "for some reason");
    }
}

#[test]
fn the_application_asks_with_its_secret_alone() {
    for (credential, base) in [
        (first(System::Concur), APP.base),
        (credential(System::Concur), US2),
    ] {
        let asked = build_token_request(&APP, &credential, ClientCredentials);
        assert_eq!(asked.base, base);
        assert_eq!(
            body(&asked),
            "grant_type=client_credentials&client_id=id%2F1&client_secret=<client-secret>"
        );
    }
    // FreshBooks knows no such grant.
    let asked = build_token_request(&APP, &credential(System::Freshbooks), ClientCredentials);
    assert!(body(&asked).contains("authorization_code"));
}

#[test]
fn a_token_of_the_application_is_for_the_datacenter_that_was_asked() {
    let json = json!({"expires_in": "3600", "geolocation": EU2});
    let answer = answer(200, &json, &[TokenField::AccessToken]);
    let read = |credential: &Credential| {
        read_token_response(&APP, credential, ClientCredentials, &answer, NOW).expect("is read")
    };
    let pinned = read(&credential(System::Concur));
    assert_eq!(pinned.base.as_deref(), Some(US2));
    assert_eq!(pinned.access, span(NOW, NOW + HOUR));
    assert_eq!(
        pinned.refresh_expires,
        Some(NOW + HOUR),
        "it has no refresh token"
    );
    assert_eq!(read(&first(System::Concur)).base.as_deref(), Some(EU2));
}

fn any_answer() -> impl Strategy<Value = TokenResponse> {
    let number = prop_oneof![
        any::<u64>().prop_map(|number| json!(number)),
        (0..200_000_u64).prop_map(|number| json!(number.to_string())),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,5}".prop_map(|text| json!(text)),
    ];
    let names = [
        "expires_in",
        "created_at",
        "refresh_expires_in",
        "code",
        "geolocation",
        "error",
        "scope",
    ];
    let member = (proptest::sample::select(names.to_vec()), number);
    let json = prop_oneof![
        any::<String>(),
        proptest::collection::vec(member, 0..7).prop_map(|members| {
            let members = members
                .into_iter()
                .map(|(name, value)| (name.to_string(), value));
            serde_json::Value::Object(members.collect()).to_string()
        }),
    ];
    let sealed = proptest::sample::subsequence(BOTH.to_vec(), 0..=2);
    (any::<u16>(), any::<bool>(), json, sealed).prop_map(|(status, ok, json, sealed)| {
        TokenResponse {
            status: if ok { 200 } else { status },
            json,
            secrets_present: sealed,
        }
    })
}

proptest! {
    /// No refresh loop, no failure without a remedy, and nothing is ever sent off the list.
    #[test]
    fn whatever_is_answered(
        answer in any_answer(),
        concur: bool,
        refresh: bool,
        now in 1_u64..1 << 45,
    ) {
        let (system, grant) = match (concur, refresh) {
            (true, false) => (System::Concur, CompanyRequestToken),
            (true, true) => (System::Concur, RefreshToken),
            (false, false) => (System::Freshbooks, AuthorizationCode),
            (false, true) => (System::Freshbooks, RefreshToken),
        };
        match read_token_response(&APP, &credential(system), grant, &answer, now) {
            Ok(kept) => {
                prop_assert!(plan_refresh(&kept, now).refresh_at.is_some_and(|at| at > now));
                prop_assert!(kept.status == CredentialStatus::Live && kept.generation == 8);
                prop_assert!(system == System::Freshbooks || kept.base.as_deref() == Some(US2));
            }
            Err(failure) => {
                prop_assert!(failure.message.contains('`'));
                prop_assert!(retry_at(&failure).is_none_or(|at| at > now));
            }
        }
    }

    #[test]
    fn plans_are_total(issued: u64, expires: u64, refresh_expires: Option<u64>, now: u64) {
        let access = span(issued, expires);
        let live = Credential { access, refresh_expires, ..credential(System::Concur) };
        let plan = plan_refresh(&live, now);
        prop_assert!(plan.refresh_at.is_some_and(|at| at >= now));
        prop_assert_eq!(plan.reconnect_by, refresh_expires);
    }

    /// However a settings value looks, it stays one value.
    #[test]
    fn settings_values_cannot_add_fields(value: String) {
        let app = App { client_id: &value, redirect_uri: &value, company_id: &value, scope: &value,
            ..APP };
        let scoped = usize::from(!value.is_empty());
        for (system, grant, fields) in [
            (System::Freshbooks, RefreshToken, 5),
            (System::Concur, CompanyRequestToken, 6 + scoped),
        ] {
            let sent = body(&build_token_request(&app, &credential(system), grant));
            prop_assert_eq!(sent.split('&').count(), fields);
            prop_assert!(sent.is_ascii());
        }
    }
}

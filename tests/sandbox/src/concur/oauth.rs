//! Tokens: every grant's form rules, request tokens, refresh in three modes, geolocation
//! (source: concur-authentication).

mod errors;
mod geolocation;
mod grants;
pub(crate) mod requests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::errors::TokenError;
use self::geolocation::{geolocation_of, home_geolocation};
use self::grants::Granted;
use self::requests::{TokenRequest, identify};
use super::config::{ConcurConfig, RefreshExpiresIn, RefreshMode};
use crate::http::{Millis, Request, Response};
use crate::random::Random;

/// How long a company request token can be exchanged, as often as one likes.
const REQUEST_TOKEN_LIFE_MS: Millis = 24 * 3_600_000;

/// How long an authorization code can be exchanged, in milliseconds. RFC 6749 allows ten minutes at
/// most.
const CODE_LIFE_MS: Millis = 5 * 60_000;

/// 256 bytes in base64, as an RS256 signature has.
const SIGNATURE_CHARACTERS: usize = 342;

/// Tokens and what leads to them.
#[derive(Debug)]
pub(crate) struct OAuth {
    random: Random,
    request_tokens: BTreeMap<String, RequestToken>,
    codes: BTreeMap<String, AuthorizationCode>,
    access: BTreeMap<String, AccessToken>,
    refresh: BTreeMap<String, RefreshToken>,
    connected: Vec<String>,
}

/// On whose behalf a token acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    Company,
    User(usize),
    App,
}

/// What an access token allows.
#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub(crate) principal: Principal,
    pub(crate) scopes: BTreeSet<String>,
    /// The app it was issued to.
    pub(crate) client_id: String,
    /// The name of the host that issued it.
    pub(crate) host: String,
    expires: Millis,
}

#[derive(Debug)]
struct RequestToken {
    app: usize,
    expires: Millis,
}

#[derive(Debug)]
struct AuthorizationCode {
    app: usize,
    redirect_uri: String,
    expires: Millis,
}

#[derive(Clone, Debug)]
struct RefreshToken {
    app: usize,
    principal: Principal,
    scopes: BTreeSet<String>,
    expires: Millis,
}

impl OAuth {
    /// Every token and code that is known.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let tokens = self.access.keys().chain(self.refresh.keys());
        let codes = self.codes.keys().chain(self.request_tokens.keys());
        tokens.chain(codes).cloned().collect()
    }

    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "concur/oauth"),
            request_tokens: BTreeMap::new(),
            codes: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
            connected: Vec::new(),
        }
    }

    /// The apps that have exchanged a company request token since this was last asked.
    pub(crate) fn take_connected(&mut self) -> Vec<String> {
        std::mem::take(&mut self.connected)
    }

    /// The token endpoint on the given host.
    pub(crate) fn handle_token_request(
        &mut self,
        request: &Request,
        host: &str,
        config: &ConcurConfig,
        correlation: &str,
        now: Millis,
    ) -> Response {
        let asked = identify(request, config).map(|(fields, app)| TokenRequest {
            fields,
            app,
            host,
            config,
            now,
        });
        let answered = asked.and_then(|asked| {
            let granted = self.grant(&asked)?;
            Ok(self.issue_tokens(&asked, granted))
        });
        answered.unwrap_or_else(|error| {
            let told = matches!(
                error,
                TokenError::OtherDatacenter | TokenError::RefreshTokenBad
            );
            let geolocation = told.then(|| home_geolocation(config));
            error.response(config, geolocation.as_deref(), correlation)
        })
    }

    /// What a bearer token allows now; none if unknown or expired.
    pub(crate) fn access_token(&self, token: &str, now: Millis) -> Option<&AccessToken> {
        self.access.get(token).filter(|access| now < access.expires)
    }

    /// A company request token, as the administration page shows it.
    pub(crate) fn issue_request_token(&mut self, app: usize, now: Millis) -> String {
        let token = format!("at-{}", self.random.base36(30));
        self.request_tokens.insert(
            token.clone(),
            RequestToken {
                app,
                expires: now + REQUEST_TOKEN_LIFE_MS,
            },
        );
        token
    }

    /// An authorization code, as the consent page hands it over.
    pub(crate) fn issue_code(&mut self, app: usize, redirect_uri: &str, now: Millis) -> String {
        let code = self.random.uuid();
        let redirect_uri = redirect_uri.to_owned();
        self.codes.insert(
            code.clone(),
            AuthorizationCode {
                app,
                redirect_uri,
                expires: now + CODE_LIFE_MS,
            },
        );
        code
    }

    /// Ends every access token.
    pub(crate) fn expire_access_tokens(&mut self) {
        self.access.clear();
    }

    /// Ends every refresh token: the company is disconnected.
    pub(crate) fn revoke_refresh_tokens(&mut self) {
        self.refresh.clear();
    }

    fn issue_tokens(&mut self, asked: &TokenRequest, granted: Granted) -> Response {
        let (config, now) = (asked.config, asked.now);
        self.access.retain(|_, access| now < access.expires);
        let scope = granted
            .scopes
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ");
        let access_token = self.new_jwt(asked, &granted);
        let mut body = json!({"scope": scope, "token_type": "Bearer", "access_token": access_token,
            "geolocation": geolocation_of(asked, &granted.principal)});
        let life = config.token.access_life_s;
        body["expires_in"] = if config.token.expires_in_number {
            json!(life)
        } else {
            json!(life.to_string())
        };
        let access = AccessToken {
            principal: granted.principal.clone(),
            scopes: granted.scopes.clone(),
            client_id: asked.app().client_id.clone(),
            host: asked.host.to_owned(),
            expires: now + life * 1000,
        };
        self.access.insert(access_token, access);
        if granted.principal == Principal::Company && granted.refreshed.is_none() {
            self.connected.push(asked.app().client_id.clone());
        }
        if granted.principal != Principal::App {
            body["id_token"] = json!(self.new_jwt(asked, &granted));
            self.issue_refresh(asked, granted, &mut body);
        }
        Response::json(200, &body)
    }

    fn issue_refresh(&mut self, asked: &TokenRequest, granted: Granted, body: &mut Value) {
        let (config, now) = (asked.config, asked.now);
        let expires = now + config.token.refresh_life_s * 1000;
        let mode = config.token.refresh;
        let token = match granted.refreshed {
            Some(used) if mode == RefreshMode::Same => used,
            Some(used) => {
                if mode == RefreshMode::RotateStrict {
                    self.refresh.remove(&used);
                }
                self.random.base36(30)
            }
            None => self.random.base36(30),
        };
        body["refresh_token"] = json!(token);
        match config.token.refresh_expires_in {
            RefreshExpiresIn::Number => body["refresh_expires_in"] = json!(expires / 1000),
            RefreshExpiresIn::Quoted => {
                body["refresh_expires_in"] = json!((expires / 1000).to_string());
            }
            RefreshExpiresIn::Missing => {}
        }
        let refresh = RefreshToken {
            app: asked.app,
            principal: granted.principal,
            scopes: granted.scopes,
            expires,
        };
        self.refresh.insert(token, refresh);
    }

    fn new_jwt(&mut self, asked: &TokenRequest, granted: &Granted) -> String {
        let seconds = asked.now / 1000;
        let subject = match &granted.principal {
            Principal::Company => asked.config.company_uuid.clone(),
            Principal::User(at) => asked
                .config
                .employees
                .get(*at)
                .map(|e| e.login_id.clone())
                .unwrap_or_default(),
            Principal::App => asked.app().client_id.clone(),
        };
        let payload = json!({"concur.scopes": granted.scopes, "concur.version": 3,
            "concur.type": "company", "aud": "*",
            "sub": subject, "iss": home_geolocation(asked.config), "iat": seconds, "nbf": seconds,
            "exp": seconds + asked.config.token.access_life_s});
        self.random.jwt(&payload, SIGNATURE_CHARACTERS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::config::App;
    use crate::concur::config::Geolocation;
    use crate::test_support::concur::{ConcurHarness, NOW};

    const COMPANY: &str = "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d";

    fn code(reply: &Response) -> u64 {
        reply.value()["code"]
            .as_u64()
            .unwrap_or_else(|| panic!("{}", reply.value()))
    }

    fn refresh(harness: &mut ConcurHarness, token: &Value) -> Response {
        let token = token.as_str().expect("a token");
        harness.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn company(harness: &mut ConcurHarness, request_token: &str) -> Response {
        let fields = [
            ("grant_type", "password"),
            ("credtype", "authtoken"),
            ("username", COMPANY),
            ("password", request_token),
        ];
        harness.token(&fields)
    }

    #[test]
    fn the_company_grant_works_at_any_host_and_names_the_right_one() {
        let mut harness = ConcurHarness::new();
        for host in ["glz", "us2", "eu2"] {
            harness.host = format!("{host}.api.concursolutions.com");
            let body = harness.sign_in();
            assert_eq!(body["geolocation"], "https://us2.api.concursolutions.com");
        }
    }

    #[test]
    fn success_bodies_have_their_forms() {
        let mut harness = ConcurHarness::new();
        let body = harness.sign_in();
        assert_eq!(
            (&body["expires_in"], &body["token_type"]),
            (&json!("3600"), &json!("Bearer"))
        );
        assert_eq!(body["refresh_expires_in"], NOW / 1000 + 180 * 86_400);
        assert!(body["scope"].as_str().expect("scopes").contains("INVPMT"));
        harness.machine.config.token.expires_in_number = true;
        harness.machine.config.token.refresh_expires_in = RefreshExpiresIn::Quoted;
        let body = harness.sign_in();
        assert_eq!(body["expires_in"], 3600);
        assert!(body["refresh_expires_in"].is_string());
        harness.machine.config.token.refresh_expires_in = RefreshExpiresIn::Missing;
        assert!(harness.sign_in().get("refresh_expires_in").is_none());
    }

    #[test]
    fn request_tokens_work_often_but_for_a_day_only() {
        let mut harness = ConcurHarness::new();
        let token = harness.machine.company_request_token(NOW);
        assert!(token.starts_with("at-"));
        for _ in 0..3 {
            assert_eq!(company(&mut harness, &token).status, 200);
        }
        harness.now = NOW + 86_400_000;
        let expired = company(&mut harness, &token);
        assert_eq!((expired.status, code(&expired)), (400, 5));
        assert_eq!(code(&company(&mut harness, "at-unknown")), 5);
    }

    #[test]
    fn refresh_tokens_stay_rotate_with_overlap_or_rotate_strictly() {
        for (mode, same, old_works) in [
            (RefreshMode::Same, true, true),
            (RefreshMode::RotateWithOverlap, false, true),
            (RefreshMode::RotateStrict, false, false),
        ] {
            let mut harness = ConcurHarness::new();
            harness.machine.config.token.refresh = mode;
            let first = harness.sign_in()["refresh_token"].clone();
            let second = refresh(&mut harness, &first).value()["refresh_token"].clone();
            assert_eq!(second == first, same, "{mode:?}");
            assert_eq!(
                refresh(&mut harness, &first).status == 200,
                old_works,
                "{mode:?}"
            );
            assert_eq!(refresh(&mut harness, &second).status, 200, "{mode:?}");
        }
    }

    #[test]
    fn using_a_refresh_token_pushes_its_expiry_out() {
        let mut harness = ConcurHarness::new();
        let token = harness.sign_in()["refresh_token"].clone();
        let half_a_life = 100 * 86_400_000;
        harness.now += half_a_life;
        assert_eq!(refresh(&mut harness, &token).status, 200);
        harness.now += half_a_life;
        assert_eq!(refresh(&mut harness, &token).status, 200);
        harness.now += 2 * half_a_life;
        assert_eq!(code(&refresh(&mut harness, &token)), 108);
    }

    #[test]
    fn a_move_shows_in_the_next_answer() {
        let mut harness = ConcurHarness::new();
        let token = harness.sign_in()["refresh_token"].clone();
        harness.machine.move_company("eu2");
        let moved = refresh(&mut harness, &token);
        assert_eq!(
            moved.value()["geolocation"],
            "https://eu2.api.concursolutions.com"
        );
        harness.machine.config.token.refresh_refused_elsewhere = true;
        let refused = refresh(&mut harness, &token);
        assert_eq!(
            (code(&refused), &refused.value()["geolocation"]),
            (108, &json!("https://eu2.api.concursolutions.com"))
        );
    }

    #[test]
    fn geolocation_has_its_oddities() {
        let mut harness = ConcurHarness::new();
        let mut written = |form| {
            harness.machine.config.token.geolocation = form;
            harness.sign_in()["geolocation"]
                .as_str()
                .expect("a URL")
                .to_owned()
        };
        assert_eq!(
            written(Geolocation::WithPath),
            "https://us2.api.concursolutions.com/oauth2/v0/token"
        );
        assert_eq!(
            written(Geolocation::UpperCase),
            "https://US2.API.CONCURSOLUTIONS.COM"
        );
        assert!(!written(Geolocation::OffTheList).ends_with("concursolutions.com"));
    }

    #[test]
    fn missing_credentials_have_their_codes() {
        let mut harness = ConcurHarness::new();
        let app = harness.machine.config.apps[0].clone();
        let id = ("client_id", app.client_id.as_str());
        let secret = ("client_secret", app.client_secrets[0].as_str());
        for (fields, expected) in [
            (vec![], 62),
            (vec![id], 63),
            (vec![("client_id", "x"), secret], 61),
            (vec![id, ("client_secret", "x")], 64),
            (vec![id, secret], 65),
        ] {
            assert_eq!(code(&harness.token_as(&fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn missing_fields_of_a_grant_have_their_codes() {
        let mut harness = ConcurHarness::new();
        let user = [("username", "u"), ("password", "p")];
        let consent = [("code", "c"), ("redirect_uri", "r")];
        // Grant, further fields, and the code of the answer.
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u64);
        let cases: [Case; 11] = [
            ("magic", &[], 60),
            ("password", &[], 51),
            ("password", &user[..1], 52),
            ("password", &[user[0], user[1], ("credtype", "x")], 120),
            ("password", &user, 100),
            ("refresh_token", &[], 106),
            ("authorization_code", &[], 101),
            ("authorization_code", &consent[..1], 102),
            ("authorization_code", &consent, 103),
            ("otp", &[], 56),
            ("client_credentials", &[("scope", "MORE")], 54),
        ];
        for (grant, fields, expected) in cases {
            let fields = [&[("grant_type", grant)], fields].concat();
            assert_eq!(code(&harness.token(&fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn statuses_follow_codes_unless_all_are_400() {
        let mut harness = ConcurHarness::new();
        let unknown = [("client_id", "x"), ("client_secret", "y")];
        assert_eq!(harness.token_as(&unknown).status, 401);
        harness.machine.config.token.all_errors_400 = true;
        assert_eq!(harness.token_as(&unknown).status, 400);
        harness.machine.config.token.all_errors_400 = false;
        harness.machine.config.apps[0].disabled = true;
        let disabled = harness.token(&[]);
        assert_eq!((disabled.status, code(&disabled)), (403, 59));
    }

    #[test]
    fn users_log_on_at_their_own_datacenter() {
        let mut harness = ConcurHarness::new();
        let fields = [
            ("grant_type", "password"),
            ("username", "ap.clerk@example.test"),
            ("password", "sandbox-password"),
        ];
        assert_eq!(harness.token(&fields).status, 200);
        harness.host = "eu2.api.concursolutions.com".into();
        let elsewhere = harness.token(&fields);
        assert_eq!((elsewhere.status, code(&elsewhere)), (400, 16));
        assert_eq!(
            elsewhere.value()["geolocation"],
            "https://us2.api.concursolutions.com"
        );
    }

    #[test]
    fn app_tokens_have_no_refresh_token_and_open_no_business() {
        let mut harness = ConcurHarness::new();
        let body = harness
            .token(&[("grant_type", "client_credentials")])
            .value();
        assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
        harness.token = body["access_token"].as_str().expect("a token").to_owned();
        assert_eq!(
            harness
                .send("GET", "/api/v3.1/invoice/vendors", None)
                .status,
            403
        );
    }

    #[test]
    fn codes_are_exchanged_once_with_their_redirect_uri() {
        let mut harness = ConcurHarness::new();
        let uri = "https://connector.example.test/concur";
        let exchange = |harness: &mut ConcurHarness, code: &str, uri: &str| {
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", uri),
            ];
            harness.token(&fields)
        };
        let first = harness.machine.issue_authorization_code(uri, NOW);
        assert_eq!(exchange(&mut harness, &first, uri).status, 200);
        assert_eq!(code(&exchange(&mut harness, &first, uri)), 103);
        let second = harness.machine.issue_authorization_code(uri, NOW);
        assert_eq!(
            code(&exchange(
                &mut harness,
                &second,
                "https://else.example.test"
            )),
            104
        );
    }

    #[test]
    fn query_secrets_charset_and_json_are_refused() {
        let mut harness = ConcurHarness::new();
        let ask = |harness: &mut ConcurHarness, target: &str, content_type: &str| {
            let request = Request::new(&harness.host, "POST", target)
                .with_header("Content-Type", content_type);
            code(&harness.machine.handle(&request, NOW, 0))
        };
        let form = "application/x-www-form-urlencoded";
        assert_eq!(ask(&mut harness, "/oauth2/v0/token", form), 62);
        assert_eq!(
            ask(&mut harness, "/oauth2/v0/token?client_secret=x", form),
            135
        );
        assert_eq!(
            ask(
                &mut harness,
                "/oauth2/v0/token",
                "application/x-www-form-urlencoded; charset=utf-8"
            ),
            135
        );
        assert_eq!(
            ask(&mut harness, "/oauth2/v0/token", "application/json"),
            135
        );
    }

    #[test]
    fn maintenance_is_code_134_for_the_company() {
        let mut harness = ConcurHarness::new();
        let token = harness.sign_in()["refresh_token"].clone();
        harness.machine.set_maintenance(true);
        assert_eq!(code(&refresh(&mut harness, &token)), 134);
        harness.machine.set_maintenance(false);
        assert_eq!(refresh(&mut harness, &token).status, 200);
    }

    #[test]
    fn tokens_of_another_app_are_refused() {
        let mut harness = ConcurHarness::new();
        let request_token = harness.machine.company_request_token(NOW);
        let refresh_token = harness.sign_in()["refresh_token"].clone();
        let other = App {
            client_id: "other".into(),
            client_secrets: vec!["s".into()],
            ..App::default()
        };
        harness.machine.config.apps.push(other);
        let identity = [("client_id", "other"), ("client_secret", "s")];
        let mut ask = |fields: &[(&str, &str)]| {
            let all: Vec<(&str, &str)> = identity.iter().chain(fields).copied().collect();
            code(&harness.token_as(&all))
        };
        let company = [
            ("grant_type", "password"),
            ("credtype", "authtoken"),
            ("username", COMPANY),
            ("password", request_token.as_str()),
        ];
        assert_eq!(ask(&company), 136);
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str().expect("a token")),
        ];
        assert_eq!(ask(&refresh), 105);
    }

    #[test]
    fn a_disconnected_company_cannot_refresh() {
        let mut harness = ConcurHarness::new();
        let token = harness.sign_in()["refresh_token"].clone();
        harness.machine.revoke_refresh_tokens();
        assert_eq!(code(&refresh(&mut harness, &token)), 108);
    }

    #[test]
    fn one_time_passwords_go_as_far_as_their_form() {
        let mut harness = ConcurHarness::new();
        let app = harness.machine.config.apps[0].clone();
        let base = [
            ("client_id", app.client_id.as_str()),
            ("client_secret", app.client_secrets[0].as_str()),
        ];
        let mut ask = |more: &[(&str, &str)]| {
            let fields: Vec<(&str, &str)> = base.iter().chain(more).copied().collect();
            let request = Request::new("us2.api.concursolutions.com", "POST", "/oauth2/v0/otp")
                .with_form(&fields);
            harness.machine.handle(&request, NOW, 0).value()
        };
        assert_eq!(ask(&[])["code"], 57);
        assert_eq!(ask(&[("channel_type", "pigeon")])["code"], 80);
        assert_eq!(ask(&[("channel_type", "email")])["code"], 58);
        assert_eq!(
            ask(&[
                ("channel_type", "email"),
                ("channel_handle", "a@example.test")
            ])["message"],
            "otp sent"
        );
    }
}

//! OAuth 2.0 by authorization code, with refresh tokens that work once
//! (source: freshbooks-authentication).

mod requests;
mod scopes;

use requests::{
    body_fields, invalid_client, invalid_grant, known_app, oauth_error, redirect_allowed,
    requested_scopes,
};
use std::collections::BTreeMap;

use serde_json::json;

use self::scopes::Scopes;
use super::config::FreshBooksConfig;
use crate::http::{Millis, Pairs, Request, Response, encode_form, first_value};
use crate::random::Random;

/// How long a code can be exchanged, in milliseconds. FreshBooks publishes no time; RFC 6749 allows
/// ten minutes at most.
const CODE_LIFE_MS: Millis = 5 * 60 * 1000;

/// FreshBooks answers an unknown client id with 500; what its page says is not documented, so that
/// this one may name what helps.
const UNKNOWN_APP_PAGE: &str = "<h1>Internal Server Error</h1><p>No app of the sandbox has this \
    client_id. `ml-connector-sandbox config` prints those that it has by default.</p>";

/// Long enough to make a token of about 1000 characters.
const SIGNATURE_CHARACTERS: usize = 800;

/// Codes and tokens of one account's owner.
#[derive(Debug)]
pub(crate) struct OAuth {
    random: Random,
    codes: BTreeMap<String, AuthorizationCode>,
    access: BTreeMap<String, AccessToken>,
    refresh: BTreeMap<String, RefreshToken>,
    /// Refresh tokens that were replaced, and how often they were presented since.
    spent: BTreeMap<String, u32>,
}

/// What an access token allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccessToken {
    pub(crate) scopes: Scopes,
    expires: Millis,
    app: Option<usize>,
}

#[derive(Debug)]
struct AuthorizationCode {
    app: usize,
    scopes: Scopes,
    redirect_uri: String,
    expires: Millis,
}

#[derive(Debug)]
struct RefreshToken {
    app: usize,
    scopes: Scopes,
    created_at_s: u64,
    access: String,
}

impl OAuth {
    /// Every token and code that is known.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let tokens = self.access.keys().chain(self.refresh.keys());
        tokens.chain(self.codes.keys()).cloned().collect()
    }

    /// No codes and no tokens yet.
    pub(crate) fn new(seed: u64) -> Self {
        let random = Random::new(seed, "freshbooks/oauth");
        Self {
            random,
            codes: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
            spent: BTreeMap::new(),
        }
    }

    /// The consent page: a person who always agrees.
    pub(crate) fn handle_consent_page(
        &mut self,
        request: &Request,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Response {
        let query = request.query();
        let client_id = first_value(&query, "client_id").unwrap_or_default();
        let Some(app) = config
            .apps
            .iter()
            .position(|app| app.client_id == client_id)
        else {
            return Response::typed(500, "text/html", UNKNOWN_APP_PAGE.into());
        };
        match self.issue_code(&query, app, config, now) {
            Ok(location) => Response::empty(302).with_header("location", &location),
            Err(reason) => {
                Response::typed(400, "text/html", format!("<h1>{reason}</h1>").into_bytes())
            }
        }
    }

    /// The token endpoint: a form or JSON, a code or a refresh token.
    pub(crate) fn handle_token_request(
        &mut self,
        request: &Request,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Response {
        let fields = body_fields(request);
        let Some(app) = known_app(&fields, config) else {
            return invalid_client();
        };
        let issued = match first_value(&fields, "grant_type") {
            Some("authorization_code") => self.exchange_code(&fields, app, config, now),
            Some("refresh_token") => self.exchange_refresh(&fields, app, config, now),
            Some(_) => Err(oauth_error(
                400,
                "unsupported_grant_type",
                "The grant type is not supported.",
            )),
            None => Err(oauth_error(
                400,
                "invalid_request",
                "grant_type is missing.",
            )),
        };
        issued.unwrap_or_else(|refused| refused)
    }

    /// Revocation: the token and its twin stop working at once.
    pub(crate) fn handle_revocation(
        &mut self,
        request: &Request,
        config: &FreshBooksConfig,
    ) -> Response {
        let fields = body_fields(request);
        if known_app(&fields, config).is_none() {
            return invalid_client();
        }
        let token = first_value(&fields, "token").unwrap_or_default();
        self.access.remove(token);
        if let Some(refresh) = self.refresh.remove(token) {
            self.access.remove(&refresh.access);
        }
        self.refresh.retain(|_, refresh| refresh.access != token);
        Response::json(200, &json!({}))
    }

    /// What a bearer token allows now; none if unknown or expired.
    pub(crate) fn access_token(&self, token: &str, now: Millis) -> Option<AccessToken> {
        self.access
            .get(token)
            .copied()
            .filter(|access| now < access.expires)
    }

    /// The code of a consent to the first app, with all that it may ask for.
    pub(crate) fn consent_to_first(&mut self, config: &FreshBooksConfig, now: Millis) -> String {
        let app = config.apps.first();
        let scopes = app
            .and_then(|app| requested_scopes(None, app))
            .unwrap_or_else(Scopes::all);
        let redirect_uri = app.and_then(|app| app.redirect_uris.first());
        let redirect_uri = redirect_uri.cloned().unwrap_or_default();
        let code = self.random.hex(64);
        let expires = now + CODE_LIFE_MS;
        let consented = AuthorizationCode {
            app: 0,
            scopes,
            redirect_uri,
            expires,
        };
        self.codes.insert(code.clone(), consented);
        code
    }

    /// A token of a person, outside any app.
    pub(crate) fn person_token(&mut self, config: &FreshBooksConfig, now: Millis) -> String {
        self.issue_access(None, Scopes::all(), config, now)
    }

    /// A token of the first app with these scopes and no more.
    #[cfg(test)]
    pub(crate) fn app_token(
        &mut self,
        scopes: &str,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> String {
        let scopes = Scopes::parse(scopes.split(' ')).expect("known scopes");
        self.issue_access(Some(0), scopes, config, now)
    }

    /// Ends every access token.
    pub(crate) fn expire_access_tokens(&mut self) {
        self.access.clear();
    }

    /// Ends every refresh token.
    pub(crate) fn revoke_refresh_tokens(&mut self) {
        self.refresh.clear();
    }

    /// How often the refresh token was presented after it was spent that was presented most often.
    pub(crate) fn spent_token_presentations_max(&self) -> u32 {
        self.spent.values().copied().max().unwrap_or_default()
    }

    /// How many refresh tokens are alive.
    pub(crate) fn live_refresh_tokens(&self) -> usize {
        self.refresh.len()
    }

    fn issue_code(
        &mut self,
        query: &Pairs,
        app: usize,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Result<String, &'static str> {
        if first_value(query, "response_type") != Some("code") {
            return Err("unsupported_response_type");
        }
        let redirect_uri = first_value(query, "redirect_uri").unwrap_or_default();
        if !redirect_allowed(redirect_uri, &config.apps[app], config) {
            return Err("The redirect uri included is not valid.");
        }
        let scopes = requested_scopes(first_value(query, "scope"), &config.apps[app]);
        let scopes = scopes.ok_or("The requested scope is invalid, unknown, or malformed.")?;
        let code = self.random.hex(64);
        let mut answer = vec![("code", code.as_str())];
        answer.extend(first_value(query, "state").map(|state| ("state", state)));
        let location = format!("{redirect_uri}?{}", encode_form(answer));
        let redirect_uri = redirect_uri.to_owned();
        self.codes.insert(
            code,
            AuthorizationCode {
                app,
                scopes,
                redirect_uri,
                expires: now + CODE_LIFE_MS,
            },
        );
        Ok(location)
    }

    fn exchange_code(
        &mut self,
        fields: &Pairs,
        app: usize,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Result<Response, Response> {
        let code = first_value(fields, "code").and_then(|code| self.codes.remove(code));
        let valid = |code: &AuthorizationCode| {
            code.app == app
                && now < code.expires
                && first_value(fields, "redirect_uri") == Some(code.redirect_uri.as_str())
        };
        let code = code.filter(valid).ok_or_else(invalid_grant)?;
        Ok(self.issue_pair(app, code.scopes, now / 1000, config, now))
    }

    fn exchange_refresh(
        &mut self,
        fields: &Pairs,
        app: usize,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Result<Response, Response> {
        if config.refresh_needs_redirect_uri && first_value(fields, "redirect_uri").is_none() {
            return Err(oauth_error(
                400,
                "invalid_request",
                "redirect_uri is missing.",
            ));
        }
        let token = first_value(fields, "refresh_token").unwrap_or_default();
        if let Some(presentations) = self.spent.get_mut(token) {
            *presentations += 1;
        }
        if self
            .refresh
            .get(token)
            .is_none_or(|refresh| refresh.app != app)
        {
            return Err(invalid_grant());
        }
        let spent = self.refresh.remove(token).ok_or_else(invalid_grant)?;
        self.spent.insert(token.to_owned(), 0);
        if config.refresh_kills_access_token {
            self.access.remove(&spent.access);
        }
        let created_at_s = if config.refresh_keeps_created_at {
            spent.created_at_s
        } else {
            now / 1000
        };
        Ok(self.issue_pair(app, spent.scopes, created_at_s, config, now))
    }

    /// A new pair; the app's earlier refresh token dies, by whatever grant it came.
    fn issue_pair(
        &mut self,
        app: usize,
        scopes: Scopes,
        created_at_s: u64,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Response {
        for (token, _) in self.refresh.extract_if(.., |_, refresh| refresh.app == app) {
            self.spent.insert(token, 0);
        }
        let access = self.issue_access(Some(app), scopes, config, now);
        let refresh = self.random.hex(64);
        let body = json!({"access_token": access, "token_type": "Bearer",
            "expires_in": config.access_token_life_s,
            "refresh_token": refresh, "scope": scopes.names(), "created_at": created_at_s,
            "direct_buy_tokens": {}});
        self.refresh.insert(
            refresh,
            RefreshToken {
                app,
                scopes,
                created_at_s,
                access,
            },
        );
        Response::json(200, &body)
    }

    fn issue_access(
        &mut self,
        app: Option<usize>,
        scopes: Scopes,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> String {
        self.access.retain(|_, access| now < access.expires);
        let payload = json!({"identity_id": config.identity_id, "jti": self.random.uuid(),
            "app": app.map(|app| &config.apps[app].client_id), "iat": now / 1000});
        let token = self.random.jwt(&payload, SIGNATURE_CHARACTERS);
        let expires = now + config.access_token_life_s * 1000;
        self.access.insert(
            token.clone(),
            AccessToken {
                scopes,
                expires,
                app,
            },
        );
        token
    }
}

impl AccessToken {
    /// Whether its holder may make a call of this HTTP method on a scope's object. A token without
    /// an app belongs to a person, who may do anything.
    pub(crate) fn permits(&self, object: &str, method: &str) -> bool {
        let verb = if method == "GET" { "read" } else { "write" };
        self.app.is_none() || self.scopes.allow(object, verb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "api.freshbooks.com";
    const REDIRECT: &str = "https://connector.example.test/oauth/freshbooks";

    fn oauth() -> (OAuth, FreshBooksConfig) {
        (OAuth::new(1), FreshBooksConfig::default())
    }

    fn authorize(
        oauth: &mut OAuth,
        config: &FreshBooksConfig,
        changes: &[(&str, &str)],
    ) -> Response {
        let mut fields = BTreeMap::from([
            ("response_type", "code"),
            ("client_id", "sandbox-freshbooks-client"),
            ("redirect_uri", REDIRECT),
        ]);
        fields.extend(changes.iter().copied());
        let target = format!("/oauth/authorize/?{}", encode_form(fields));
        oauth.handle_consent_page(&Request::new(HOST, "GET", &target), config, 0)
    }

    fn code(oauth: &mut OAuth, config: &FreshBooksConfig) -> String {
        let response = authorize(oauth, config, &[("state", "s&1")]);
        let location = response.header("location").expect("a redirect").to_owned();
        assert!(location.ends_with("&state=s%261"), "{location}");
        location
            .split("code=")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .expect("a code")
            .to_owned()
    }

    fn token(
        oauth: &mut OAuth,
        config: &FreshBooksConfig,
        changes: &[(&str, &str)],
        now: Millis,
    ) -> Response {
        let mut fields = BTreeMap::from([
            ("client_id", "sandbox-freshbooks-client"),
            ("client_secret", "sandbox-freshbooks-secret"),
            ("redirect_uri", REDIRECT),
        ]);
        fields.extend(changes.iter().copied());
        let fields: Vec<(&str, &str)> = fields.into_iter().collect();
        oauth.handle_token_request(
            &Request::new(HOST, "POST", "/auth/oauth/token").with_form(&fields),
            config,
            now,
        )
    }

    fn by_code(oauth: &mut OAuth, config: &FreshBooksConfig, code: &str, now: Millis) -> Response {
        token(
            oauth,
            config,
            &[("grant_type", "authorization_code"), ("code", code)],
            now,
        )
    }

    fn by_refresh(
        oauth: &mut OAuth,
        config: &FreshBooksConfig,
        refresh: &str,
        now: Millis,
    ) -> Response {
        token(
            oauth,
            config,
            &[("grant_type", "refresh_token"), ("refresh_token", refresh)],
            now,
        )
    }

    fn text(response: &Response, field: &str) -> String {
        response.value()[field]
            .as_str()
            .expect("a string")
            .to_owned()
    }

    #[test]
    fn consent_needs_a_known_app_redirect_and_scope() {
        let (mut oauth, config) = oauth();
        assert_eq!(authorize(&mut oauth, &config, &[]).status, 302);
        assert_eq!(
            authorize(&mut oauth, &config, &[("client_id", "stranger")]).status,
            500
        );
        assert_eq!(
            authorize(
                &mut oauth,
                &config,
                &[("redirect_uri", "https://else.example.test/")]
            )
            .status,
            400
        );
        assert_eq!(
            authorize(
                &mut oauth,
                &config,
                &[("scope", "user:invoices:read user:x:read")]
            )
            .status,
            400
        );
        assert_eq!(
            authorize(&mut oauth, &config, &[("response_type", "token")]).status,
            400
        );
    }

    #[test]
    fn the_app_that_the_documentation_shows_is_redirected() {
        let page = include_str!("../../../../docs/sandbox.md");
        let examples = page.split("```toml\n").skip(1);
        let example = examples
            .filter_map(|rest| rest.split("```").next())
            .find(|example| example.contains("[[freshbooks.apps]]"));
        let config: crate::SandboxConfig =
            toml::from_str(example.expect("an example")).expect("a configuration");
        let app = &config.freshbooks.apps[0];
        let uri = app.redirect_uris[0].as_str();
        assert!(uri.starts_with("http://127.0.0.1:"));
        let mut oauth = OAuth::new(1);
        let mut asked = [("client_id", app.client_id.as_str()), ("redirect_uri", uri)];
        let answer = authorize(&mut oauth, &config.freshbooks, &asked);
        assert_eq!(answer.status, 302);
        let location = answer.header("location").expect("a redirect");
        assert!(location.starts_with(uri), "{location}");
        let not_registered = uri.replace("/oauth/", "/other/");
        asked[1].1 = &not_registered;
        let refused = authorize(&mut oauth, &config.freshbooks, &asked);
        assert_eq!(refused.status, 400);
    }

    #[test]
    fn codes_work_once_and_for_five_minutes() {
        let (mut oauth, config) = oauth();
        let first = code(&mut oauth, &config);
        assert_eq!(by_code(&mut oauth, &config, &first, 299_999).status, 200);
        assert_eq!(
            text(&by_code(&mut oauth, &config, &first, 299_999), "error"),
            "invalid_grant"
        );
        let second = code(&mut oauth, &config);
        assert_eq!(by_code(&mut oauth, &config, &second, 300_000).status, 400);
    }

    #[test]
    fn tokens_are_long_and_live_twelve_hours() {
        let (mut oauth, config) = oauth();
        let code = code(&mut oauth, &config);
        let issued = by_code(&mut oauth, &config, &code, 5_000);
        let body = issued.value();
        assert_eq!(
            (&body["expires_in"], &body["created_at"]),
            (&json!(43_200), &json!(5))
        );
        assert_eq!(body["direct_buy_tokens"], json!({}));
        let access = text(&issued, "access_token");
        assert!((900..1100).contains(&access.len()), "{}", access.len());
        assert_eq!(text(&issued, "refresh_token").len(), 64);
        assert!(oauth.access_token(&access, 43_204_999).is_some());
        assert!(oauth.access_token(&access, 43_205_000).is_none());
    }

    #[test]
    fn refresh_tokens_are_single_use() {
        let (mut oauth, config) = oauth();
        let code = code(&mut oauth, &config);
        let first = text(&by_code(&mut oauth, &config, &code, 0), "refresh_token");
        let second = by_refresh(&mut oauth, &config, &first, 1000);
        assert_eq!(second.status, 200);
        let again = by_refresh(&mut oauth, &config, &first, 1000);
        assert_eq!(
            (again.status, text(&again, "error")),
            (400, "invalid_grant".into())
        );
        assert_eq!(
            by_refresh(&mut oauth, &config, &text(&second, "refresh_token"), 2000).status,
            200
        );
    }

    #[test]
    fn a_second_consent_kills_the_earlier_refresh_token() {
        let (mut oauth, config) = oauth();
        let one = code(&mut oauth, &config);
        let first = text(&by_code(&mut oauth, &config, &one, 0), "refresh_token");
        let two = code(&mut oauth, &config);
        assert_eq!(by_code(&mut oauth, &config, &two, 0).status, 200);
        assert_eq!(by_refresh(&mut oauth, &config, &first, 0).status, 400);
        assert_eq!(oauth.live_refresh_tokens(), 1);
    }

    #[test]
    fn the_old_access_token_outlives_a_refresh_unless_switched() {
        for kills in [false, true] {
            let (mut oauth, mut config) = oauth();
            config.refresh_kills_access_token = kills;
            let code = code(&mut oauth, &config);
            let issued = by_code(&mut oauth, &config, &code, 0);
            by_refresh(&mut oauth, &config, &text(&issued, "refresh_token"), 1);
            assert_eq!(
                oauth
                    .access_token(&text(&issued, "access_token"), 2)
                    .is_none(),
                kills
            );
        }
    }

    #[test]
    fn created_at_may_be_the_first_pairs() {
        let (mut oauth, mut config) = oauth();
        config.refresh_keeps_created_at = true;
        let code = code(&mut oauth, &config);
        let issued = by_code(&mut oauth, &config, &code, 7_000);
        let refreshed = by_refresh(&mut oauth, &config, &text(&issued, "refresh_token"), 90_000);
        assert_eq!(refreshed.value()["created_at"], 7);
    }

    #[test]
    fn json_bodies_are_read_too() {
        let (mut oauth, config) = oauth();
        let code = code(&mut oauth, &config);
        let body = json!({"client_id": "sandbox-freshbooks-client",
            "client_secret": "sandbox-freshbooks-secret",
            "grant_type": "authorization_code", "redirect_uri": REDIRECT, "code": code});
        let request = Request::new(HOST, "POST", "/auth/oauth/token").with_json(&body);
        assert_eq!(oauth.handle_token_request(&request, &config, 0).status, 200);
    }

    #[test]
    fn wrong_secret_is_401() {
        let (mut oauth, config) = oauth();
        let refused = token(
            &mut oauth,
            &config,
            &[("client_secret", "wrong"), ("grant_type", "refresh_token")],
            0,
        );
        assert_eq!(
            (refused.status, text(&refused, "error")),
            (401, "invalid_client".into())
        );
    }

    #[test]
    fn revoked_access_tokens_stop_at_once() {
        let (mut oauth, config) = oauth();
        let code = code(&mut oauth, &config);
        let issued = by_code(&mut oauth, &config, &code, 0);
        let access = text(&issued, "access_token");
        let fields = [
            ("client_id", "sandbox-freshbooks-client"),
            ("client_secret", "sandbox-freshbooks-secret"),
            ("token", &access),
        ];
        let request = Request::new(HOST, "POST", "/auth/oauth/revoke").with_form(&fields);
        let answer = oauth.handle_revocation(&request, &config);
        assert_eq!((answer.status, answer.value()), (200, json!({})));
        assert!(oauth.access_token(&access, 1).is_none());
    }
}

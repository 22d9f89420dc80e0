//! What each grant needs, and what it leads to (source: concur-authentication).

use std::collections::BTreeSet;

use super::errors::TokenError;
use super::requests::{TokenRequest, otp_error};
use super::{OAuth, Principal};
use crate::concur::config::LANDING_ZONE;
use crate::http::first_value;

/// What a grant leads to: a principal with scopes, and the refresh token that was used, if any.
pub(super) struct Granted {
    pub(super) principal: Principal,
    pub(super) scopes: BTreeSet<String>,
    pub(super) refreshed: Option<String>,
}

impl OAuth {
    pub(super) fn grant(&mut self, asked: &TokenRequest) -> Result<Granted, TokenError> {
        let grant = first_value(&asked.fields, "grant_type").ok_or(TokenError::GrantTypeMissing)?;
        let app = asked.app();
        if app.refused_grants.iter().any(|refused| refused == grant) {
            return Err(TokenError::GrantNotAllowed);
        }
        match grant {
            "password" => self.grant_password(asked),
            "refresh_token" => self.grant_refresh(asked),
            "authorization_code" => self.grant_code(asked),
            "client_credentials" => Ok(granted(Principal::App, asked.scopes()?)),
            "otp" => Err(otp_error(&asked.fields).unwrap_or(TokenError::OtpUnknown)),
            _ => Err(TokenError::GrantNotAllowed),
        }
    }

    fn grant_password(&mut self, asked: &TokenRequest) -> Result<Granted, TokenError> {
        let username = asked.required("username", TokenError::UsernameMissing)?;
        let password = asked.required("password", TokenError::PasswordMissing)?;
        match first_value(&asked.fields, "credtype").unwrap_or("password") {
            "authtoken" => self.grant_company(asked, username, password),
            "password" => grant_user(asked, username, password),
            _ => Err(TokenError::CredtypeInvalid),
        }
    }

    fn grant_company(
        &mut self,
        asked: &TokenRequest,
        uuid: &str,
        token: &str,
    ) -> Result<Granted, TokenError> {
        let known = self
            .request_tokens
            .get(token)
            .filter(|token| asked.now < token.expires);
        let known = known.filter(|_| uuid.eq_ignore_ascii_case(&asked.config.company_uuid));
        match known.ok_or(TokenError::BadCredentials)?.app {
            app if app != asked.app => Err(TokenError::IssuedForAnotherApp),
            _ if asked.app().not_enabled => Err(TokenError::CompanyNotEnabled),
            _ if asked.config.token.maintenance => Err(TokenError::Maintenance),
            _ => Ok(granted(Principal::Company, asked.scopes()?)),
        }
    }

    fn grant_refresh(&mut self, asked: &TokenRequest) -> Result<Granted, TokenError> {
        let token = asked.required("refresh_token", TokenError::RefreshTokenMissing)?;
        let known = self
            .refresh
            .get(token)
            .filter(|refresh| asked.now < refresh.expires);
        let refresh = known.ok_or(TokenError::RefreshTokenBad)?;
        if refresh.app != asked.app {
            return Err(TokenError::OtherClient);
        }
        let elsewhere = asked.host != asked.config.datacenter && asked.host != LANDING_ZONE;
        if elsewhere && asked.config.token.refresh_refused_elsewhere {
            return Err(TokenError::RefreshTokenBad);
        }
        if asked.config.token.maintenance && refresh.principal == Principal::Company {
            return Err(TokenError::Maintenance);
        }
        let scopes = if first_value(&asked.fields, "scope").is_some() {
            asked.scopes()?
        } else {
            refresh.scopes.clone()
        };
        let mut granted = granted(refresh.principal.clone(), scopes);
        granted.refreshed = Some(token.to_owned());
        Ok(granted)
    }

    fn grant_code(&mut self, asked: &TokenRequest) -> Result<Granted, TokenError> {
        let code = asked.required("code", TokenError::CodeMissing)?;
        let redirect_uri = asked.required("redirect_uri", TokenError::RedirectUriMissing)?;
        let code = self
            .codes
            .remove(code)
            .filter(|code| asked.now < code.expires)
            .ok_or(TokenError::CodeBad)?;
        if code.app != asked.app {
            return Err(TokenError::OtherClient);
        }
        if code.redirect_uri != redirect_uri {
            return Err(TokenError::RedirectUriDiffers);
        }
        Ok(granted(Principal::User(0), asked.scopes()?))
    }
}

fn grant_user(asked: &TokenRequest, username: &str, password: &str) -> Result<Granted, TokenError> {
    let employees = &asked.config.employees;
    let at = employees
        .iter()
        .position(|employee| employee.login_id.eq_ignore_ascii_case(username));
    let at = at.ok_or(TokenError::UsernameUnknown)?;
    if asked.host != asked.config.datacenter {
        return Err(TokenError::OtherDatacenter);
    }
    if employees[at].password.as_deref() != Some(password) {
        return Err(TokenError::BadCredentials);
    }
    Ok(granted(Principal::User(at), asked.scopes()?))
}

fn granted(principal: Principal, scopes: BTreeSet<String>) -> Granted {
    Granted {
        principal,
        scopes,
        refreshed: None,
    }
}

//! The token endpoint's codes (source: concur-authentication).

use serde_json::{Value, json};

use crate::concur::config::ConcurConfig;
use crate::http::Response;

/// Codes that this sandbox answers with, by their documented numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    BadCredentials = 5,
    OtherDatacenter = 16,
    UsernameMissing = 51,
    PasswordMissing = 52,
    CompanyNotEnabled = 53,
    ScopeNotGranted = 54,
    OtpMissing = 56,
    ChannelTypeMissing = 57,
    ChannelHandleMissing = 58,
    ClientDisabled = 59,
    GrantNotAllowed = 60,
    ClientUnknown = 61,
    ClientIdMissing = 62,
    ClientSecretMissing = 63,
    SecretWrong = 64,
    GrantTypeMissing = 65,
    ChannelTypeBad = 80,
    OtpUnknown = 83,
    UsernameUnknown = 100,
    CodeMissing = 101,
    RedirectUriMissing = 102,
    CodeBad = 103,
    RedirectUriDiffers = 104,
    OtherClient = 105,
    RefreshTokenMissing = 106,
    RefreshTokenBad = 108,
    CredtypeInvalid = 120,
    Maintenance = 134,
    FormatUnsupported = 135,
    IssuedForAnotherApp = 136,
}

impl TokenError {
    /// The answer; a geolocation is added where the docs show one.
    pub(crate) fn response(
        self,
        config: &ConcurConfig,
        geolocation: Option<&str>,
        correlation: &str,
    ) -> Response {
        let (error, description) = self.error_and_description();
        let mut body = json!({"code": self as u32, "error": error, "error_description": description,
            "concur-correlationid": correlation});
        if let Some(geolocation) = geolocation {
            body["geolocation"] = Value::from(geolocation);
        }
        let status = if config.token.all_errors_400 {
            400
        } else {
            self.status()
        };
        Response::json(status, &body)
    }

    fn status(self) -> u16 {
        match self {
            Self::ClientUnknown | Self::SecretWrong => 401,
            Self::CompanyNotEnabled | Self::ClientDisabled | Self::IssuedForAnotherApp => 403,
            _ => 400,
        }
    }

    fn error_and_description(self) -> (&'static str, &'static str) {
        match self {
            Self::BadCredentials => ("invalid_grant", "Incorrect Credentials. Please Retry"),
            Self::OtherDatacenter => ("invalid_request", "user lives elsewhere"),
            Self::UsernameMissing => ("invalid_request", "username was not supplied"),
            Self::PasswordMissing => ("invalid_request", "password was not supplied"),
            Self::CompanyNotEnabled => ("invalid_client", "company is not enabled for this client"),
            Self::ScopeNotGranted => ("invalid_scope", "requested scope exceeds granted scope"),
            Self::OtpMissing => ("invalid_request", "otp was not supplied"),
            Self::ChannelTypeMissing => ("invalid_request", "channel_type was not supplied"),
            Self::ChannelHandleMissing => ("invalid_request", "channel_handle was not supplied"),
            Self::ClientDisabled => ("access_denied", "client disabled"),
            Self::GrantNotAllowed => ("invalid_grant", "grant type is not allowed for this client"),
            Self::ClientUnknown => ("invalid_client", "client does not exist"),
            Self::ClientIdMissing => ("invalid_request", "client_id was not supplied"),
            Self::ClientSecretMissing => ("invalid_request", "client_secret was not supplied"),
            Self::SecretWrong => ("invalid_client", "client credentials are invalid"),
            Self::GrantTypeMissing => ("invalid_request", "grant_type was not supplied"),
            Self::ChannelTypeBad => ("invalid_request", "channel_type is invalid"),
            Self::OtpUnknown => ("invalid_request", "otp was not found"),
            Self::UsernameUnknown => ("invalid_request", "user is unknown"),
            Self::CodeMissing => ("invalid_request", "code was not supplied"),
            Self::RedirectUriMissing => ("invalid_request", "redirect_uri was not supplied"),
            Self::CodeBad => ("invalid_request", "code is bad or expired"),
            Self::RedirectUriDiffers => ("invalid_grant", "redirect_uri does not match"),
            Self::OtherClient => ("invalid_grant", "grant was not issued to this client"),
            Self::RefreshTokenMissing => ("invalid_request", "refresh_token was not supplied"),
            Self::RefreshTokenBad => ("invalid_grant", "bad or expired refresh token"),
            Self::CredtypeInvalid => ("invalid_request", "credtype is invalid"),
            Self::Maintenance => ("invalid_request", "company is under scheduled maintenance"),
            Self::FormatUnsupported => ("invalid_request", "request format is not supported"),
            Self::IssuedForAnotherApp => {
                ("invalid_request", "auth token was issued for another app")
            }
        }
    }
}

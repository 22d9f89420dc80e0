//! The numbers with which SAP Concur refuses a token request (source: concur-authentication).

use self::Cure::{AskThere, FixSettings, Reconnect, ReportDefect, Wait};

/// What helps against a refused token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// A new company request token.
    Reconnect,
    /// Other settings, or a change of the app at SAP Concur.
    FixSettings,
    /// The request itself is wrong: empty settings, or a defect here.
    ReportDefect,
    /// The datacenter that the answer names; where it names no other, a new company request token.
    AskThere,
    /// Nothing but time: the same request is sent again.
    Wait,
}

/// What helps against a code, and what it means; nothing for a code that is not published.
pub(super) fn error_meaning(code: u64) -> Option<(Cure, &'static str)> {
    let found = ERRORS.iter().find(|(known, ..)| *known == code);
    found.map(|(_, cure, meaning)| (*cure, *meaning))
}

#[rustfmt::skip]
const ERRORS: [(u64, Cure, &str); 53] = [
    (5, Reconnect, "bad credentials, or the request token is wrong or older than 24 hours"),
    (10, Reconnect, "the account is disabled"),
    (11, Reconnect, "the account is disabled"),
    (12, Reconnect, "the logon was denied"),
    (13, Reconnect, "the logon was denied"),
    (14, Reconnect, "the account is locked"),
    (16, AskThere, "the company lives in another datacenter"),
    (19, Reconnect, "bad credentials"),
    (20, FixSettings, "the logon was denied, usually because of an IP restriction at SAP Concur"),
    (21, FixSettings, "the company allows single sign-on only"),
    (51, ReportDefect, "the user name is missing"),
    (52, ReportDefect, "the password is missing"),
    (53, Reconnect, "the company has not enabled this app"),
    (54, FixSettings, "more scopes were asked for than the app has"),
    (55, ReportDefect, "the e-mail address is unknown"),
    (56, ReportDefect, "the one-time password is missing"),
    (57, ReportDefect, "the channel type is missing"),
    (58, ReportDefect, "the channel handle is missing"),
    (59, FixSettings, "the app is disabled"),
    (60, FixSettings, "the app may not use this kind of grant"),
    (61, FixSettings, "the client id is unknown here"),
    (62, ReportDefect, "the client id is missing"),
    (63, ReportDefect, "the client secret is missing"),
    (64, FixSettings, "the client secret is wrong"),
    (65, ReportDefect, "the kind of grant is missing"),
    (80, ReportDefect, "the channel type is wrong"),
    (81, ReportDefect, "the channel handle is wrong"),
    (83, ReportDefect, "the one-time password is unknown"),
    (84, ReportDefect, "the check of facts failed"),
    (85, ReportDefect, "the check of the one-time password failed"),
    (100, Reconnect, "the company is unknown"),
    (101, ReportDefect, "the code is missing"),
    (102, ReportDefect, "the redirect URI is missing"),
    (103, Reconnect, "the code is wrong or has expired"),
    (104, ReportDefect, "the redirect URI differs from the first one"),
    (105, FixSettings, "the grant was issued to another app"),
    (106, ReportDefect, "the refresh token is missing"),
    (107, FixSettings, "the app may not refresh tokens"),
    (108, AskThere, "the refresh token is wrong or has expired"),
    (109, ReportDefect, "the login id is missing"),
    (115, FixSettings, "the app was not authenticated"),
    (117, ReportDefect, "the nonce is missing"),
    (118, ReportDefect, "the display is wrong"),
    (119, ReportDefect, "the prompt is wrong"),
    (120, ReportDefect, "the kind of credential is wrong"),
    (121, ReportDefect, "the kind of login is wrong"),
    (122, ReportDefect, "the proxies are wrong"),
    (123, Reconnect, "the principal is disabled"),
    (124, ReportDefect, "the product is wrong"),
    (134, Wait, "the company is under scheduled maintenance"),
    (135, ReportDefect, "the format of the request is not supported"),
    (136, FixSettings, "the token was issued to another app"),
    (139, FixSettings, "the password must be changed first"),
];

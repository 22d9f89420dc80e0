//! Which base URLs of SAP Concur tokens may be sent to.
//!
//! A token answer's `geolocation` is a URL that the other side chooses and that the connector then
//! sends tokens to. So it is only ever compared with a list; what is used is always an entry of
//! that list.

use alloc::format;
use alloc::string::String;

/// The datacenters of SAP's base URI page, then those that it listed until 2023 and that stored
/// geolocations and SAP's own samples still name (source: concur-base-uris).
const DATACENTERS: [&str; 9] = [
    "us2",
    "eu2",
    "apj1",
    "usg",
    "us-impl",
    "emea-impl",
    "us",
    "eu",
    "emea",
];

/// The global landing zone, for token requests; the one host without a `www-` twin
/// (source: concur-base-uris).
const LANDING_ZONE: &str = "glz";

const DOMAIN: &str = ".api.concursolutions.com";

/// Why a base URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GeolocationError {
    /// Not the URL of a host: no scheme, no host, or a user name in it. The remote is at fault.
    Malformed,
    /// Neither one of SAP's published bases nor listed in the setting `extra_bases`.
    Unlisted,
}

/// The base URL to store for `raw`, lower case, without a path or a slash at the end.
///
/// Accepts `https` at port 443 on SAP's published hosts and their `www-` twins. `extra_bases` are
/// further origins for test systems, such as `http://127.0.0.1:8080`: scheme, host and port must
/// all be the same.
///
/// # Errors
///
/// [`GeolocationError`] for everything else; then nothing may be sent there. To a host:
///
/// ```
/// use ml_connector_component::contract::credentials::{Grant, TokenField, TokenResponse};
/// use ml_connector_component::contract::types::System;
/// use ml_connector_component::credentials::{absent_credential, read_token_response};
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let base = |geolocation: &str| {
///     let response = TokenResponse {
///         status: 200,
///         json: format!(r#"{{"access_token": "", "geolocation": "{geolocation}"}}"#),
///         secrets_present: vec![TokenField::AccessToken],
///     };
///     let credential = absent_credential(System::Concur);
///     let app = settings.app(System::Concur);
///     read_token_response(&app, &credential, Grant::CompanyRequestToken, &response, 0)
///         .map(|credential| credential.base.unwrap_or_default())
///         .map_err(|failure| failure.code)
/// };
/// let eu2 = "https://eu2.api.concursolutions.com";
/// assert_eq!(base("https://EU2.api.concursolutions.com/path").as_deref(), Ok(eu2));
/// let elsewhere = base("https://eu2.api.concursolutions.com.evil.test");
/// assert_eq!(elsewhere, Err("geolocation-refused".to_string()));
/// ```
pub(crate) fn pin(raw: &str, extra_bases: &[String]) -> Result<String, GeolocationError> {
    let origin = origin(raw).ok_or(GeolocationError::Malformed)?;
    if is_published(&origin) || is_listed(&origin, extra_bases) {
        Ok(origin)
    } else {
        Err(GeolocationError::Unlisted)
    }
}

/// Scheme, host and port in lower case; the path is dropped since one of SAP's samples has one.
fn origin(raw: &str) -> Option<String> {
    let lower = raw.to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let host = match scheme {
        "https" => authority.strip_suffix(":443").unwrap_or(authority),
        "http" => authority,
        _ => return None,
    };
    Some(format!("{scheme}://{host}"))
}

fn is_published(origin: &str) -> bool {
    let name = origin
        .strip_prefix("https://")
        .and_then(|host| host.strip_suffix(DOMAIN));
    name.is_some_and(|name| {
        name == LANDING_ZONE || DATACENTERS.contains(&name.strip_prefix("www-").unwrap_or(name))
    })
}

fn is_listed(candidate: &str, extra_bases: &[String]) -> bool {
    extra_bases
        .iter()
        .any(|base| origin(base).as_deref() == Some(candidate))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn pinned(raw: &str) -> Result<String, GeolocationError> {
        pin(raw, &[])
    }

    #[test]
    fn published_bases_and_their_twins_are_kept() {
        let names = "us2 eu2 apj1 usg us-impl emea-impl us eu emea";
        for name in names.split(' ') {
            for host in [name.to_string(), format!("www-{name}")] {
                let base = format!("https://{host}.api.concursolutions.com");
                assert_eq!(pinned(&base), Ok(base));
            }
        }
        let landing_zone = "https://glz.api.concursolutions.com";
        assert_eq!(pinned(landing_zone).as_deref(), Ok(landing_zone));
    }

    #[test]
    fn case_path_and_the_default_port_are_evened_out() {
        for raw in [
            "https://EU2.api.concursolutions.com",
            "HTTPS://eu2.api.concursolutions.com/",
            "https://eu2.api.concursolutions.com/oauth2/v0/token",
            "https://eu2.api.concursolutions.com:443/x?y#z",
        ] {
            assert_eq!(
                pinned(raw).as_deref(),
                Ok("https://eu2.api.concursolutions.com")
            );
        }
    }

    #[test]
    fn look_alikes_are_unlisted() {
        for raw in [
            "http://us2.api.concursolutions.com",
            "https://us2.api.concursolutions.com:8443",
            "https://us2.api.concursolutions.com:443:443",
            "https://us2.api.concursolutions.com.",
            "https://us2.api.concursolutions.com.evil.test",
            "https://us2.api.concursolutions.com\\.evil.test",
            "https://evil.test/us2.api.concursolutions.com",
            "https://evilus2.api.concursolutions.com",
            "https://us2 .api.concursolutions.com",
            "https://us2.api.concursolutions.com%2eevil.test",
            "https://www-www-us2.api.concursolutions.com",
            "https://www-glz.api.concursolutions.com",
            "https://www.concursolutions.com",
            "https://eu1.concursolutions.com",
            "https://integration.api.concursolutions.com",
            "https://seapr1qes.concurasp.com",
            "https://.api.concursolutions.com",
            "https://127.0.0.1",
            "https://[::1]",
            "https://169.254.169.254/latest",
        ] {
            assert_eq!(pinned(raw), Err(GeolocationError::Unlisted), "{raw}");
        }
    }

    #[test]
    fn what_is_no_host_is_malformed() {
        for raw in [
            "",
            "us2.api.concursolutions.com",
            "//us2.api.concursolutions.com",
            "https://",
            "https:///x",
            "https://user@us2.api.concursolutions.com",
            "https://us2.api.concursolutions.com@evil.test",
            "ftp://us2.api.concursolutions.com",
            " https://us2.api.concursolutions.com",
        ] {
            assert_eq!(pinned(raw), Err(GeolocationError::Malformed), "{raw:?}");
        }
    }

    #[test]
    fn extra_bases_count_exactly() {
        let extra = [
            "http://127.0.0.1:8080".to_string(),
            "https://Test.example/".to_string(),
        ];
        assert_eq!(
            pin("http://127.0.0.1:8080/oauth2", &extra).as_deref(),
            Ok("http://127.0.0.1:8080")
        );
        assert_eq!(
            pin("https://test.example:443", &extra).as_deref(),
            Ok("https://test.example")
        );
        for raw in [
            "http://127.0.0.1",
            "http://127.0.0.1:80",
            "https://127.0.0.1:8080",
            "http://test.example",
        ] {
            assert_eq!(pin(raw, &extra), Err(GeolocationError::Unlisted), "{raw}");
        }
    }

    #[test]
    fn a_broken_extra_base_lets_nothing_in() {
        let extra = ["".to_string(), "https://".to_string(), "*".to_string()];
        assert!(pin("https://evil.test", &extra).is_err());
        assert!(pin("", &extra).is_err());
    }

    proptest! {
        #[test]
        fn only_published_hosts_come_out(raw in concat!(
            r"(https?://)?[-a-z0-9@:./\\]{0,12}(us2|www-eu)?[-.@:/\\]?",
            r"(\.api\.concursolutions\.com)?\PC{0,10}",
        )) {
            if let Ok(base) = pinned(&raw) {
                let host = base.strip_prefix("https://").and_then(|rest| rest.strip_suffix(DOMAIN));
                let host = host.map(|name| name.trim_start_matches("www-"));
                prop_assert!(host.is_some_and(|name| name == "glz" || DATACENTERS.contains(&name)));
                prop_assert_eq!(pinned(&base), Ok(base));
            }
        }

        #[test]
        fn never_panics(raw: String, extra in proptest::collection::vec(any::<String>(), 0..4)) {
            let _ = pin(&raw, &extra);
        }
    }
}

//! Where requests may go: exact origins from the settings and SAP's published list, nothing else.
//!
//! The component has pinned and checked the base of a credential already; here it is checked again,
//! since this is the one place where a token leaves.

use hyper::Uri;

use crate::contract::settings::Endpoints;
use crate::contract::types::System;

/// SAP Concur's datacenters and global landing zone
/// (source: concur-base-uris; those listed until 2023 last).
const CONCUR_HOSTS: [&str; 10] = [
    "us2",
    "eu2",
    "apj1",
    "usg",
    "us-impl",
    "emea-impl",
    "glz",
    "us",
    "eu",
    "emea",
];

const CONCUR_DOMAIN: &str = ".api.concursolutions.com";

/// Why nothing is sent to a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not of the form `https://host[:port]`.
    #[error("`{0}` is not a base URL of the form https://host")]
    Malformed(String),
    /// Neither published by SAP nor named in the settings.
    #[error(
        "`{0}` is neither one of SAP Concur's published base URLs nor listed in the setting \
         `concur.extra_bases`"
    )]
    Unlisted(String),
}

/// A base URL that requests may be sent to: scheme, host and port, in lower case, without a slash
/// at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// The base URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(base: &str) -> Result<Self, OriginError> {
        let malformed = || OriginError::Malformed(base.into());
        let uri: Uri = base.parse().map_err(|_| malformed())?;
        let scheme = uri.scheme_str().ok_or_else(malformed)?;
        let authority = uri.authority().ok_or_else(malformed)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !bare || !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
            return Err(malformed());
        }
        let host = authority.as_str().to_ascii_lowercase();
        let host = match scheme {
            "https" => host.strip_suffix(":443").unwrap_or(&host),
            _ => &host,
        };
        Ok(Self(format!("{scheme}://{host}")))
    }

    fn is_published_by_concur(&self) -> bool {
        let name = self
            .0
            .strip_prefix("https://")
            .and_then(|host| host.strip_suffix(CONCUR_DOMAIN));
        name.is_some_and(|name| CONCUR_HOSTS.contains(&name.strip_prefix("www-").unwrap_or(name)))
    }
}

/// The origins of one connection.
#[derive(Debug, Clone)]
pub struct Origins {
    /// FreshBooks' API and token endpoint.
    pub freshbooks: Origin,
    /// Where SAP Concur's company tokens are asked for.
    pub concur_token: Origin,
    concur_extra: Vec<Origin>,
}

impl Origins {
    /// The origins of the endpoints that `settings.endpoints` returns.
    ///
    /// # Errors
    ///
    /// [`OriginError::Malformed`] for one that is no base URL.
    pub fn from_endpoints(endpoints: &Endpoints) -> Result<Self, OriginError> {
        let extra = endpoints.concur_extra.iter();
        Ok(Self {
            freshbooks: Origin::parse(&endpoints.freshbooks)?,
            concur_token: Origin::parse(&endpoints.concur_token)?,
            concur_extra: extra
                .map(|base| Origin::parse(base))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The origin of the base URL of a credential or token request of a system.
    ///
    /// # Errors
    ///
    /// [`OriginError`] if nothing may be sent there.
    pub fn of_base(&self, system: System, base: &str) -> Result<Origin, OriginError> {
        let origin = Origin::parse(base)?;
        match system {
            System::Concur => self.concur(base),
            System::Freshbooks if origin == self.freshbooks => Ok(origin),
            System::Freshbooks => Err(OriginError::Unlisted(base.into())),
        }
    }

    /// The origin of a credential's pinned base.
    ///
    /// # Errors
    ///
    /// [`OriginError`] if nothing may be sent there.
    pub fn concur(&self, base: &str) -> Result<Origin, OriginError> {
        let origin = Origin::parse(base)?;
        let listed = origin == self.concur_token || self.concur_extra.contains(&origin);
        if listed || origin.is_published_by_concur() {
            Ok(origin)
        } else {
            Err(OriginError::Unlisted(base.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(extra: &[&str]) -> Origins {
        Origins::from_endpoints(&Endpoints {
            concur_token: "https://glz.api.concursolutions.com/".into(),
            concur_extra: extra.iter().map(|base| (*base).into()).collect(),
            ..crate::fixtures::endpoints()
        })
        .expect("well-formed")
    }

    fn kept(extra: &[&str], base: &str) -> Option<String> {
        let origin = origins(extra).concur(base).ok()?;
        Some(origin.as_str().into())
    }

    #[test]
    fn published_bases_are_accepted_with_their_twins() {
        for name in ["us2", "eu2", "www-apj1", "emea-impl", "glz"] {
            let base = format!("https://{name}.api.concursolutions.com");
            assert_eq!(kept(&[], &base).as_ref(), Some(&base));
        }
        let base = "HTTPS://US2.api.concursolutions.com:443/";
        assert_eq!(
            kept(&[], base).as_deref(),
            Some("https://us2.api.concursolutions.com")
        );
    }

    #[test]
    fn look_alikes_are_refused() {
        for base in [
            "http://us2.api.concursolutions.com",
            "https://us2.api.concursolutions.com:8443",
            "https://us2.api.concursolutions.com.evil.test",
            "https://evil.test/.api.concursolutions.com",
            "https://user@us2.api.concursolutions.com",
            "https://seapr1qes.concurasp.com",
            "https://us2.api.concursolutions.com?x",
            "ftp://us2.api.concursolutions.com",
            "us2.api.concursolutions.com",
            "",
        ] {
            assert_eq!(kept(&[], base), None, "{base}");
        }
    }

    #[test]
    fn extra_bases_are_exact() {
        let extra = ["http://127.0.0.1:8080"];
        assert!(kept(&extra, "http://127.0.0.1:8080/").is_some());
        assert!(kept(&extra, "http://127.0.0.1:8081").is_none());
        assert!(kept(&extra, "https://127.0.0.1:8080").is_none());
        assert!(kept(&[], "http://127.0.0.1:8080").is_none());
    }
}

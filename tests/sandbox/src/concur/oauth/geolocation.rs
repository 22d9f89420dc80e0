//! The `geolocation` of token replies: where calls are to go (source: concur-base-uris).

use super::Principal;
use super::requests::TokenRequest;
use crate::concur::config::{ConcurConfig, Geolocation, LANDING_ZONE};

/// Where calls with a token go: an app's at the datacenter that issued it, all others where the
/// company lives.
pub(super) fn geolocation_of(asked: &TokenRequest, principal: &Principal) -> String {
    let own = *principal == Principal::App && asked.host != LANDING_ZONE;
    if own {
        written_geolocation(asked.config, asked.host)
    } else {
        home_geolocation(asked.config)
    }
}

/// Where the company's calls go from now on, in the configured form.
pub(super) fn home_geolocation(config: &ConcurConfig) -> String {
    written_geolocation(config, &config.datacenter)
}

fn written_geolocation(config: &ConcurConfig, host: &str) -> String {
    let home = config.hosts.get(host);
    let base_url = home.map(|host| host.base_url.as_str()).unwrap_or_default();
    match config.token.geolocation {
        Geolocation::Plain => base_url.to_owned(),
        Geolocation::WithPath => format!("{base_url}/oauth2/v0/token"),
        Geolocation::UpperCase => match base_url.split_once("://") {
            Some((scheme, host)) => format!("{scheme}://{}", host.to_uppercase()),
            None => base_url.to_owned(),
        },
        Geolocation::OffTheList => "https://us2.api.concursolutions.com.example.test".to_owned(),
    }
}

//! Who a request comes from: the peer itself, or the client for which a trusted proxy asks.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

/// The header to which each proxy appends the address that it was asked from. Of several headers
/// of this kind only one can be trusted, since a proxy passes on the others as the client sent
/// them; this is the one that all proxies know.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who a request comes from, for the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Source {
    /// The address at the other end of the connection; none for a Unix socket.
    pub peer: Option<IpAddr>,
    /// The client, where the peer is a trusted proxy that names it.
    pub client: Option<IpAddr>,
}

impl Source {
    /// The peer of a connection, before it has sent a request.
    pub(super) fn peer(peer: Option<IpAddr>) -> Self {
        Self { peer, client: None }
    }

    /// A request's source. Anyone who may open the Unix socket is a proxy.
    pub(super) fn read(peer: Option<IpAddr>, trusted: &[IpNet], headers: &HeaderMap) -> Self {
        let is_proxy = peer.is_none_or(|peer| is_trusted(peer, trusted));
        let client = is_proxy.then(|| read_client(trusted, headers)).flatten();
        Self { peer, client }
    }
}

/// The last address that is no trusted proxy's. What stands before it may be the client's own.
fn read_client(trusted: &[IpNet], headers: &HeaderMap) -> Option<IpAddr> {
    let mut client = None;
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        for item in line.to_str().unwrap_or_default().rsplit(',') {
            let Some(address) = parse_address(item.trim()) else {
                return client;
            };
            client = Some(address);
            if !is_trusted(address, trusted) {
                return client;
            }
        }
    }
    client
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// An address, with a port or without.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> Option<String> {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().expect("a value"));
        }
        let peer = peer.parse().expect("an address");
        let source = Source::read(Some(peer), &trusted, &headers);
        source.client.map(|client| client.to_string())
    }

    #[test]
    fn a_trusted_proxy_names_its_client() {
        let named = |lines: &[&str]| client("10.0.0.1", lines);
        assert_eq!(named(&["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(named(&["192.0.2.1:4711"]).as_deref(), Some("192.0.2.1"));
        let v6 = Some("2001:db9::1");
        assert_eq!(named(&["[2001:db9::1]:4711"]).as_deref(), v6);
        assert_eq!(named(&["[2001:db9::1]"]).as_deref(), v6);
        // Through another proxy of ours.
        assert_eq!(
            named(&["192.0.2.1, 10.1.1.1", "2001:db8::1"]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(named(&["10.9.9.9"]).as_deref(), Some("10.9.9.9"));
        assert_eq!(named(&[]), None);
    }

    #[test]
    fn what_a_client_writes_itself_is_not_believed() {
        let named = |lines: &[&str]| client("10.0.0.1", lines);
        assert_eq!(
            named(&["10.0.0.9, 192.0.2.1"]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(
            named(&["10.0.0.9", "192.0.2.1"]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(
            named(&["192.0.2.7, nonsense, 10.0.0.9"]).as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(named(&["nonsense"]), None);
        assert_eq!(client("192.0.2.1", &["198.51.100.1"]), None);
        assert_eq!(client("11.0.0.1", &["198.51.100.1"]), None);
    }
}

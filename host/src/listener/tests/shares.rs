//! Many connections of few peers, and few of many, directly and through a proxy.

use super::*;

const CONNECTIONS_MAX: usize = 8;

async fn start(trusted_proxies: &[&str]) -> Fixture {
    Fixture::start(|policy| {
        policy.connections_max = CONNECTIONS_MAX;
        policy.peer_timeout = PATIENCE;
        let networks = trusted_proxies.iter().map(|text| text.parse());
        policy.trusted_proxies = networks.collect::<Result<_, _>>().expect("networks");
    })
    .await
}

/// A request from `127.0.0.LAST`, of whose body half is there. It has been read so far when this
/// returns.
async fn half_request(fixture: &Fixture, last: u8, forwarded_for: &str) -> TcpStream {
    let mut stream = fixture.connect_from(last).await;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {forwarded_for}\r\nexpect: \
         100-continue\r\ncontent-length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("is sent");
    assert_eq!(status(&mut stream).await, Some(100));
    let mut rest = [0; 13];
    stream.read_exact(&mut rest).await.expect("the rest");
    stream.write_all(b"x").await.expect("is sent");
    stream
}

/// Sends the rest; whether the request was answered.
async fn is_served(mut stream: TcpStream) -> bool {
    let sent = stream.write_all(b"x").await;
    sent.is_ok() && status(&mut stream).await == Some(200)
}

async fn served(streams: Vec<TcpStream>) -> usize {
    let mut served = 0;
    for stream in streams {
        served += usize::from(is_served(stream).await);
    }
    served
}

#[tokio::test]
async fn a_peer_with_many_connections_keeps_nobody_out() {
    let fixture = start(&[]).await;
    let first = half_request(&fixture, 3, "").await;
    let mut many = Vec::new();
    for number in 0..3 * CONNECTIONS_MAX {
        // However it names itself, it is one.
        many.push(half_request(&fixture, 2, &format!("192.0.2.{number}")).await);
    }
    let other = half_request(&fixture, 4, "").await;
    let displaced = u64::try_from(2 * CONNECTIONS_MAX + 2).expect("is small");
    fixture.until_refused("displaced", displaced).await;
    assert!(is_served(first).await && is_served(other).await);
    assert_eq!(served(many).await, CONNECTIONS_MAX - 2);
}

#[tokio::test]
async fn a_peer_whom_nobody_needs_to_make_room_has_all_there_is() {
    let fixture = start(&[]).await;
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        all.push(half_request(&fixture, 2, "").await);
    }
    assert_eq!(served(all).await, CONNECTIONS_MAX);
    assert_eq!(fixture.refused("displaced"), 0);
}

#[tokio::test]
async fn many_clients_behind_a_trusted_proxy_are_not_one() {
    let fixture = start(&["127.0.0.2/32"]).await;
    let mut few = Vec::new();
    for client in ["192.0.2.1", "198.51.100.9, 192.0.2.2"] {
        few.push(half_request(&fixture, 2, client).await);
    }
    let mut many = Vec::new();
    for number in 0..2 * CONNECTIONS_MAX {
        // What a client writes itself stands before what the proxy appends.
        many.push(half_request(&fixture, 2, &format!("192.0.2.1{number}, 192.0.2.3")).await);
    }
    assert_eq!(served(few).await, 2, "though theirs have waited longest");
    assert_eq!(served(many).await, CONNECTIONS_MAX - 2);
}

#[tokio::test]
async fn the_same_clients_behind_a_stranger_are_one() {
    let fixture = start(&["127.0.0.9/32"]).await;
    let first = half_request(&fixture, 2, "192.0.2.1").await;
    let mut many = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        many.push(half_request(&fixture, 2, "192.0.2.3").await);
    }
    assert!(!is_served(first).await, "it has waited longest");
    assert_eq!(served(many).await, CONNECTIONS_MAX);
}

#[tokio::test]
async fn when_all_are_at_work_a_reserve_says_so() {
    let fixture = start(&[]).await;
    let mut working = Vec::new();
    for number in 1..=CONNECTIONS_MAX {
        working.push(
            fixture
                .connect("GET /never HTTP/1.1\r\nhost: x\r\n\r\n")
                .await,
        );
        while fixture.answers.load(Ordering::Relaxed) < number {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let mut next = fixture.connect("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status(&mut next).await, Some(503));
    assert!(ends(&mut next).await, "and is left at once");
}

//! The real service against the sandbox: real sockets, a real store, the built component, the wall clock.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::{Config, Connection, Limits};
use ml_connector::contract::credentials::Grant;
use ml_connector::contract::runs::EndingKind;
use ml_connector::secrets::Secrets;
use ml_connector::serve::{Running, serve};
use ml_connector::store::{Run, RunFilter, RunState};
use ml_connector_sandbox::skin::{self, Ports};
use ml_connector_sandbox::{Answer, Fault, FaultRule, Request, SandboxConfig, System};
use ml_connector_tests::{built, world};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(30);

/// A sandbox, and what a service needs to work with it.
struct Bench {
    sandbox: skin::Running,
    config: Config,
    secrets: Secrets,
    _directory: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listen = free_address().await;
        let redirect = format!("http://{listen}/oauth/freshbooks/callback");
        let mut sandbox = SandboxConfig::default();
        sandbox.freshbooks.apps[0].redirect_uris = vec![redirect.clone()];
        sandbox.freshbooks.any_redirect_uri = true;
        let sandbox = skin::start(sandbox, Ports::default())
            .await
            .expect("a sandbox");
        let secrets = directory.path().join("secrets");
        keep_secrets(&secrets);
        let config = Config {
            listen,
            tls: None,
            public_url: format!("http://{listen}"),
            store: directory.path().join("store.db"),
            secrets_dir: secrets.clone(),
            component: built::component().clone(),
            limits: limits(),
            connections: vec![connection(&sandbox, &redirect)],
        };
        Self {
            sandbox,
            config,
            secrets: Secrets::new(secrets),
            _directory: directory,
        }
    }

    async fn start(&self) -> Running {
        serve(&self.config, &self.secrets).await.expect("a service")
    }

    async fn ask(&self, request: AdminRequest) -> AdminReply {
        admin::call(&self.config, &self.secrets, request)
            .await
            .expect("a reply")
    }

    /// Connects both systems as people would.
    async fn connect(&self) {
        let begun = self
            .ask(AdminRequest::Consent {
                connection: "main".into(),
            })
            .await;
        let AdminReply::Consent {
            url,
            state,
            is_awaited: true,
        } = begun
        else {
            panic!("{begun:?}");
        };
        self.consent(&url).await;
        until("FreshBooks is connected", async || {
            match self
                .ask(AdminRequest::Consented {
                    state: state.clone(),
                })
                .await
            {
                AdminReply::Waiting => false,
                AdminReply::Connected { .. } => true,
                other => panic!("{other:?}"),
            }
        })
        .await;
        let token = self
            .sandbox
            .shared
            .lock()
            .concur
            .company_request_token(skin::now());
        let connected = self
            .ask(AdminRequest::Connect {
                connection: "main".into(),
                grant: Grant::CompanyRequestToken,
                secret: token.into(),
            })
            .await;
        assert!(
            matches!(connected, AdminReply::Connected { .. }),
            "{connected:?}"
        );
    }

    /// The browser: opens the consent page and follows its redirect.
    async fn consent(&self, url: &str) {
        let target = url
            .strip_prefix(&self.sandbox.urls.freshbooks)
            .expect("our FreshBooks");
        let answer = self.exchange(&Request::new("auth.freshbooks.com", "GET", target));
        let location = answer.header("location").expect("a redirect").to_owned();
        let base = format!("http://{}", self.config.listen);
        let path = location.strip_prefix(&base).expect("our redirect URI");
        let page = http(self.config.listen, "GET", path, "").await;
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    }

    fn exchange(&self, request: &Request) -> ml_connector_sandbox::Response {
        let answer = self
            .sandbox
            .shared
            .lock()
            .exchange(System::FreshBooks, request, skin::now());
        self.sandbox.shared.wake();
        match answer {
            Answer::Response { response, .. } => response,
            other => panic!("{other:?}"),
        }
    }

    /// What a person does in FreshBooks.
    fn create(&self, path: &str, body: &Value) -> Value {
        let token = self
            .sandbox
            .shared
            .lock()
            .freshbooks
            .person_token(skin::now());
        let target = format!("/accounting/account/zQ7pLm/{path}");
        let request = Request::new("api.freshbooks.com", "POST", &target)
            .with_bearer(&token)
            .with_json(body);
        let answer = self.exchange(&request);
        assert_eq!(answer.status, 200, "{}", answer.value());
        answer.value()["response"]["result"].clone()
    }

    fn client(&self) -> u64 {
        let made = self.create("users/clients", &json!({"client": world::client()}));
        made["client"]["id"].as_u64().expect("an id")
    }

    fn invoice(&self, client: u64, number: &str) {
        let body = json!({"invoice": world::invoice(client, number)});
        self.create("invoices/invoices", &body);
    }

    fn payment_requests(&self) -> Vec<Value> {
        let listed = json!(self.sandbox.shared.lock().concur.payment_requests());
        listed.as_array().cloned().unwrap_or_default()
    }

    async fn until_payment_requests(&self, count: usize) {
        until(&format!("{count} payment requests"), async || {
            self.payment_requests().len() == count
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_becomes_a_payment_request_and_stays_one_through_restarts() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    until_all_ended(&service).await;
    service.shutdown().await;

    let service = bench.start().await;
    let ended = invoices(&service, EndingKind::Confirmed).await;
    assert_eq!(ended.len(), 1);
    bench.ask(AdminRequest::Replay { run: ended[0].id }).await;
    until_ended(&service, EndingKind::Unchanged, 1).await;
    assert_eq!(bench.payment_requests().len(), 1);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_before_the_systems_are_connected_waits_for_them() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    until("registrations wait for a person", async || {
        waiting(&service).await.len() == 4
    })
    .await;
    assert_eq!(
        bench.sandbox.shared.lock().stats().total,
        0,
        "nothing was sent"
    );
    bench.connect().await;
    until_registered(&service).await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_and_costs_nothing() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let rule = FaultRule::new(System::FreshBooks, Fault::ExpiredToken)
        .method("GET")
        .times(1);
    bench.sandbox.shared.lock().add_fault(rule);
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    let credential = service
        .core()
        .host
        .credentials
        .credential("main", ml_connector::contract::types::System::Freshbooks);
    assert_eq!(credential.generation, 2, "renewed once");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_on_its_way_doubles_nothing() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let rule = FaultRule::new(System::Concur, Fault::ResponseLost)
        .method("POST")
        .path("paymentrequest")
        .times(1);
    bench.sandbox.shared.lock().add_fault(rule);
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    until_ended(&service, EndingKind::Confirmed, 1).await;
    assert_eq!(bench.payment_requests().len(), 1);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_loses_and_doubles_nothing() {
    let mut bench = Bench::new().await;
    // Requests are cut off wherever they are.
    bench.config.limits.shutdown_grace = Duration::ZERO;
    let mut service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let client = bench.client();
    for round in 0..4 {
        for number in 0..10 {
            bench.invoice(client, &format!("INV-{round}-{number}"));
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        service.shutdown().await;
        service = bench.start().await;
    }
    // Deliveries that met no listener come again only after a minute, so a sweep stands in for them.
    until_swept(&service, &bench, 40).await;
    until_all_ended(&service).await;
    let numbers: std::collections::BTreeSet<String> = bench
        .payment_requests()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(numbers.len(), 40);
    assert_eq!(bench.payment_requests().len(), 40);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_and_operators_everything() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    let listen = bench.config.listen;
    let stranger = http(
        listen,
        "POST",
        "/hooks/freshbooks/main/0123",
        "name=invoice.create",
    )
    .await;
    assert!(stranger.starts_with("HTTP/1.1 404"), "{stranger}");
    let ready = http(listen, "GET", "/readyz", "").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    let metrics = http(listen, "GET", "/metrics", "").await;
    assert!(metrics.contains("ml_connector_runs_in_flight"), "{metrics}");
    let AdminReply::Status(status) = bench.ask(AdminRequest::Status).await else {
        panic!("no status");
    };
    assert_eq!(status.connections.len(), 1);
    assert_eq!(status.connections[0].credentials.len(), 2);
    service.shutdown().await;
}

async fn until_registered(service: &Running) {
    until("webhooks are registered", async || {
        confirmed(service, "callback").await.len() == 2
    })
    .await;
}

async fn until_swept(service: &Running, bench: &Bench, count: usize) {
    until(&format!("{count} payment requests"), async || {
        for run in confirmed(service, "sweep").await {
            bench.ask(AdminRequest::Replay { run: run.id }).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.payment_requests().len() == count
    })
    .await;
}

async fn until_all_ended(service: &Running) {
    until("all runs have ended", async || {
        let counts = service
            .core()
            .host
            .store
            .run_counts()
            .await
            .expect("counts");
        counts.iter().all(|count| count.state == RunState::Ended)
    })
    .await;
}

async fn until_ended(service: &Running, ending: EndingKind, count: usize) {
    until(&format!("{count} x {ending:?}"), async || {
        invoices(service, ending).await.len() == count
    })
    .await;
}

async fn confirmed(service: &Running, kind: &str) -> Vec<Run> {
    let runs = ended(service, EndingKind::Confirmed).await;
    runs.into_iter()
        .filter(|run| run.object.kind == kind)
        .collect()
}

async fn invoices(service: &Running, ending: EndingKind) -> Vec<Run> {
    let runs = ended(service, ending).await;
    runs.into_iter()
        .filter(|run| run.object.kind == "invoice")
        .collect()
}

async fn ended(service: &Running, ending: EndingKind) -> Vec<Run> {
    let filter = RunFilter {
        state: Some(RunState::Ended),
        endings: vec![ending],
        ..RunFilter::default()
    };
    service.core().host.store.runs(filter).await.expect("runs")
}

async fn waiting(service: &Running) -> Vec<Run> {
    let filter = RunFilter {
        state: Some(RunState::Waiting),
        ..RunFilter::default()
    };
    service.core().host.store.runs(filter).await.expect("runs")
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(
            begun.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

async fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

fn keep_secrets(directory: &std::path::Path) {
    std::fs::create_dir_all(directory).expect("a directory");
    for (name, secret) in [
        ("main.freshbooks-client-secret", "sandbox-freshbooks-secret"),
        ("main.concur-client-secret", "sandbox-concur-secret"),
    ] {
        let file = directory.join(name);
        std::fs::write(&file, secret).expect("written");
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, owner_only).expect("set");
    }
}

fn connection(sandbox: &skin::Running, redirect: &str) -> Connection {
    let mut settings = world::settings("resend");
    let bases: Vec<&String> = sandbox.urls.concur.values().collect();
    settings["freshbooks"]["redirect_uri"] = json!(redirect);
    settings["concur"]["extra_bases"] = json!(bases);
    settings["payment_request"]["settle_s"] = json!(1);
    Connection {
        name: "main".into(),
        json: settings.to_string(),
        freshbooks_base: sandbox.urls.freshbooks.clone(),
        freshbooks_consent_base: sandbox.urls.freshbooks.clone(),
        freshbooks_account_id: "zQ7pLm".into(),
        concur_token_base: sandbox.urls.concur["glz"].clone(),
        concur_extra_bases: bases.into_iter().cloned().collect(),
    }
}

fn limits() -> Limits {
    Limits {
        runs_in_flight_max: 32,
        requests_in_flight_max: 32,
        answer_bytes_max: 4 << 20,
        connections_max: 512,
        notices_max: 100_000,
        component_bytes_max: 64 << 20,
        component_fuel_max: 2_000_000_000,
        shutdown_grace: Duration::from_secs(5),
        history_retention: Duration::from_secs(400 * 86_400),
    }
}

//! A service and a sandbox, ready to be put to the test.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::{Config, ConnectionConfig, Limits};
use ml_connector::contract::credentials::Grant;
use ml_connector::contract::runs::EndingKind;
use ml_connector::secrets::Secrets;
use ml_connector::service::{Running, serve};
use ml_connector::store::{Run, RunFilter, RunState};
use ml_connector_sandbox::server::{self, Ports};
use ml_connector_sandbox::{Request, SandboxConfig, System, WireOutcome};
use ml_connector_tests::{built, world};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(60);

/// A sandbox, and what a service needs to work with it.
pub struct Bench {
    pub sandbox: server::Running,
    pub config: Config,
    pub secrets: Secrets,
    _directory: TempDir,
}

impl Bench {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listen = free_address().await;
        let redirect = format!("http://{listen}/oauth/freshbooks/callback");
        let mut sandbox = SandboxConfig::default();
        sandbox.freshbooks.apps[0].redirect_uris = vec![redirect.clone()];
        sandbox.freshbooks.any_redirect_uri = true;
        let sandbox = server::start(sandbox, Ports::default())
            .await
            .expect("a sandbox");
        let secrets = directory.path().join("secrets");
        keep_secrets(&secrets);
        let config = Config {
            listen,
            tls: None,
            events: None,
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

    pub async fn start(&self) -> Running {
        serve(&self.config, &self.secrets).await.expect("a service")
    }

    pub async fn ask(&self, request: AdminRequest) -> AdminReply {
        admin::call(&self.config, &self.secrets, request)
            .await
            .expect("a reply")
    }

    /// Connects both systems as people would.
    pub async fn connect(&self) {
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
            .company_request_token(server::now());
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
    pub async fn consent(&self, url: &str) {
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

    pub fn exchange(&self, request: &Request) -> ml_connector_sandbox::Response {
        let answer =
            self.sandbox
                .shared
                .lock()
                .exchange(System::FreshBooks, request, server::now());
        self.sandbox.shared.wake();
        match answer {
            WireOutcome::Response { response, .. } => response,
            other => panic!("{other:?}"),
        }
    }

    /// What a person does in FreshBooks.
    pub fn create(&self, path: &str, body: &Value) -> Value {
        let token = self
            .sandbox
            .shared
            .lock()
            .freshbooks
            .person_token(server::now());
        let target = format!("/accounting/account/zQ7pLm/{path}");
        let request = Request::new("api.freshbooks.com", "POST", &target)
            .with_bearer(&token)
            .with_json(body);
        let answer = self.exchange(&request);
        assert_eq!(answer.status, 200, "{}", answer.value());
        answer.value()["response"]["result"].clone()
    }

    pub fn client(&self) -> u64 {
        let made = self.create("users/clients", &json!({"client": world::client()}));
        made["client"]["id"].as_u64().expect("an id")
    }

    /// The same, but its webhook stays with the caller: the deliverer is not woken.
    pub fn invoice_unannounced(&self, client: u64, number: &str) {
        let mut sandbox = self.sandbox.shared.lock();
        let token = sandbox.freshbooks.person_token(server::now());
        let target = "/accounting/account/zQ7pLm/invoices/invoices";
        let request = Request::new("api.freshbooks.com", "POST", target)
            .with_bearer(&token)
            .with_json(&json!({"invoice": world::invoice(client, number)}));
        sandbox.exchange(System::FreshBooks, &request, server::now());
    }

    pub fn invoice(&self, client: u64, number: &str) {
        let body = json!({"invoice": world::invoice(client, number)});
        self.create("invoices/invoices", &body);
    }

    pub fn payment_requests(&self) -> Vec<Value> {
        let listed = json!(self.sandbox.shared.lock().concur.payment_requests());
        listed.as_array().cloned().unwrap_or_default()
    }

    pub async fn until_payment_requests(&self, count: usize) {
        until(&format!("{count} payment requests"), async || {
            self.payment_requests().len() == count
        })
        .await;
    }
}

pub async fn until_registered(service: &Running) {
    until("webhooks are registered", async || {
        confirmed(service, "callback").await.len() == 2
    })
    .await;
}

pub async fn confirmed(service: &Running, kind: &str) -> Vec<Run> {
    let runs = ended(service, EndingKind::Confirmed).await;
    runs.into_iter()
        .filter(|run| run.object.kind == kind)
        .collect()
}

pub async fn ended(service: &Running, ending: EndingKind) -> Vec<Run> {
    let filter = RunFilter {
        state: Some(RunState::Ended),
        endings: vec![ending],
        ..RunFilter::default()
    };
    service
        .parts()
        .services
        .store
        .runs(filter)
        .await
        .expect("runs")
}

pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
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

pub async fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
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

fn connection(sandbox: &server::Running, redirect: &str) -> ConnectionConfig {
    let mut settings = world::settings("resend");
    let bases: Vec<&String> = sandbox.urls.concur.values().collect();
    settings["freshbooks"]["redirect_uri"] = json!(redirect);
    settings["concur"]["extra_bases"] = json!(bases);
    settings["payment_request"]["settle_s"] = json!(1);
    ConnectionConfig {
        name: "main".into(),
        json: settings.to_string(),
        freshbooks_base: sandbox.urls.freshbooks.clone(),
        freshbooks_consent_base: sandbox.urls.freshbooks.clone(),
        freshbooks_account_id: "zQ7pLm".into(),
        concur_token_base: sandbox.urls.concur["glz"].clone(),
        concur_extra_bases: bases.into_iter().cloned().collect(),
    }
}

pub fn limits() -> Limits {
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

/// Waits until so many invoices have ended, however they did.
pub async fn until_invoices_ended(service: &Running, count: u64) {
    until(&format!("{count} invoices"), async || {
        let text = service.parts().services.metrics.text();
        let ended = text
            .lines()
            .filter(|line| line.starts_with("ml_connector_runs_ended_total"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<u64>();
        ended >= count
    })
    .await;
}

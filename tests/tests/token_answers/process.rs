//! The host in a process of its own that a test can kill: a runtime, a store that may fail, and
//! everything but the loops.

use std::sync::{Arc, Mutex, PoisonError};

use ml_connector::clock::Clock;
use ml_connector::config::Config;
use ml_connector::contract::credentials::{Credential, CredentialStatus, Grant};
use ml_connector::contract::types::System;
use ml_connector::credentials::CredentialError;
use ml_connector::guest::Guest;
use ml_connector::seal::Keyring;
use ml_connector::secrets::Secret;
use ml_connector::service::Parts;
use ml_connector::store::Store;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector_tests::fixtures::failing_store::FailingStore;
use ml_connector_tests::fixtures::service::InProcess;
use ml_connector_tests::fixtures::waiting::PATIENCE;

/// A process with a store that may fail; dropping it is the end of the process.
pub(crate) struct Process {
    pub(crate) store: Arc<FailingStore>,
    pub(crate) parts: Arc<Parts>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Process {
    /// Starts the host but for its loops, so that a test decides when tokens are asked for.
    pub(crate) fn start(fixture: &InProcess) -> Self {
        Self::start_with(fixture, |store| store)
    }

    pub(crate) fn start_with(
        fixture: &InProcess,
        make: impl Fn(FailingStore) -> FailingStore + Send,
    ) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (store, parts) = std::thread::scope(|scope| {
            let opened = scope.spawn(|| runtime.block_on(open(fixture, make)));
            opened.join().expect("opens")
        });
        Self {
            store,
            parts,
            runtime: Some(runtime),
        }
    }

    /// The process is killed: whatever is under way ends here.
    pub(crate) fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime may not be waited for inside of another one.
            let ending = std::thread::spawn(|| runtime.shutdown_timeout(PATIENCE));
            ending.join().expect("ends");
        }
    }

    pub(crate) fn credential(&self, system: System) -> Credential {
        let credential = self.parts.services.credentials.credential("acme", system);
        credential.expect("acme is there")
    }

    /// Refreshes FreshBooks' tokens in this process.
    pub(crate) fn begin_refresh(
        &self,
    ) -> tokio::task::JoinHandle<Result<Credential, CredentialError>> {
        let credentials = Arc::clone(&self.parts.services.credentials);
        let generation = self.credential(System::Freshbooks).generation;
        let refresh = async move {
            credentials
                .refresh("acme", System::Freshbooks, generation)
                .await
        };
        self.runtime.as_ref().expect("it runs").spawn(refresh)
    }

    pub(crate) async fn refresh(&self) -> Result<Credential, CredentialError> {
        self.begin_refresh().await.expect("ends")
    }

    /// An administrator makes a company request token for a connection, and it is exchanged.
    pub(crate) async fn connect_concur(&self, connection: &'static str, fixture: &InProcess) {
        let token = fixture.deployment.company_request_token();
        let connected = self.connect(connection, Grant::CompanyRequestToken, token);
        connected.await.expect("connects");
    }

    /// Exchanges what a person hands over, in this process.
    pub(crate) async fn connect(
        &self,
        connection: &'static str,
        grant: Grant,
        secret: String,
    ) -> Result<Credential, CredentialError> {
        let credentials = Arc::clone(&self.parts.services.credentials);
        let secret = Secret::new(secret);
        let connecting = async move { credentials.connect(connection, grant, secret).await };
        let runtime = self.runtime.as_ref().expect("it runs");
        runtime.spawn(connecting).await.expect("ends")
    }

    /// Whether requests to a system can be sent.
    pub(crate) fn has_access(&self, connection: &str, system: System) -> bool {
        let credentials = &self.parts.services.credentials;
        credentials.access(connection, system).is_some()
    }

    /// A person consents, and the code is exchanged.
    pub(crate) async fn connect_freshbooks(&self, fixture: &InProcess) {
        let credentials = &self.parts.services.credentials;
        let path = credentials.consent_path("acme", "s").expect("a path");
        let url = format!("{}{path}", self.parts.consent_bases["acme"]);
        let redirect = fixture
            .deployment
            .consent_redirect(&url)
            .await
            .expect("redirects");
        let code = redirect
            .split("code=")
            .nth(1)
            .and_then(|rest| rest.split('&').next());
        let code = code.expect("a code").to_string();
        let connected = self.connect("acme", Grant::AuthorizationCode, code).await;
        assert_eq!(connected.expect("connects").status, CredentialStatus::Live);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn open(
    fixture: &InProcess,
    make: impl Fn(FailingStore) -> FailingStore,
) -> (Arc<FailingStore>, Arc<Parts>) {
    let config = &fixture.config;
    let store = SqliteStore::open(&config.store).expect("the store opens");
    let store = Arc::new(make(FailingStore::new(Arc::new(store))));
    let keys = fixture.secrets.seal_keys().expect("are there");
    let keyring = Keyring::parse(&keys).expect("are keys");
    let guest = load_guest(config);
    let parts = Parts::with(
        config,
        fixture.secrets.clone(),
        Clock::system(),
        Arc::clone(&store) as Arc<dyn Store>,
        keyring,
        guest,
    );
    (store, Arc::new(parts.await.expect("everything starts")))
}

/// The component, which is compiled once for all processes of all tests.
fn load_guest(config: &Config) -> Guest {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = config.component.with_extension("token-answers");
    let guest = Guest::load_cached(&config.component, None, &config.limits, &cache);
    guest.expect("the component")
}

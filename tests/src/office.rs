//! An office to work in: a directory with settings, secrets and a store, a sandbox beside it, and
//! the connector as a process of its own that can be killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Run, RunFilter, RunState, Store};
use ml_connector_sandbox::SandboxConfig;
use ml_connector_sandbox::server::{self, Ports, Running};
use serde_json::Value;

use crate::world;

/// How long anything in an office may take before it counts as stuck.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What is different from the settings of [`world::settings`].
#[derive(Debug, Clone)]
pub struct Pace {
    /// The settle time in seconds.
    pub settle_s: u64,
    /// The first retry delay in seconds.
    pub delay_first_s: u64,
    /// The time between two sweeps in seconds.
    pub sweep_s: u64,
    /// Runs under way at once.
    pub runs_in_flight_max: u32,
    /// Whether financial documents come back, and events announce them.
    pub both_ways: bool,
    /// The time between two looks at a queue of financial documents in seconds.
    pub queue_s: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle_s: 2,
            delay_first_s: 1,
            sweep_s: 20,
            runs_in_flight_max: 32,
            both_ways: false,
            queue_s: 900,
        }
    }
}

/// An office.
pub struct Office {
    /// Its directory.
    pub directory: PathBuf,
    /// Both vendors.
    pub sandbox: Running,
    /// Where the connector receives.
    pub receiver_url: String,
    binary: PathBuf,
    service: Option<Child>,
}

impl Office {
    /// Makes the directory and starts the sandbox; the connector is started by [`Office::start`].
    ///
    /// # Errors
    ///
    /// One sentence for a person.
    pub async fn open(
        directory: &Path,
        binary: &Path,
        component: &Path,
        pace: &Pace,
    ) -> Result<Self, String> {
        let port = free_port()?;
        let receiver_url = format!("http://127.0.0.1:{port}");
        let mut config = SandboxConfig::default();
        config.freshbooks.any_redirect_uri = true;
        let sandbox = server::start(config, Ports::default()).await;
        let sandbox = sandbox.map_err(|error| format!("the sandbox cannot listen: {error}"))?;
        let office = Self {
            directory: directory.to_path_buf(),
            binary: binary.to_path_buf(),
            receiver_url,
            sandbox,
            service: None,
        };
        office
            .furnish(port, component, pace)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        Ok(office)
    }

    /// The settings file.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.directory.join("ml-connector.toml")
    }

    /// Starts the connector and waits until it is ready; tells how long that took.
    ///
    /// # Errors
    ///
    /// One sentence for a person.
    pub async fn start(&mut self) -> Result<Duration, String> {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("service.log"));
        let log = log.map_err(|error| error.to_string())?;
        let began = Instant::now();
        let service = self
            .command(&["serve"])
            .stderr(log)
            .stdout(Stdio::null())
            .spawn();
        self.service =
            Some(service.map_err(|error| format!("ml-connector does not start: {error}"))?);
        let url = format!("{}/readyz", self.receiver_url);
        while began.elapsed() < PATIENCE {
            if matches!(get(&url).await, Ok((200, _))) {
                return Ok(began.elapsed());
            }
            if let Some(Ok(Some(status))) = self.service.as_mut().map(Child::try_wait) {
                return Err(format!(
                    "ml-connector ended ({status}); see {}/service.log",
                    self.directory.display()
                ));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err("ml-connector does not get ready".to_string())
    }

    /// Kills the connector as a power failure would.
    pub fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
    }

    /// Asks the connector to stop and waits until it has.
    ///
    /// # Errors
    ///
    /// If it does not end with success.
    pub fn stop(&mut self) -> Result<(), String> {
        let Some(mut service) = self.service.take() else {
            return Ok(());
        };
        let asked = Command::new("kill")
            .args(["-TERM", &service.id().to_string()])
            .status();
        asked.map_err(|error| error.to_string())?;
        match service.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("ml-connector ended with {status}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The process id of the connector.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.service.as_ref().map(Child::id)
    }

    /// Connects both systems as people would: consent in the browser, and a company request token.
    ///
    /// # Errors
    ///
    /// One sentence for a person.
    pub async fn connect(&self) -> Result<(), String> {
        self.connect_freshbooks().await?;
        let token = self
            .sandbox
            .shared
            .lock()
            .concur
            .company_request_token(server::now());
        let connected = self
            .command(&["connect", "concur"])
            .env("ML_CONNECTOR_COMPANY_REQUEST_TOKEN", token)
            .output();
        succeeded(connected)
    }

    /// A person consents in the browser, which is sent back to the connector.
    ///
    /// # Errors
    ///
    /// One sentence for a person.
    pub async fn connect_freshbooks(&self) -> Result<(), String> {
        let mut asking = self
            .command(&["connect", "freshbooks"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let out = asking.stdout.take().ok_or("no output")?;
        let (found, rest) = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(out).lines().map_while(Result::ok);
            let found = lines.find_map(|line| {
                line.trim()
                    .starts_with("http")
                    .then(|| line.trim().to_string())
            });
            (found, lines)
        })
        .await
        .map_err(|error| error.to_string())?;
        let consent = found.ok_or("`connect freshbooks` printed no address")?;
        let (status, location) = get(&consent).await?;
        let location = location
            .ok_or_else(|| format!("the consent page answered {status} without a redirect"))?;
        let (status, _) = get(&location).await?;
        if status != 200 {
            return Err(format!("the redirect was answered with {status}"));
        }
        let ended = tokio::task::spawn_blocking(move || {
            let said: Vec<String> = rest.collect();
            (asking.wait(), said)
        });
        match ended.await {
            Ok((Ok(status), _)) if status.success() => Ok(()),
            Ok((_, said)) => Err(format!("`connect freshbooks` failed: {}", said.join(" "))),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits until FreshBooks sends its webhooks to the connector.
    ///
    /// # Errors
    ///
    /// If it does not come to that.
    pub async fn registered(&self) -> Result<(), String> {
        let is_done = || {
            let states = self.sandbox.shared.lock().freshbooks.callback_states();
            states.len() == 2 && states.iter().all(|(_, _, verified)| *verified)
        };
        self.until("the webhook registrations are verified", is_done)
            .await
    }

    /// Waits until something is so.
    ///
    /// # Errors
    ///
    /// If it does not come to that.
    pub async fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
        let began = Instant::now();
        while !is_so() {
            if began.elapsed() > PATIENCE {
                return Err(format!(
                    "gave up waiting until {what}; see {}/service.log",
                    self.directory.display()
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// A `ml-connector` command in this office.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(self.settings_file())
            .args(arguments);
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// The latest run of each object.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn latest(&self) -> Result<Vec<Run>, String> {
        let store = SqliteStore::open_read_only(self.directory.join("ml-connector.sqlite"));
        let store = store.map_err(|error| error.to_string())?;
        let filter = RunFilter {
            latest_only: true,
            ..RunFilter::default()
        };
        store.runs(filter).await.map_err(|error| error.to_string())
    }

    /// How many objects have no run under way, of how many.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn progress(&self) -> Result<(u64, u64), String> {
        let store = SqliteStore::open_read_only(self.directory.join("ml-connector.sqlite"));
        let store = store.map_err(|error| error.to_string())?;
        let counts = store
            .run_counts()
            .await
            .map_err(|error| error.to_string())?;
        let ended = counts
            .iter()
            .filter(|count| count.state == RunState::Ended)
            .map(|count| count.objects)
            .sum();
        let all = counts.iter().map(|count| count.objects).sum();
        Ok((ended, all))
    }

    fn furnish(&self, port: u16, component: &Path, pace: &Pace) -> std::io::Result<()> {
        fs::create_dir_all(self.directory.join("secrets"))?;
        for (name, secret) in [
            ("acme.freshbooks-client-secret", "sandbox-freshbooks-secret"),
            ("acme.concur-client-secret", "sandbox-concur-secret"),
        ] {
            let file = self.directory.join("secrets").join(name);
            fs::write(&file, secret)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        }
        if pace.both_ways {
            self.furnish_for_events()?;
        }
        fs::write(self.settings_file(), self.settings(port, component, pace)?)
    }

    /// Certificates of the authority that also makes SAP Concur's: for the receiver of events, and
    /// to trust.
    fn furnish_for_events(&self) -> std::io::Result<()> {
        let authority = &self.sandbox.authority;
        let server = authority.server(&["127.0.0.1"], server::now())?;
        for (name, text) in [
            ("events.pem", &server.chain_pem),
            ("events.key", &server.key_pem),
            ("anchors.pem", &authority.root_pem()),
        ] {
            fs::write(self.directory.join(name), text)?;
        }
        let key = self.directory.join("events.key");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600))
    }

    fn settings(&self, port: u16, component: &Path, pace: &Pace) -> std::io::Result<String> {
        let mut connection = if pace.both_ways {
            world::both_ways("resend")
        } else {
            world::settings("resend")
        };
        if pace.both_ways {
            connection["financial"]["interval_s"] = pace.queue_s.into();
            connection["financial"]["settle_s"] = pace.settle_s.into();
            connection["events"] = serde_json::json!({"enabled": true});
        }
        let urls = &self.sandbox.urls;
        let bases: Vec<Value> = urls
            .concur
            .values()
            .map(|url| Value::from(url.as_str()))
            .collect();
        connection["freshbooks"]["base"] = urls.freshbooks.as_str().into();
        connection["freshbooks"]["consent_base"] = urls.freshbooks.as_str().into();
        connection["freshbooks"]["redirect_uri"] =
            format!("{}/oauth/freshbooks/callback", self.receiver_url).into();
        connection["concur"]["token_base"] = urls.concur["glz"].as_str().into();
        connection["concur"]["extra_bases"] = bases.into();
        connection["payment_request"]["settle_s"] = pace.settle_s.into();
        connection["retry"] =
            serde_json::json!({"delay_first_s": pace.delay_first_s, "delay_max_s": 8});
        connection["sweep"] = serde_json::json!({"interval_s": pace.sweep_s});
        let taxes = [
            "HST",
            "MwSt",
            "GST",
            "PST",
            "VAT",
            "TVA",
            "GST 5%",
            "QST 9.975%",
            "消費税",
            "QST",
            "Sales Tax",
        ];
        for tax in taxes {
            connection["taxes"][tax] = "T1".into();
        }
        for project in 60_001..60_040 {
            connection["projects"][project.to_string()] = format!("PRJ_{project}").into();
        }
        let connection: toml::Table = serde_json::from_value(connection).unwrap_or_default();
        let mut root = toml::Table::new();
        let mut table = |name: &str, pairs: &[(&str, toml::Value)]| {
            let pairs = pairs
                .iter()
                .map(|(key, value)| ((*key).to_string(), value.clone()));
            root.insert(name.to_string(), toml::Value::Table(pairs.collect()));
        };
        let mut receiver = vec![
            ("listen", format!("127.0.0.1:{port}").into()),
            ("public_url", self.receiver_url.as_str().into()),
        ];
        if pace.both_ways {
            receiver.push(("events", events_receiver()?));
        }
        table("receiver", &receiver);
        table(
            "component",
            &[("path", component.display().to_string().into())],
        );
        table(
            "limits",
            &[(
                "runs_in_flight_max",
                i64::from(pace.runs_in_flight_max).into(),
            )],
        );
        table("connections", &[("acme", connection.into())]);
        Ok(root.to_string())
    }
}

fn events_receiver() -> std::io::Result<toml::Value> {
    let port = free_port().map_err(std::io::Error::other)?;
    let address = format!("127.0.0.1:{port}");
    let pairs = [
        ("listen", address.clone()),
        ("public_url", format!("https://{address}")),
        ("trust_anchors", "anchors.pem".to_string()),
        ("tls_certificate", "events.pem".to_string()),
        ("tls_key", "events.key".to_string()),
        ("signature", "required".to_string()),
    ];
    let pairs = pairs.map(|(key, value)| (key.to_string(), toml::Value::from(value)));
    Ok(toml::Value::Table(pairs.into_iter().collect()))
}

impl Drop for Office {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A request without following redirects: status and `Location`.
///
/// # Errors
///
/// If there is no answer.
pub async fn get(url: &str) -> Result<(u16, Option<String>), String> {
    use http_body_util::Empty;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let answer = client
        .get(uri)
        .await
        .map_err(|error| format!("{url}: {error}"))?;
    let location = answer
        .headers()
        .get("location")
        .and_then(|value| value.to_str().ok());
    Ok((answer.status().as_u16(), location.map(ToString::to_string)))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|error| error.to_string())
}

fn succeeded(output: std::io::Result<std::process::Output>) -> Result<(), String> {
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(error.to_string()),
    }
}

//! A firm with FreshBooks and SAP Concur behind sockets, and our service between them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ml_connector_sandbox::SandboxConfig;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::server::{self, Ports, Running};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::office::Office;

/// FreshBooks redirects to https only; the proxy behind this name is the test.
const PROXY: &str = "https://sync.example.test";

/// Nothing here takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both vendors, and an office whose settings lead to them.
pub struct Firm {
    pub office: Office,
    pub vendors: Running,
    /// Where our receiver listens.
    pub address: String,
    // The vendors' sockets live in it.
    _runtime: Runtime,
}

impl Firm {
    pub fn new() -> Self {
        let address = free_address();
        let mut config = SandboxConfig::default();
        config.freshbooks.apps[0].redirect_uris =
            vec![format!("{PROXY}/oauth/freshbooks/callback")];
        config.freshbooks.webhooks.delay_ms = 10;
        let runtime = Runtime::new().expect("runtime");
        let vendors = runtime
            .block_on(server::start(config.clone(), Ports::default()))
            .expect("sandbox");
        let office = Office::with_settings(&settings(&config, &vendors, &address));
        office.keep_secret(
            "acme.freshbooks-client-secret",
            &config.freshbooks.apps[0].client_secret,
        );
        office.keep_secret(
            "acme.concur-client-secret",
            &config.concur.apps[0].client_secrets[0],
        );
        Self {
            office,
            vendors,
            address,
            _runtime: runtime,
        }
    }

    pub fn serve(&self) -> Service {
        let mut child = spawn(self.office.program().arg("serve"));
        let mut out = BufReader::new(child.stdout.take().expect("standard output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert!(
            line.starts_with("Listening at "),
            "{line}{}",
            rest(&mut child)
        );
        Service { child }
    }

    /// A token that SAP Concur's administrator has made.
    pub fn company_request_token(&self) -> String {
        self.vendors
            .shared
            .lock()
            .concur
            .company_request_token(server::now())
    }

    /// An invoice over paper that FreshBooks has sent to its client.
    pub fn send_invoice(&self, number: &str, currency: &str) -> u64 {
        let mut vendors = self.vendors.shared.lock();
        let client = json!({"organization": "Northwind Paper Ltd", "email": "ap@northwind.example",
            "currency_code": currency, "p_street": "12 Mill Lane", "p_city": "Toronto", "p_province": "ON",
            "p_code": "M5V 2T6", "p_country": "Canada"});
        let client = vendors
            .freshbooks
            .create(RecordKind::Client, &client, server::now())
            .expect("client");
        let invoice = json!({"customerid": client, "create_date": "2026-02-27", "due_offset_days": 30,
            "currency_code": currency, "invoice_number": number, "status": 2, "lines": [
                {"type": 0, "name": "Copy paper", "description": "A4", "qty": "3",
                 "unit_cost": {"amount": "30.00", "code": currency}}]});
        let id = vendors
            .freshbooks
            .create(RecordKind::Invoice, &invoice, server::now())
            .expect("invoice");
        drop(vendors);
        self.vendors.shared.wake();
        id
    }

    /// Waits until the latest run of an object has ended in this way, and tells it.
    pub fn wait_for(&self, object: &str, ending: &str) -> Value {
        let arguments = [
            "runs", "--latest", "--object", object, "--ending", ending, "--json",
        ];
        eventually(|| {
            let said = self.office.run(&arguments);
            let runs: Value = serde_json::from_str(&said.out).unwrap_or_default();
            runs.get(0)
                .cloned()
                .ok_or_else(|| self.office.run(&["runs"]).out)
        })
    }

    /// Goes through the consent page as a browser does, and gives what our receiver shows at the
    /// end.
    pub fn agree(&self, consent_url: &str) -> String {
        get(&self
            .redirect(consent_url)
            .replace(PROXY, &format!("http://{}", self.address)))
    }

    /// The address that the consent page redirects the browser to.
    pub fn redirect(&self, consent_url: &str) -> String {
        let page = get(consent_url);
        let location = page
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        location
            .unwrap_or_else(|| panic!("no redirect: {page}"))
            .to_string()
    }
}

/// Our service as a process of its own.
pub struct Service {
    child: Child,
}

impl Service {
    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> (ExitStatus, String) {
        let id = self.child.id().to_string();
        let told = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill starts");
        assert!(told.success());
        let status = eventually(|| {
            self.child
                .try_wait()
                .expect("waits")
                .ok_or_else(String::new)
        });
        (status, rest(&mut self.child))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that goes on while the test does its part.
pub struct Going {
    child: Child,
    out: BufReader<ChildStdout>,
    said: String,
}

impl Going {
    pub fn start(office: &Office, arguments: &[&str]) -> Self {
        let mut child = spawn(office.program().args(arguments));
        let out = BufReader::new(child.stdout.take().expect("standard output"));
        Self {
            child,
            out,
            said: String::new(),
        }
    }

    /// Reads on until a line holds this, and gives the line.
    pub fn line_with(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.out.read_line(&mut line).expect("a line");
            assert!(
                length > 0,
                "ended without {part:?}: {}{}",
                self.said,
                rest(&mut self.child)
            );
            self.said.push_str(&line);
            if line.contains(part) {
                return line.trim().to_string();
            }
        }
    }

    pub fn type_in(&mut self, text: &str) {
        let mut stdin = self.child.stdin.take().expect("standard input");
        stdin.write_all(text.as_bytes()).expect("typed");
    }

    pub fn end(mut self) -> (Option<i32>, String) {
        self.out.read_to_string(&mut self.said).expect("text");
        let err = rest(&mut self.child);
        let code = self.child.wait().expect("ends").code();
        (code, self.said + &err)
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn rest(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut err) = child.stderr.take() {
        err.read_to_string(&mut text).expect("text");
    }
    text
}

/// Looks until there is something, and gives it.
pub fn eventually<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if begun.elapsed() > PATIENCE => panic!("it did not happen:\n{seen}"),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// GETs a page without following redirects; the whole answer with its head in lower case.
pub fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("plain HTTP");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).expect("connection");
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answer");
    answer
        .replace("\r\n", "\n")
        .replace("Location: ", "location: ")
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    listener.local_addr().expect("address").to_string()
}

fn settings(config: &SandboxConfig, vendors: &Running, address: &str) -> String {
    let (freshbooks, concur) = (&config.freshbooks, &config.concur);
    let bases: Vec<&String> = vendors.urls.concur.values().collect();
    let (account_id, business_id) = (&freshbooks.account_id, freshbooks.business_id);
    let (freshbooks_app, concur_app) = (&freshbooks.apps[0].client_id, &concur.apps[0].client_id);
    let redirect_uri = &freshbooks.apps[0].redirect_uris[0];
    let (freshbooks_url, glz) = (&vendors.urls.freshbooks, &vendors.urls.concur["glz"]);
    let company_id = &concur.company_uuid;
    format!(
        r#"
[receiver]
listen = "{address}"
public_url = "http://{address}"
[component]
path = "COMPONENT"
[connections.acme]
currencies = ["CAD"]
[connections.acme.freshbooks]
account_id = "{account_id}"
business_id = {business_id}
client_id = "{freshbooks_app}"
redirect_uri = "{redirect_uri}"
base = "{freshbooks_url}"
consent_base = "{freshbooks_url}"
[connections.acme.concur]
company_id = "{company_id}"
client_id = "{concur_app}"
token_base = "{glz}"
extra_bases = {bases:?}
[connections.acme.payment_request]
employee_login_id = "ap.clerk@example.test"
ledger_code = "DEFAULT"
[connections.acme.expense_types]
default = "OFFSP"
"#
    )
}

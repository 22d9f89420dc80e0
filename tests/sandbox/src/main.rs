//! The sandbox as a program: FreshBooks and SAP Concur on local ports, for any client.

use std::fs::File;
use std::io::{BufWriter, LineWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ml_connector_sandbox::SandboxConfig;
use ml_connector_sandbox::skin::{self, Ports};

/// FreshBooks and SAP Concur on local ports.
#[derive(Parser)]
#[command(
    name = "ml-connector-sandbox",
    version,
    after_help = "Example: ml-connector-sandbox serve --journal exchanges.jsonl\nIt prints one line of JSON with all \
                  addresses; POST to the control address steers it, such as\n  \
                  curl -d '{\"invoices\":10,\"bills\":5,\"clients\":3}' $CONTROL/freshbooks/bulk\n  \
                  curl -d '{\"event_type\":\"invoice.readyForIntegration\",\"document_id\":\"4B1F\"}' $CONTROL/concur/events\n  \
                  curl -d '{\"new_key\":true,\"certificate\":\"server_only\"}' $CONTROL/concur/certificate"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What the control plane can do about financial documents and the books.
const CONTROL: &str = "\
Control calls about financial documents and the books, JSON in and out; fields are those of the library's options:
  POST /concur/reports          approve an expense report   {\"currency\":\"CAD\",\"entries\":[\"taxed\",\"split\"]}
  POST /concur/invoices         approve an invoice entered in Concur   {\"credit_memo\":true}
  POST /concur/payment-requests/approve   {\"id\":\"...\"}
  POST /concur/cash-advances    issue a cash advance   {\"amount\":\"300\"}
  POST /concur/payroll          run the payroll   {\"report\":\"...\"}
  POST /concur/bulk             many at once   {\"reports\":100,\"invoices\":20,\"seed\":1}
  POST /concur/recall           {\"source_id\":\"...\"}
  POST /concur/resubmit         {\"source_id\":\"...\",\"options\":{\"change\":\"amounts\"}}
  POST /concur/document-status  {\"id\":\"...\",\"status\":\"VOID\"}
  GET  /concur/documents, /concur/approved
  POST /freshbooks/accounts, /freshbooks/sub-accounts
  GET  /freshbooks/accounts, /freshbooks/journal-entries, /freshbooks/trial-balance";

#[derive(Subcommand)]
enum Command {
    /// Listens on 127.0.0.1 until it is told to stop.
    #[command(after_help = CONTROL)]
    Serve {
        /// Port of FreshBooks (API and consent page); 0 lets the system choose.
        #[arg(long, default_value_t = 0)]
        freshbooks_port: u16,
        /// Port of a Concur host, such as glz=4011 or us2=4012; may be given once per host.
        #[arg(long, value_name = "HOST=PORT", value_parser = host_port)]
        concur_port: Vec<(String, u16)>,
        /// Port of the control plane; 0 lets the system choose.
        #[arg(long, default_value_t = 0)]
        control_port: u16,
        /// Writes every exchange to this file, one line of JSON each.
        #[arg(long, value_name = "FILE")]
        journal: Option<PathBuf>,
        /// Writes the root of the client certificates that event deliveries show to this file, PEM.
        /// It is another one at every start.
        #[arg(long, value_name = "FILE")]
        events_ca: Option<PathBuf>,
        /// Roots that receivers of events are trusted under, PEM; otherwise it is the root of
        /// --events-ca.
        #[arg(long, value_name = "FILE")]
        receiver_roots: Option<PathBuf>,
        /// Switches and data, TOML; every key is a field of the library's SandboxConfig.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Serve {
        freshbooks_port,
        concur_port,
        control_port,
        journal,
        events_ca,
        receiver_roots,
        config,
    } = Arguments::parse().command;
    let ports = Ports {
        freshbooks: freshbooks_port,
        concur: concur_port.into_iter().collect(),
        control: control_port,
    };
    let files = Files {
        journal,
        events_ca,
        receiver_roots,
        config,
    };
    match serve(ports, files).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Files that are read or written at the start.
struct Files {
    journal: Option<PathBuf>,
    events_ca: Option<PathBuf>,
    receiver_roots: Option<PathBuf>,
    config: Option<PathBuf>,
}

async fn serve(ports: Ports, files: Files) -> Result<(), String> {
    let mut config = match files.config {
        Some(path) => read(&path)?,
        None => SandboxConfig::default(),
    };
    if let Some(path) = files.receiver_roots {
        config.concur.events.receiver_roots_pem = text(&path)?;
    }
    let running = skin::start(config, ports)
        .await
        .map_err(|error| format!("a port cannot be had: {error}"))?;
    if let Some(path) = files.events_ca {
        let root = running.authority.root_pem();
        std::fs::write(&path, root).map_err(|error| unwritten(&path, &error))?;
    }
    if let Some(path) = files.journal {
        let file = File::create(&path).map_err(|error| unwritten(&path, &error))?;
        running
            .shared
            .lock()
            .write_journal(Box::new(LineWriter::new(BufWriter::new(file))));
    }
    let urls = serde_json::to_string(&running.urls).map_err(|error| error.to_string())?;
    println!("{urls}");
    std::io::stdout()
        .flush()
        .map_err(|error| error.to_string())?;
    stopped().await;
    running.shutdown();
    Ok(())
}

fn host_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text.split_once('=').ok_or("expected HOST=PORT")?;
    let port = port.parse().map_err(|_| format!("{port} is no port"))?;
    Ok((host.to_owned(), port))
}

fn read(path: &Path) -> Result<SandboxConfig, String> {
    toml::from_str(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn unwritten(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be written: {error}", path.display())
}

async fn stopped() {
    let terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminated {
        Ok(mut terminated) => {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn ports_are_given_by_host() {
        assert_eq!(host_port("us2=4012"), Ok(("us2".into(), 4012)));
        assert!(host_port("us2").is_err());
        assert!(host_port("us2=70000").is_err());
    }

    #[test]
    fn the_default_configuration_survives_toml() {
        let text = toml::to_string(&SandboxConfig::default()).expect("TOML");
        let read: SandboxConfig = toml::from_str(&text).expect("the same configuration");
        assert_eq!(toml::to_string(&read).expect("TOML"), text);
        assert!(toml::from_str::<SandboxConfig>("sead = 1").is_err());
    }
}

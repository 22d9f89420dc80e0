//! The sandbox as a program: FreshBooks and SAP Concur on local ports, for any client.

use std::fs::File;
use std::io::{LineWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ml_connector_sandbox::SandboxConfig;
use ml_connector_sandbox::server::{self, Ports};

/// What `serve --help` explains below the options.
const SERVE_HELP: &str = include_str!("serve_help.txt");

/// The example at the end of that help.
const EXAMPLE_CONFIG: &str = r#"seed = 7

[freshbooks.webhooks]
duplicate_per_mille = 100   # one webhook of ten is sent twice

[concur.token]
refresh = "rotate_strict"   # a refresh token works once

[concur.financial]
always = ["eight_decimals", "padded_codes"]   # what is odd about documents
"#;

/// Local stand-ins for FreshBooks and SAP Concur, for any client.
#[derive(Parser)]
#[command(
    name = "ml-connector-sandbox",
    version,
    after_help = "Try `ml-connector-sandbox serve --help`: it explains the first steps, all \
        control \
                  calls and the configuration."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run both vendors and a control plane on 127.0.0.1 until stopped.
    #[command(after_long_help = format!("{SERVE_HELP}{EXAMPLE_CONFIG}"))]
    Serve {
        /// Port of FreshBooks, API and consent page; 0 picks a free one.
        #[arg(long, default_value_t = 0)]
        freshbooks_port: u16,
        /// Port of a Concur host, such as glz=4011 or us2=4012; once per host. Hosts not named get
        /// a free one.
        #[arg(long, value_name = "HOST=PORT", value_parser = host_port)]
        concur_port: Vec<(String, u16)>,
        /// Port of the control plane; 0 picks a free one.
        #[arg(long, default_value_t = 0)]
        control_port: u16,
        /// Write every request and its answer to this file, one line of JSON each. Tokens in
        /// `Authorization` headers are left out, those in bodies are not.
        #[arg(long, alias = "journal", value_name = "FILE")]
        exchange_log: Option<PathBuf>,
        /// Write the root certificate of event deliveries to this file, PEM: receivers must trust
        /// client certificates under it. Every start makes a new one.
        #[arg(long, value_name = "FILE")]
        events_ca: Option<PathBuf>,
        /// Root certificates of event receivers to trust, PEM. Default: the root of --events-ca.
        #[arg(long, value_name = "FILE")]
        receiver_roots: Option<PathBuf>,
        /// Configuration file, TOML. Default: one company and one account with every switch at its
        /// documented default.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the default configuration as TOML: ids, client ids and secrets, redirect URIs, scopes
    /// and every switch. A file for `serve --config` needs only what differs.
    Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve {
            freshbooks_port,
            concur_port,
            control_port,
            exchange_log,
            events_ca,
            receiver_roots,
            config,
        } => {
            let ports = Ports {
                freshbooks: freshbooks_port,
                concur: concur_port.into_iter().collect(),
                control: control_port,
            };
            let files = Files {
                exchange_log,
                events_ca,
                receiver_roots,
                config,
            };
            serve(ports, files).await
        }
        Command::Config => print_default_config(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Files that are read or written at the start.
struct Files {
    exchange_log: Option<PathBuf>,
    events_ca: Option<PathBuf>,
    receiver_roots: Option<PathBuf>,
    config: Option<PathBuf>,
}

async fn serve(ports: Ports, files: Files) -> Result<(), String> {
    let mut config = match files.config {
        Some(path) => read_config(&path)?,
        None => SandboxConfig::default(),
    };
    if let Some(path) = files.receiver_roots {
        config.concur.events.receiver_roots_pem = read_file(&path)?;
    }
    let running = server::start(config, ports)
        .await
        .map_err(|error| format!("cannot listen or make a key: {error}"))?;
    if let Some(path) = files.events_ca {
        let root = running.authority.root_pem();
        std::fs::write(&path, root).map_err(|error| cannot_write(&path, &error))?;
    }
    if let Some(path) = files.exchange_log {
        let file = File::create(&path).map_err(|error| cannot_write(&path, &error))?;
        running
            .shared
            .lock()
            .write_exchange_log(Box::new(LineWriter::new(file)));
    }
    let urls = serde_json::to_string(&running.urls).map_err(|error| error.to_string())?;
    println!("{urls}");
    std::io::stdout()
        .flush()
        .map_err(|error| error.to_string())?;
    wait_for_stop_signal().await;
    running.shutdown();
    Ok(())
}

fn print_default_config() -> Result<(), String> {
    let text = toml::to_string(&SandboxConfig::default()).map_err(|error| error.to_string())?;
    // Whoever reads may have seen enough: a closed pipe is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn host_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text
        .split_once('=')
        .ok_or("expected HOST=PORT, such as us2=4012")?;
    let port = port
        .parse()
        .map_err(|_| format!("{port} is not a port number"))?;
    Ok((host.to_owned(), port))
}

fn read_config(path: &Path) -> Result<SandboxConfig, String> {
    toml::from_str(&read_file(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_file(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

async fn wait_for_stop_signal() {
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
    fn the_example_of_the_help_is_a_configuration() {
        let read: SandboxConfig = toml::from_str(EXAMPLE_CONFIG).expect("a configuration");
        assert_eq!(read.freshbooks.webhooks.duplicate_per_mille, 100);
    }

    #[test]
    fn the_example_settings_name_what_the_sandbox_has() {
        let text = include_str!("../../../docs/examples/sandbox-settings.json");
        let settings: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let SandboxConfig {
            freshbooks, concur, ..
        } = SandboxConfig::default();
        let (freshbooks_app, concur_app) = (&freshbooks.apps[0], &concur.apps[0]);
        for (pointer, expected) in [
            ("/freshbooks/account_id", &freshbooks.account_id),
            ("/freshbooks/client_id", &freshbooks_app.client_id),
            ("/freshbooks/redirect_uri", &freshbooks_app.redirect_uris[0]),
            ("/concur/company_id", &concur.company_uuid),
            ("/concur/client_id", &concur_app.client_id),
            (
                "/payment_request/employee_login_id",
                &concur.employees[0].login_id,
            ),
        ] {
            let named = settings
                .pointer(pointer)
                .and_then(serde_json::Value::as_str);
            assert_eq!(named, Some(expected.as_str()), "{pointer}");
        }
        let business_id = settings["freshbooks"]["business_id"].as_u64();
        assert_eq!(business_id, Some(freshbooks.business_id));
    }

    #[test]
    fn the_default_configuration_survives_toml() {
        let text = toml::to_string(&SandboxConfig::default()).expect("TOML");
        let read: SandboxConfig = toml::from_str(&text).expect("the same configuration");
        assert_eq!(toml::to_string(&read).expect("TOML"), text);
        assert!(toml::from_str::<SandboxConfig>("sead = 1").is_err());
    }
}

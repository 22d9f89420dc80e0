//! `serve`: the service.

use std::io::{self, Write};
use std::time::Duration;

use ml_connector::config::Settings;
use ml_connector::secrets::Secrets;
use ml_connector::service::{self, Running};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::context::Context;
use super::failure::Failure;
use super::{Done, client, exit, logging};

/// Receive webhooks and carry documents over, until it is told to stop
///
/// Makes the store and the seal keys if they are not there. Webhooks are answered once they are on
/// the disk. On SIGTERM or SIGINT it takes no more requests, lets the runs under way reach their
/// next durable point within limits.shutdown_grace_s, and ends with 0; nothing is lost, not even
/// when it is killed. Log lines go to standard error and hold no bodies and no secrets.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector serve
  ml-connector serve --config /etc/ml-connector.toml

It also answers GET /healthz, /readyz and /metrics (Prometheus) at receiver.listen, or at
receiver.monitoring_listen where that is set.")]
pub(super) struct Args {}

pub(super) fn run(context: &Context, out: &mut impl Write) -> Done {
    // The service has the component check the settings, once.
    let settings = context.settings()?;
    logging::log_service(settings.log);
    let runtime = service::runtime()
        .map_err(|error| Failure::new(exit::NOT_IN_ORDER, format!("cannot start: {error}")))?;
    let done = runtime.block_on(serve(context, &settings, out));
    // A name that is being looked up cannot be given up otherwise, and all else has ended.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn serve(context: &Context, settings: &Settings, out: &mut impl Write) -> Done {
    let mut stop = Stop::listen()?;
    let secrets = Secrets::new(settings.config.secrets_dir.clone());
    let mut running = service::serve(&settings.config, &secrets)
        .await
        .map_err(|error| client::failure(context, error))?;
    announce(settings, &running, out)?;
    tokio::select! {
        name = stop.wait() => tracing::info!(signal = name, "stopping"),
        failed = running.failed() => failed.map_err(|error| client::failure(context, error))?,
    }
    running.shutdown().await;
    tracing::info!("stopped");
    Ok(exit::OK)
}

fn announce(settings: &Settings, running: &Running, out: &mut impl Write) -> Result<(), Failure> {
    let config = &settings.config;
    writeln!(
        out,
        "Listening at {} for {}",
        running.address(),
        config.public_url
    )?;
    out.flush()?;
    Ok(())
}

/// The signals that end the service.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error: io::Error| {
                Failure::new(
                    exit::NOT_IN_ORDER,
                    format!("cannot listen for signals: {error}"),
                )
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

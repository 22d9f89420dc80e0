//! The machines behind real sockets: one port for FreshBooks, one per Concur host, one to steer them.
//!
//! Servers listen on 127.0.0.1. Webhooks are delivered by a client of its own, many at once, without following
//! redirects.

mod control;
mod deliverer;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::{Millis, Sandbox, SandboxConfig, System};

/// Which ports to listen on; 0 lets the system choose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// FreshBooks, API and consent page.
    pub freshbooks: u16,
    /// The control plane.
    pub control: u16,
}

/// Where everything listens.
#[derive(Clone, Debug, Serialize)]
pub struct Urls {
    /// FreshBooks, API and consent page.
    pub freshbooks: String,
    /// Concur hosts by name: `glz` and the datacenters.
    pub concur: BTreeMap<String, String>,
    /// The control plane.
    pub control: String,
}

/// A sandbox that is running.
pub struct Running {
    /// Where it listens.
    pub urls: Urls,
    /// The machines.
    pub shared: Shared,
    stop: watch::Sender<bool>,
}

impl Running {
    /// Stops listening and delivering.
    pub fn shutdown(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// The machines, shared by all sockets.
#[derive(Clone)]
pub struct Shared {
    sandbox: Arc<Mutex<Sandbox>>,
    changed: Arc<Notify>,
}

impl Shared {
    /// The machines. Call [`Shared::wake`] afterwards if webhooks may be due.
    pub fn lock(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the deliverer look for webhooks that are due.
    pub fn wake(&self) {
        self.changed.notify_one();
    }
}

/// The wall clock in milliseconds since the Unix epoch.
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Starts a sandbox; the Concur hosts of `config` get the ports' addresses.
///
/// # Errors
///
/// If a port cannot be had.
pub async fn start(mut config: SandboxConfig, ports: Ports) -> io::Result<Running> {
    let freshbooks = listen(ports.freshbooks).await?;
    let control = listen(ports.control).await?;
    let mut concur = Vec::new();
    for (name, host) in &mut config.concur.hosts {
        let listener = listen(0).await?;
        let address = listener.local_addr()?;
        host.authority = address.to_string();
        host.base_url = url(address);
        concur.push((name.clone(), listener));
    }
    let urls = Urls {
        freshbooks: url(freshbooks.local_addr()?),
        concur: config
            .concur
            .hosts
            .iter()
            .map(|(name, host)| (name.clone(), host.base_url.clone()))
            .collect(),
        control: url(control.local_addr()?),
    };
    let sandbox = Sandbox::new(config, now());
    let shared = Shared {
        sandbox: Arc::new(Mutex::new(sandbox)),
        changed: Arc::new(Notify::new()),
    };
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(server::serve(
        freshbooks,
        System::FreshBooks,
        shared.clone(),
        stopped.clone(),
    ));
    for (_, listener) in concur {
        tokio::spawn(server::serve(
            listener,
            System::Concur,
            shared.clone(),
            stopped.clone(),
        ));
    }
    tokio::spawn(control::serve(control, shared.clone(), stopped.clone()));
    tokio::spawn(deliverer::run(shared.clone(), stopped));
    Ok(Running { urls, shared, stop })
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

//! What is logged, to standard error.

use std::io;

use ml_connector::admin::audit;
use ml_connector::config::{Log, LogFormat, LogLevel};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::printable::Printable;
use super::style;

/// This program's own crate.
const OWN: &str = "ml_connector";

/// Logs what the service does.
pub(super) fn log_service(log: Log) {
    init(log, service_targets(log.level));
}

/// Logs only what a person asked for: a command that does its work itself, since no service runs,
/// has no other lines to show.
pub(super) fn log_command(log: Log) {
    let level = LevelFilter::INFO.min(filter(log.level));
    init(log, Targets::new().with_target(audit::TARGET, level));
}

/// Libraries are heard up to `info`: at `trace` the compiler of WebAssembly alone writes gigabytes
/// at the first start, and TLS and HTTP write what they send.
fn service_targets(level: LogLevel) -> Targets {
    let level = filter(level);
    Targets::new()
        .with_default(LevelFilter::INFO.min(level))
        .with_target(OWN, level)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn init(log: Log, targets: Targets) {
    let lines = lines(log).with_filter(targets);
    // A second command in one process, as in no program but a test, goes on with the first one.
    let _ = Registry::default().with(lines).try_init();
}

fn lines<S>(log: Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let coloured = log.format == LogFormat::Text && style::is_coloured(&io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(Stderr { coloured });
    match log.format {
        LogFormat::Text => lines.with_ansi(coloured).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

struct Stderr {
    coloured: bool,
}

impl<'w> MakeWriter<'w> for Stderr {
    type Writer = Printable<io::Stderr>;

    fn make_writer(&'w self) -> Self::Writer {
        Printable::new(io::stderr(), self.coloured)
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_heard_up_to_info() {
        let targets = service_targets(LogLevel::Trace);
        assert!(targets.would_enable("ml_connector::engine", &Level::TRACE));
        for library in [
            "cranelift_codegen",
            "wasmtime",
            "rustls",
            "h2",
            "hyper",
            "log",
        ] {
            assert!(targets.would_enable(library, &Level::INFO), "{library}");
            assert!(!targets.would_enable(library, &Level::DEBUG), "{library}");
        }
        let targets = service_targets(LogLevel::Warn);
        assert!(!targets.would_enable("rustls", &Level::INFO));
        assert!(!targets.would_enable("ml_connector", &Level::INFO));
    }
}

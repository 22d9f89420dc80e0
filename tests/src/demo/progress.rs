//! The progress bar, and waiting until there is nothing left to do.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

pub(super) use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::fixtures::Deployment;

/// How long the demo may take for one part before it counts as stuck: the longest settle times and
/// retries in a row come to less than a minute, the rest is for a busy machine.
const PART_MAX: Duration = Duration::from_secs(240);

/// Looks in a row that must find nothing to do, since one run may start another.
const QUIET_LOOKS: u32 = 3;

pub(super) fn progress_bar(length: u64, done: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = format!("  {{bar:30}} {{pos}}/{{len}} {done}, {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    if !std::io::stderr().is_terminal() {
        println!("  working ...");
    }
    bar
}

/// Waits until `is_done` is true several times in a row.
pub(super) async fn until_quiet(
    deployment: &Deployment,
    is_done: impl AsyncFn() -> bool,
) -> Result<(), String> {
    let began = Instant::now();
    let mut quiet = 0;
    while quiet < QUIET_LOOKS {
        if began.elapsed() > PART_MAX {
            let directory = deployment.installation.directory().display();
            return Err(format!("the demo is stuck; see {directory}/service.log"));
        }
        quiet = if is_done().await { quiet + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Has the bar move for this long.
pub(super) async fn keep_moving(duration: Duration, show: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while began.elapsed() < duration {
        show().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

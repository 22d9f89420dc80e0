//! The real host as a process, the sandbox over real sockets, faults on every path, and SIGKILL in the middle.

use ml_connector_tests::office::{Office, Pace};
use ml_connector_tests::{built, demo};

/// The connector's program, built by whoever runs the tests of the whole workspace.
fn binary() -> std::path::PathBuf {
    let here = std::env::current_exe().expect("has a path");
    let directory = here.ancestors().nth(2).expect("target/debug");
    let binary = directory.join("ml-connector");
    assert!(
        binary.is_file(),
        "{} is missing; run the tests with `cargo test --workspace`",
        binary.display()
    );
    binary
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_carried_over_through_faults_and_kills() {
    let directory = tempfile::tempdir().expect("a directory");
    let component = built::component();
    let office = Office::open(directory.path(), &binary(), component, &Pace::default()).await;
    let mut office = office.expect("opens");
    office.start().await.expect("starts");
    office.connect().await.expect("connects");
    office.registered().await.expect("registers");
    let bill = demo::carry(&mut office).await.expect("ends");
    assert_eq!((bill.lost, bill.duplicates), (0, 0), "{bill:?}");
    assert_eq!(bill.seen, bill.documents, "{bill:?}");
    assert!(bill.parked.is_empty(), "{bill:?}");
    office.stop().expect("ends with success on SIGTERM");
}

//! What the browser and the terminal say of a consent.

use ml_connector_tests::fixtures::command::RunningCommand;
use ml_connector_tests::fixtures::{Deployment, Options, http};

/// A deployment whose service runs, and a command that waits for a consent: the address of the
/// consent page, and the one that it redirects to.
async fn waiting() -> (Deployment, RunningCommand, String) {
    let deployment = Deployment::started(&Options::default()).await;
    let deployment = deployment.expect("starts");
    let command = deployment.installation.command(&["connect", "freshbooks"]);
    let mut connecting = RunningCommand::start(command);
    let url = connecting.line_with("/oauth/authorize").expect("a link");
    let waits = connecting.line_with("Waiting for FreshBooks");
    waits.expect("it waits");
    let redirect = deployment.consent_redirect(&url).await.expect("redirects");
    (deployment, connecting, redirect)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_exchange_is_said_in_the_browser_and_in_the_terminal() {
    let (mut deployment, connecting, redirect) = waiting().await;
    let secret = "acme.freshbooks-client-secret";
    deployment.installation.write_secret(secret, "wrong");
    let page = http::get(&redirect).await.expect("a page");
    assert_eq!(page.status, 400);
    assert!(
        page.body.contains("FreshBooks is not connected: ") && page.body.contains("invalid_client"),
        "{page:?}"
    );
    let output = connecting.end();
    assert_ne!(output.code, 0);
    assert!(output.err.contains("invalid_client"), "{output:?}");
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_said_in_the_terminal_and_in_the_log() {
    let (mut deployment, connecting, _) = waiting().await;
    deployment.stop().expect("stops");
    let output = connecting.end();
    assert_ne!(output.code, 0);
    assert!(output.err.contains("the service has stopped"), "{output:?}");
    let log = deployment.log();
    assert!(!log.contains("did not come back"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_ends_the_command_that_waits() {
    let (mut deployment, connecting, redirect) = waiting().await;
    let (address, query) = redirect.split_once('?').expect("a query");
    let state = query.split('&').find(|pair| pair.starts_with("state="));
    let state = state.expect("a state");

    // What nobody may take for an answer takes nothing away.
    for query in [
        format!("{query}&code=another"),
        format!("{query}&{state}"),
        "error=access_denied&state=guessed".to_string(),
    ] {
        let page = http::get(&format!("{address}?{query}")).await;
        let page = page.expect("a page");
        assert_eq!(page.status, 400, "{query}");
    }
    let denied = format!("{address}?error=access_denied&{state}");
    let page = http::get(&denied).await.expect("a page");
    assert_eq!(page.status, 400);
    assert!(page.body.contains("(access_denied)"), "{page:?}");
    let output = connecting.end();
    assert_ne!(output.code, 0);
    assert!(output.err.contains("access_denied"), "{output:?}");
    deployment.stop().expect("stops");
}

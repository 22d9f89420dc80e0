//! The page with a firm's whole set-up: its file and its commands do what it says.

use ml_connector_sandbox::server;
use ml_connector_tests::built;
use ml_connector_tests::fixtures::installation::SETTINGS_FILE;
use ml_connector_tests::fixtures::{Deployment, Options, documents};
use serde_json::json;

/// The page.
fn page() -> String {
    let path = built::root().join("docs/set-up.md");
    std::fs::read_to_string(path).expect("the page")
}

/// What stands between fences of this kind, block after block.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let parts = page.split(&fence).skip(1);
    let until_fence = parts.filter_map(|part| part.split("```").next());
    until_fence.map(str::to_string).collect()
}

/// The file as the page has it, but for the addresses: those of this machine.
fn settings(deployment: &Deployment) -> String {
    let [text] = blocks(&page(), "toml").try_into().expect("one file");
    let urls = &deployment.sandbox.urls;
    let bases: Vec<&String> = urls.concur.values().collect();
    let local = |text: String, from: &str, to: String| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, &to)
    };
    let (receiver, freshbooks) = (&deployment.receiver_url, &urls.freshbooks);
    let address = receiver.trim_start_matches("http://");
    let component = built::component().display().to_string();
    let text = local(
        text,
        "[receiver]\npublic_url = \"https://sync.example.test\"",
        format!(
            "[component]\npath = \"{component}\"\n\
             [receiver]\npublic_url = \"{receiver}\"\nlisten = \"{address}\""
        ),
    );
    let text = local(
        text,
        "redirect_uri = \"https://sync.example.test/",
        format!(
            "base = \"{freshbooks}\"\nconsent_base = \"{freshbooks}\"\n\
             redirect_uri = \"{receiver}/"
        ),
    );
    local(
        text,
        "[connections.acme.concur]",
        format!(
            "[connections.acme.concur]\ntoken_base = \"{}\"\nextra_bases = {}",
            urls.concur["glz"],
            json!(bases)
        ),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_up_of_the_page_works_as_it_stands() {
    let deployment = Deployment::new(&Options::both_ways(60)).await;
    let mut deployment = deployment.expect("a deployment");
    let text = settings(&deployment);
    deployment.installation.write(SETTINGS_FILE, &text);
    let commands = blocks(&page(), "sh").concat();
    assert!(commands.lines().count() > 6, "{commands}");
    for command in commands.lines() {
        run(&mut deployment, command).await;
    }
    it_carries_an_invoice_and_an_expense(&deployment);
}

async fn run(deployment: &mut Deployment, command: &str) {
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    let done = match arguments.as_slice() {
        ["serve"] => deployment.start().await.map(|_| ()),
        ["connect", "freshbooks"] => deployment.connect_freshbooks().await,
        ["connect", "concur"] => deployment.connect_concur(),
        ["check"] => {
            let output = deployment.installation.run(&arguments);
            assert_eq!(output.code, 4, "{output:?}");
            Ok(())
        }
        _ => deployment.installation.run(&arguments).success(),
    };
    done.unwrap_or_else(|why| panic!("{command}: {why}"));
    if arguments.ends_with(&["concur"]) {
        let registered = deployment.registered().await;
        registered.expect("webhooks are registered");
    }
}

fn it_carries_an_invoice_and_an_expense(deployment: &Deployment) {
    let (invoice, expense) = {
        let now = server::now();
        let freshbooks = &mut deployment.sandbox.shared.lock().freshbooks;
        let client = freshbooks.create_client(&documents::client(), now);
        let invoice = documents::invoice(client.expect("a client"), "2093");
        let invoice = freshbooks.create_invoice(&invoice, now);
        let expense = json!({"staffid": 2, "categoryid": 3344, "date": "2026-02-11",
            "vendor": "City Cabs", "amount": {"amount": "40.00", "code": "CAD"}});
        let expense = freshbooks.create_expense(&expense, now);
        (invoice.expect("an invoice"), expense.expect("an expense"))
    };
    deployment.sandbox.shared.wake();
    for object in [
        format!("freshbooks/invoice/{invoice}"),
        format!("freshbooks/expense/{expense}"),
    ] {
        let _ = deployment.ended(&object, "confirmed");
    }
}

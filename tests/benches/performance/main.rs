//! What it costs, as ratios of one run: `cargo bench --workspace --bench performance`.
//!
//! Native code and the component do the same work on the same inputs, with the fuel and memory
//! limits of production. Each figure is the fastest of many batches, since other work on the
//! machine only ever adds. The end-to-end part runs the service in this process, with the sandbox
//! beside it over real sockets.

#![allow(clippy::float_arithmetic, reason = "ratios of times, no money")]

mod inputs;
mod service;

use std::hint::black_box;
use std::time::{Duration, Instant};

use ml_connector::contract::runs::{Outcome, Task};
use ml_connector::guest::SettingsText;
use ml_connector_component::contract::http::{Body, Header};
use ml_connector_component::contract::webhooks::{Callback, Delivery, Receiver};
use ml_connector_component::mapping;
use ml_connector_component::settings::Settings;
use ml_connector_sandbox::freshbooks::sign;
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::{self, Backend, CONNECTION};
use ml_connector_tests::sim::Sim;
use ml_connector_tests::sim::store::StoredRun;

use self::inputs::{wide_report, with_accounts};

const BATCHES: u32 = 60;

fn main() {
    println!(
        "{:<44} {:>12} {:>12} {:>7}",
        "", "native", "component", "ratio"
    );
    verify();
    translate();
    translate_report();
    run();
    open();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(service::webhooks());
    runtime.block_on(service::end_to_end());
}

/// The fastest of many batches, per call.
fn fastest(calls: u32, mut call: impl FnMut()) -> Duration {
    let batch = |call: &mut dyn FnMut()| {
        let began = Instant::now();
        for _ in 0..calls {
            call();
        }
        began.elapsed() / calls
    };
    (0..BATCHES)
        .map(|_| batch(&mut call))
        .min()
        .unwrap_or_default()
}

fn row(name: &str, native: Duration, component: Duration) {
    let ratio = component.as_secs_f64() / native.as_secs_f64();
    println!(
        "{name:<44} {:>12} {:>12} {ratio:>6.2}x",
        shown(native),
        shown(component)
    );
}

fn shown(time: Duration) -> String {
    format!("{:.2} us", time.as_secs_f64() * 1e6)
}

fn verify() {
    let key = "kT3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu";
    let fields = [
        ("name", "invoice.update"),
        ("object_id", "90210447"),
        ("account_id", "zQ7pLm"),
        ("business_id", "8812345"),
        ("identity_id", "5520071"),
        ("user_id", "1"),
        (
            "padding",
            "a value that makes the body of this delivery two hundred bytes long, as real ones are",
        ),
    ];
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    let body = body.join("&");
    let header = |name: &str, value: &str| Header {
        name: name.to_string(),
        value: value.to_string(),
    };
    let delivery = Delivery {
        headers: vec![
            header("content-type", "application/x-www-form-urlencoded"),
            header("x-freshbooks-hmac-sha256", &sign(&fields, key)),
        ],
        body: Body::Text(body),
    };
    let receiver = Receiver {
        account_id: "zQ7pLm".to_string(),
        callbacks: vec![Callback {
            id: "1".to_string(),
            verifier: Some(key.to_string()),
        }],
        registering: false,
    };
    let native = fastest(200, || {
        assert!(
            black_box(ml_connector_component::webhooks::verify(
                &delivery, &receiver
            ))
            .is_ok()
        );
    });
    let mut instance = logic::compiled().instance().expect("an instance");
    let (delivery, receiver) = (logic::convert(&delivery), logic::convert(&receiver));
    let component = fastest(200, || {
        assert!(
            black_box(instance.verify(&delivery, &receiver))
                .expect("no trap")
                .is_ok()
        );
    });
    row("verify a webhook of 200 bytes", native, component);
}

fn translate() {
    let json = settings::connection("park").to_string();
    let settings = Settings::load(CONNECTION, &json).expect("are right");
    let mut sim = Sim::connected(Backend::Native, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&documents::client(), sim.now)
        .expect("is created");
    let id = sim
        .sandbox
        .freshbooks
        .create_invoice(&documents::invoice(client, "1"), sim.now)
        .expect("is created");
    let document = sim
        .sandbox
        .freshbooks
        .invoice(id, sim.now)
        .expect("is there")
        .to_string();
    let native = fastest(100, || {
        black_box(mapping::preview(&settings, "invoice", &document)).expect("is translated");
    });
    let mut instance = logic::compiled().instance().expect("an instance");
    let held = instance
        .load_settings(CONNECTION, &json)
        .expect("no trap")
        .expect("are right");
    let component = fastest(100, || {
        black_box(instance.preview(held, "invoice", &document))
            .expect("no trap")
            .expect("is translated");
    });
    row(
        &format!("translate an invoice of {} bytes", document.len()),
        native,
        component,
    );
}

/// An expense report of 30 KiB, as wide as SAP Concur's own: most members are custom fields, and
/// most of those null.
fn translate_report() {
    let document = wide_report();
    let json = with_accounts();
    let settings = Settings::load(CONNECTION, &json).expect("are right");
    let native = fastest(20, || {
        black_box(mapping::preview(&settings, "expense-document", &document))
            .expect("is translated");
    });
    let mut instance = logic::compiled().instance().expect("an instance");
    let held = instance
        .load_settings(CONNECTION, &json)
        .expect("no trap")
        .expect("are right");
    let component = fastest(20, || {
        black_box(instance.preview(held, "expense-document", &document))
            .expect("no trap")
            .expect("is translated");
    });
    let name = format!(
        "translate an expense document of {} KiB",
        document.len() / 1024
    );
    row(&name, native, component);
}

/// All steps of an invoice's run, from the answers that it was given.
fn run() {
    let recorded = recorded_invoice_run();
    let json = settings::connection("park").to_string();
    let settings = std::rc::Rc::new(Settings::load(CONNECTION, &json).expect("are right"));
    let outcomes: Vec<_> = recorded
        .history
        .iter()
        .map(|entry| entry.outcome.clone().expect("nothing was interrupted"))
        .collect();
    let native = fastest(50, || {
        let run = ml_connector_component::runs::Run::open(
            recorded.task.clone(),
            settings.clone(),
            Vec::new(),
        );
        let mut run = run.unwrap_or_else(|error| panic!("{error:?}"));
        for outcome in &outcomes {
            black_box(run.step(outcome.clone())).expect("is taken");
        }
    });
    let text = SettingsText {
        connection: CONNECTION.into(),
        version: "bench".to_string(),
        json: json.into(),
    };
    let outcomes: Vec<_> = outcomes.iter().map(logic::convert).collect();
    run_in_component(&logic::convert(&recorded.task), &text, &outcomes, native);
}

/// The run of an invoice whose vendor is known already.
fn recorded_invoice_run() -> StoredRun {
    let mut sim = Sim::connected(Backend::Native, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&documents::client(), sim.now)
        .expect("is created");
    for number in ["1", "2"] {
        sim.sandbox
            .freshbooks
            .create_invoice(&documents::invoice(client, number), sim.now)
            .expect("is created");
        sim.settle();
    }
    let mut runs = sim.store.runs.values().rev();
    let invoice = runs.find(|run| run.task.object.kind == "invoice");
    invoice.expect("has run").clone()
}

/// The same steps through the component, and what opening alone costs.
fn run_in_component(task: &Task, text: &SettingsText, outcomes: &[Outcome], native: Duration) {
    let instance =
        ml_connector::guest::SharedInstance::new(logic::compiled()).expect("an instance");
    let component = fastest(50, || {
        let opened = instance.open(task, text, &[]).expect("opens");
        for outcome in outcomes {
            black_box(instance.step(opened.run, outcome)).expect("is taken");
        }
        instance.close(opened.run);
    });
    let name = format!("a whole invoice run, {} steps", outcomes.len());
    row(&name, native, component);
    let opening = fastest(50, || {
        let opened = instance.open(task, text, &[]).expect("opens");
        instance.close(opened.run);
    });
    println!(
        "{:<44} {:>12} {:>12}",
        "open and drop a run (at most 20 us)",
        "",
        shown(opening)
    );
}

fn open() {
    let guest = logic::compiled();
    let instance = fastest(50, || {
        drop(black_box(guest.instance()).expect("an instance"));
    });
    println!(
        "{:<44} {:>12} {:>12}",
        "instantiate (at most 50 us)",
        "",
        shown(instance)
    );
}

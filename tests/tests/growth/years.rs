//! How large a store is after years of documents.

use ml_connector::admin::AdminRequest;
use ml_connector::contract::runs::{Completion, EndingKind, Link, NewTask, StartReason};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::service::Running;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{HistoryRow, NewRun, Receipt, Run, RunId, Store, Write};
use ml_connector_tests::fixtures::Options;
use ml_connector_tests::fixtures::installation::STORE_FILE;
use ml_connector_tests::fixtures::service::{InProcess, confirmed, ended, until_registered};
use ml_connector_tests::fixtures::waiting::until;

use super::{bytes_in_use, file_bytes, is_long};

const DAY_MS: u64 = 86_400_000;
const START: u64 = 1_800_000_000_000;

/// Documents, sweeps and checks of webhooks as the service stores them, again and again with a
/// clock that runs through the days, and retention each day.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_stays_flat_for_each_document() {
    let plan = match is_long() {
        true => Plan {
            days: 730,
            documents_a_day: 1_000,
            sweeps_a_day: 96,
            checks_a_day: 24,
            retention_days: 400,
        },
        false => Plan {
            days: 60,
            documents_a_day: 20,
            sweeps_a_day: 2,
            checks_a_day: 1,
            retention_days: 20,
        },
    };
    let templates = Templates::record().await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(STORE_FILE);
    let store = SqliteStore::open(&path).expect("a store");
    let mut years = Years {
        store,
        templates,
        plan,
        documents: 0,
    };
    let mut sizes = Vec::new();
    for day in 0..years.plan.days {
        years.day(day).await;
        if (day + 1).is_multiple_of(years.plan.days / 24) {
            let bytes = bytes_in_use(&years.store).await;
            sizes.push((years.documents, bytes));
            report(&sizes, day + 1, file_bytes(&path));
        }
    }
    let mut tables = years.store.table_bytes().await.expect("is read");
    tables.retain(|(_, bytes)| *bytes >= years.documents);
    for (table, bytes) in tables {
        println!(
            "{table:<24} {:>8} bytes per document",
            bytes / years.documents
        );
    }
    assert_flat(&sizes);
}

/// So many bytes a document may add for good: its name, its link, and how it ended last.
const FOR_GOOD_BYTES_MAX: u64 = 2_048;

/// Once old histories are deleted as new ones are added, a document adds only what is for good.
fn assert_flat(sizes: &[(u64, u64)]) {
    let (documents, bytes) = sizes[sizes.len() - 1];
    let (earlier, bytes_earlier) = sizes[sizes.len() - 6];
    let added = bytes.saturating_sub(bytes_earlier) / (documents - earlier);
    println!("in the last quarter: {added} bytes for each document");
    assert!(added < FOR_GOOD_BYTES_MAX, "{added} bytes");
}

fn report(sizes: &[(u64, u64)], day: u64, file: u64) {
    let (documents, bytes) = sizes[sizes.len() - 1];
    println!(
        "day {day:>4}: {documents:>7} documents, {:>8} KiB in use, {:>8} KiB on the disk, {:>6} \
         bytes for each",
        bytes / 1_024,
        file / 1_024,
        bytes / documents
    );
}

struct Plan {
    days: u64,
    documents_a_day: u64,
    sweeps_a_day: u64,
    checks_a_day: u64,
    retention_days: u64,
}

/// A run as the service has stored it.
struct Template {
    run: Run,
    rows: Vec<HistoryRow>,
    completion: Completion,
    link: Option<Link>,
}

struct Templates {
    invoice: Template,
    look: Template,
    sweep: Template,
    callback: Template,
}

impl Templates {
    /// Has the service carry over an invoice, look at it again, sweep and check its webhooks.
    async fn record() -> Self {
        let fixture = InProcess::new(&Options::default()).await;
        let service = fixture.start().await;
        fixture.deployment.connect().await.expect("connected");
        until_registered(&service).await;
        fixture.create_invoice(fixture.create_client(), "G-1");
        until("the invoice is carried over", async || {
            confirmed(&service, "invoice").await.len() == 1
        })
        .await;
        let first = confirmed(&service, "invoice").await.remove(0);
        fixture.ask(AdminRequest::Replay { run: first.id }).await;
        let looks = async || {
            let mut looks = ended(&service, EndingKind::Unchanged).await;
            looks.retain(|run| run.object == first.object);
            looks
        };
        until("it is looked at again", async || !looks().await.is_empty()).await;
        let sweep = confirmed(&service, "sweep").await.remove(0);
        let callback = confirmed(&service, "callback").await.remove(0);
        let templates = Self {
            look: template(&service, looks().await.remove(0)).await,
            invoice: template(&service, first).await,
            sweep: template(&service, sweep).await,
            callback: template(&service, callback).await,
        };
        service.shutdown().await;
        templates
    }
}

async fn template(service: &Running, run: Run) -> Template {
    let store = &service.parts().services.store;
    let rows = store.history(run.id).await.expect("rows");
    let objects = std::slice::from_ref(&run.object);
    let status = store.object_statuses("acme", objects).await;
    Template {
        rows: rows
            .into_iter()
            .filter(|row| row.epoch == run.epoch)
            .collect(),
        completion: run.completion.clone().expect("has ended"),
        link: status.expect("is read").remove(0).link,
        run,
    }
}

struct Years {
    store: SqliteStore,
    templates: Templates,
    plan: Plan,
    documents: u64,
}

impl Years {
    async fn day(&mut self, day: u64) {
        let now = START + day * DAY_MS;
        let documents = self.documents..self.documents + self.plan.documents_a_day;
        self.documents = documents.end;
        let named: Vec<ObjectRef> = documents.map(|id| invoice(&id.to_string())).collect();
        tokio::join!(
            self.documents(&named, now),
            self.sweeps(now),
            self.callbacks(now)
        );
        self.delete_old(now).await;
    }

    async fn documents(&self, named: &[ObjectRef], now: u64) {
        for some in named.chunks(200) {
            self.carry_over(some, now).await;
        }
        // Every fourth is looked at once more, as after another webhook.
        let again: Vec<ObjectRef> = named.iter().step_by(4).cloned().collect();
        let look = &self.templates.look;
        self.run_all(look, &again, now, false).await;
    }

    /// Of one page in each pass.
    async fn sweeps(&self, now: u64) {
        let pages = ["invoice/1", "invoice/deleted/1", "bill/1", "bill/deleted/1"];
        let pages = pages.map(|page| freshbooks("sweep", page));
        for _ in 0..self.plan.sweeps_a_day {
            let sweep = &self.templates.sweep;
            self.run_all(sweep, &pages, now, false).await;
        }
    }

    async fn callbacks(&self, now: u64) {
        let checked = ["invoice", "bill"].map(|id| freshbooks("callback", id));
        for _ in 0..self.plan.checks_a_day {
            let callback = &self.templates.callback;
            self.run_all(callback, &checked, now, false).await;
        }
    }

    /// With the webhook that each began with, and its link.
    async fn carry_over(&self, objects: &[ObjectRef], now: u64) {
        let notice = |object: &ObjectRef| Write::Notice {
            connection: "acme".into(),
            object: object.clone(),
            event: "invoice.create".into(),
            received: now,
        };
        self.commit(objects.iter().map(notice).collect()).await;
        self.run_all(&self.templates.invoice, objects, now, true)
            .await;
    }

    /// Runs of these objects from start to end, in as few commits as their numbers allow.
    async fn run_all(&self, template: &Template, objects: &[ObjectRef], now: u64, noticed: bool) {
        let notices = match noticed {
            true => self
                .store
                .undecided_notices(u32::MAX, Vec::new())
                .await
                .expect("are read"),
            false => Vec::new(),
        };
        let start = |(index, object): (usize, &ObjectRef)| {
            Write::StartOrMarkDirty(NewRun {
                connection: "acme".into(),
                task: NewTask {
                    object: object.clone(),
                    reason: StartReason::Notice,
                },
                settings_version: template.run.settings_version.clone(),
                started: now,
                notice: notices.get(index).map(|notice| notice.id),
            })
        };
        let started = self
            .commit(objects.iter().enumerate().map(start).collect())
            .await;
        assert_eq!(started.runs.len(), objects.len());
        let runs = started.runs.into_iter().zip(objects);
        let rest = runs.flat_map(|(run, object)| template.writes(run, object, now));
        self.commit(rest.collect()).await;
    }

    async fn delete_old(&self, now: u64) {
        let retire = Write::Retire {
            ended_before: now - self.plan.retention_days * DAY_MS,
        };
        let forget = Write::Forget {
            received_before: now - 30 * DAY_MS,
        };
        self.commit(vec![retire, forget]).await;
    }

    async fn commit(&self, batch: Vec<Write>) -> Receipt {
        self.store.commit(batch).await.expect("is stored")
    }
}

impl Template {
    fn writes(&self, run: RunId, object: &ObjectRef, now: u64) -> Vec<Write> {
        let rows = self.rows.iter().cloned().map(|row| HistoryRow {
            epoch: 0,
            at: now,
            ..row
        });
        let append = Write::Append {
            run,
            rows: rows.collect(),
        };
        let link = self.link.as_ref().map(|link| Write::Links {
            connection: "acme".into(),
            links: vec![Link {
                source: object.clone(),
                ..link.clone()
            }],
            unlinks: Vec::new(),
            run: Some(run),
            at: now,
        });
        let end = Write::End {
            run,
            completion: self.completion.clone(),
            at: now,
        };
        std::iter::once(append).chain(link).chain([end]).collect()
    }
}

fn invoice(id: &str) -> ObjectRef {
    freshbooks("invoice", id)
}

fn freshbooks(kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: kind.into(),
        id: id.into(),
    }
}

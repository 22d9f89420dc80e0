//! Subscriptions: who owns them, which events they get, and when they are cleaned up
//! (source: concur-event-subscription).

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde::Serialize;
use serde_json::{Value, json};

use super::config::CleanUp;
use crate::http::Millis;

/// Unused subscriptions are deleted after 30 days (source: concur-event-subscription).
const CLEAN_UP_MS: Millis = 30 * 86_400_000;

/// A subscription as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionRecord {
    /// The id that the app gave it; unique over all apps and datacenters.
    pub id: String,
    /// The client id of the app that owns it.
    pub application_id: String,
    /// The datacenter where it was made.
    pub datacenter: String,
    /// Its topic, such as `public.concur.financialintegration`.
    pub topic: String,
    /// The URL that events are posted to.
    pub endpoint: String,
    /// Companies whose events it gets.
    pub company_ids: BTreeSet<String>,
    /// It is marked for deletion.
    pub deleted: bool,
}

/// All subscriptions of all apps and datacenters by id, which is unique over them all.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    rows: BTreeMap<String, Subscription>,
}

/// A subscription of one app in one datacenter.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) application_id: String,
    pub(crate) datacenter: String,
    pub(crate) topic: String,
    pub(crate) filter: EventTypeFilter,
    pub(crate) endpoint: String,
    pub(crate) company_ids: BTreeSet<String>,
    pub(crate) created: Millis,
    last_delivered: Option<Millis>,
    /// Since when it has had no company id; noticed at the first clean-up after that.
    lonely_since: Option<Millis>,
    /// It is marked for deletion and gone from then on.
    pub(crate) gone_at: Option<Millis>,
}

/// A regular expression on event types.
#[derive(Clone, Debug)]
pub(crate) struct EventTypeFilter {
    text: String,
    whole: Regex,
    anywhere: Regex,
}

impl EventTypeFilter {
    /// Reads an expression; none if it is no expression.
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(Self {
            text: text.to_owned(),
            whole: Regex::new(&format!("^(?:{text})$")).ok()?,
            anywhere: Regex::new(text).ok()?,
        })
    }

    fn passes(&self, event_type: &str, finds: bool) -> bool {
        let regex = if finds { &self.anywhere } else { &self.whole };
        regex.is_match(event_type)
    }
}

impl Subscription {
    /// A subscription that nothing was delivered to yet.
    pub(crate) fn new(
        id: &str,
        application_id: &str,
        datacenter: &str,
        filter: EventTypeFilter,
        now: Millis,
    ) -> Self {
        Self {
            id: id.to_owned(),
            application_id: application_id.to_owned(),
            datacenter: datacenter.to_owned(),
            topic: String::new(),
            filter,
            endpoint: String::new(),
            company_ids: BTreeSet::new(),
            created: now,
            last_delivered: None,
            lonely_since: Some(now),
            gone_at: None,
        }
    }

    /// The subscription as it is read back.
    pub(crate) fn view(&self, documented_only: bool) -> Value {
        let mut view = json!({
            "id": self.id, "topic": self.topic, "filter": self.filter.text,
            "webHookConfig": {"endpoint": self.endpoint}, "applicationId": self.application_id,
            "scope": "", "groups": [], "companyIds": self.company_ids,
        });
        if !documented_only {
            view["allowPublicAccess"] = json!(true);
            view["startFromEarliest"] = json!(false);
        }
        view
    }

    fn is_over(&self, clean_up: CleanUp, now: Millis) -> bool {
        let long_ago = |at: Millis| now >= at + CLEAN_UP_MS;
        let unused = match (clean_up, self.last_delivered) {
            (CleanUp::Off, _) | (CleanUp::NeverDelivered, Some(_)) => false,
            (CleanUp::Idle, Some(at)) => long_ago(at),
            (_, None) => long_ago(self.created),
        };
        let lonely = clean_up != CleanUp::Off && self.lonely_since.is_some_and(long_ago);
        unused || lonely || self.gone_at.is_some_and(|at| at <= now)
    }
}

impl Subscriptions {
    /// The subscription of that id, of any app.
    pub(crate) fn get(&self, id: &str) -> Option<&Subscription> {
        self.rows.get(id)
    }

    /// The subscription of that id, to change it.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.rows.get_mut(id)
    }

    /// All subscriptions of an app, in the order of their ids.
    pub(crate) fn of_app(&self, application_id: &str) -> impl Iterator<Item = &Subscription> {
        let owned = move |row: &&Subscription| row.application_id == application_id;
        self.rows.values().filter(owned)
    }

    /// Stores a subscription in place of what has its id.
    pub(crate) fn insert(&mut self, subscription: Subscription) {
        self.rows.insert(subscription.id.clone(), subscription);
    }

    /// Removes subscriptions that are deleted or cleaned up, and returns their ids.
    pub(crate) fn remove_expired(&mut self, clean_up: CleanUp, now: Millis) -> Vec<String> {
        for row in self.rows.values_mut() {
            let lonely = row.company_ids.is_empty();
            row.lonely_since = lonely.then(|| row.lonely_since.unwrap_or(now));
        }
        let over = self.rows.values().filter(|row| row.is_over(clean_up, now));
        let over: Vec<String> = over.map(|row| row.id.clone()).collect();
        self.rows.retain(|id, _| !over.contains(id));
        over
    }

    /// Adds a company to what an app subscribed to in a datacenter.
    pub(crate) fn connect(&mut self, application_id: &str, company_id: &str, datacenter: &str) {
        let rows = self
            .rows
            .values_mut()
            .filter(|row| row.application_id == application_id && row.datacenter == datacenter);
        for row in rows {
            row.company_ids.insert(company_id.to_owned());
        }
    }

    /// Removes a company from all subscriptions.
    pub(crate) fn disconnect(&mut self, company_id: &str) {
        for row in self.rows.values_mut() {
            row.company_ids.remove(company_id);
        }
    }

    /// The ids of the subscriptions that are to get an event.
    pub(crate) fn subscribers_of(
        &self,
        topic: &str,
        event_type: &str,
        company_id: &str,
        datacenter: &str,
        finds: bool,
    ) -> Vec<String> {
        let hears = |row: &&Subscription| {
            row.topic == topic
                && row.datacenter == datacenter
                && row.company_ids.contains(company_id)
                && row.filter.passes(event_type, finds)
        };
        let hearing = self.rows.values().filter(hears);
        hearing.map(|row| row.id.clone()).collect()
    }

    /// Where a subscription's events go.
    pub(crate) fn endpoint(&self, id: &str) -> Option<String> {
        self.rows.get(id).map(|row| row.endpoint.clone())
    }

    /// A subscription has got an event.
    pub(crate) fn delivered(&mut self, id: &str, now: Millis) {
        if let Some(row) = self.rows.get_mut(id) {
            row.last_delivered = Some(now);
        }
    }

    /// All subscriptions of all apps.
    pub(crate) fn records(&self) -> Vec<SubscriptionRecord> {
        let record = |row: &Subscription| SubscriptionRecord {
            id: row.id.clone(),
            application_id: row.application_id.clone(),
            datacenter: row.datacenter.clone(),
            topic: row.topic.clone(),
            endpoint: row.endpoint.clone(),
            company_ids: row.company_ids.clone(),
            deleted: row.gone_at.is_some(),
        };
        self.rows.values().map(record).collect()
    }
}

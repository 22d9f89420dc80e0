//! The switches of the Event Subscription Service: most of its wire is known from samples that
//! contradict each other.

use serde::{Deserialize, Serialize};

/// How subscriptions, events and deliveries behave. `docs/sources.md` explains the section names in
/// parentheses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventConfig {
    /// How subscriptions are created, listed and deleted.
    pub api: EventApiConfig,
    /// How events are written.
    pub envelope: EnvelopeConfig,
    /// When and how often they are delivered.
    pub delivery: EventDeliveryConfig,
    /// `Concur-Signature` (not documented beyond its being there). Default: pss_salt_222.
    pub signature: EventSignature,
    /// The signature is base64 for URLs, without padding (encoding; open). Default: false.
    pub signature_url_safe: bool,
    /// The certificate that deliveries over TLS show. Default: current.
    pub certificate: ClientCertificate,
    /// Certificates that receivers' certificates may be issued under, PEM; empty means the
    /// sandbox's own authority.
    pub receiver_roots_pem: String,
}

/// How subscriptions are managed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventApiConfig {
    /// The shape of refusals (no error body is documented). Default: nested.
    pub error: ErrorShape,
    /// Every refusal is HTTP 400 (no status but 200 is documented). Default: false.
    pub all_errors_400: bool,
    /// GET of one subscription is the bare object of the API description, not the sample's array of
    /// one. Default: false.
    pub one_is_bare: bool,
    /// `GET /subscriptions/webhook` lists, as in a Postman collection, instead of naming an id.
    /// Default: false.
    pub webhook_lists: bool,
    /// Subscriptions are shown without `allowPublicAccess` and `startFromEarliest`, which no schema
    /// has. Default: false.
    pub documented_members_only: bool,
    /// Milliseconds from DELETE until a subscription is gone (deletion is asynchronous). Default:
    /// 5000.
    pub deletion_lag_ms: u64,
    /// The limit of five subscriptions counts per datacenter, not over all (open). Default: false.
    pub limit_per_datacenter: bool,
    /// An app token of any datacenter will do (activation order: one per datacenter). Default:
    /// false.
    pub any_app_token: bool,
    /// Filters match anywhere in the event type, not the whole of it (open). Default: false.
    pub filter_finds: bool,
    /// Endpoints may be plain HTTP (webhook URL). Default: false.
    pub http_endpoints: bool,
    /// The app is allowed this one company, whose id is filled in at once (release notes 2026-05).
    /// Default: false.
    pub single_company: bool,
    /// When subscriptions are cleaned up after 30 days. Default: never_delivered.
    pub clean_up: CleanUp,
}

/// The shape of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `{"error": {"code", "message"}}`, as in newer services.
    Nested,
    /// `{"timestamp", "httpStatus", "errorMessage", "errorId", "path"}`, as in Expense v4.
    Stamped,
    /// `{"message"}`, the same shape as successes have.
    Message,
    /// A status without any body.
    Empty,
}

/// What leads to the deletion of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CleanUp {
    /// 30 days without a company id, or 30 days old without one successful delivery.
    NeverDelivered,
    /// 30 days without a company id, or 30 days without a successful delivery at any time.
    Idle,
    /// Subscriptions are never cleaned up.
    Off,
}

/// How events are written (event envelope).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvelopeConfig {
    /// What `id` looks like. Default: uuid.
    pub id: EventId,
    /// What `correlationId` looks like. Default: hex.
    pub correlation: Correlation,
    /// `timeStamp` ends in `Z`, not in `+0000`. Default: false.
    pub zulu: bool,
    /// Fractions of seconds have two digits, not three. Default: false.
    pub short_fraction: bool,
    /// What `topic` names. Default: subscribed.
    pub topic: TopicName,
    /// What becomes of members that are not always there. Default: sample.
    pub optional: OptionalMembers,
    /// `subtopic` is spelled `subTopic`. Default: false.
    pub sub_topic: bool,
    /// Booleans among the facts are strings everywhere; in request and compliance events they
    /// always are. Default: false.
    pub string_booleans: bool,
    /// Objects and arrays among the facts are JSON text. Default: false.
    pub json_in_strings: bool,
    /// The envelope and the facts have members that are not documented. Default: false.
    pub unknown_fields: bool,
}

/// What an event's id looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventId {
    /// A UUID, as in the samples of financial documents.
    Uuid,
    /// `created-{uuid}-{n}`, as in identity and spend events.
    Prefixed,
    /// A UUID's form with letters that are no hex digits, as in some samples.
    NotHex,
}

/// What a correlation id looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correlation {
    /// 32 hexadecimal digits without hyphens.
    Hex,
    /// A UUID with its hyphens.
    Uuid,
    /// Free text with a blank in it, such as `S4P_x1Y2z3 9ab8c7d6`.
    Text,
}

/// Which topic an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicName {
    /// The topic that was subscribed to.
    Subscribed,
    /// The same without `public.`, as in some samples.
    WithoutPublic,
    /// Another name, as in an identity sample.
    Other,
}

/// What becomes of `subtopic`, `route`, `data`, `groups` and `scopes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionalMembers {
    /// `subtopic`, `route` and a `data` of null.
    Sample,
    /// All are there, `data` as an empty string, `scopes` as an array.
    All,
    /// All are there, and all are null.
    Null,
    /// All are left out.
    Absent,
}

/// When and how often events are delivered (delivery semantics).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventDeliveryConfig {
    /// Seconds after which a failed delivery is tried again, one entry per retry; the last goes on
    /// (not published). Default: 10, 30, 60, 300, 900, 1800, 3600.
    pub retry_after_s: Vec<u64>,
    /// Seconds from publication until an event is skipped. Default: 72 hours.
    pub window_s: u64,
    /// The most deliveries of a subscription under way at once. Default: 24, as an older page has
    /// it.
    pub in_flight_max: usize,
    /// An event that is retried holds back the later ones of its partition; the number is that of
    /// partitions, 0 means that nothing is held back (ordering; inferred). Default: 0.
    pub blocking_partitions: u64,
    /// Milliseconds between publication and the first delivery. Default: 0.
    pub delay_ms: u64,
    /// Share of events sent twice. Default: 0.
    pub duplicate_per_mille: u16,
    /// Share of events held back, so that later ones overtake them. Default: 0.
    pub disorder_per_mille: u16,
    /// The longest such hold, in milliseconds. Default: 30000.
    pub disorder_ms: u64,
    /// Share of events that are late. Default: 0.
    pub late_per_mille: u16,
    /// How late, in milliseconds. Default: 6 hours.
    pub late_ms: u64,
    /// Answers of 1xx and 3xx drop an event like 404 does, instead of being retried (open).
    /// Default: false.
    pub redirect_drops: bool,
    /// No event is published at all. Default: false.
    pub silent: bool,
}

/// How deliveries are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSignature {
    /// RSASSA-PSS with SHA-256 and the longest salt, as a public receiver expects it.
    #[serde(rename = "pss_salt_222")]
    PssSalt222,
    /// The same with a salt as long as the digest.
    #[serde(rename = "pss_salt_32")]
    PssSalt32,
    /// PKCS#1 v1.5 with SHA-256.
    Pkcs1,
    /// Well made with the right key, but of another body.
    OtherBody,
    /// Well made, but with a key that is in no certificate.
    OtherKey,
    /// No `Concur-Signature` header at all.
    Missing,
}

/// The client certificate that deliveries over TLS show (client certificate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificate {
    /// As today: SAP SE, for servers and clients.
    Current,
    /// As until October 2025: another organisation, place and state.
    Former,
    /// Extended key usage for TLS clients only.
    ClientOnly,
    /// For servers only, as public authorities will issue it.
    ServerOnly,
    /// Without extended key usage.
    NoUsage,
    /// As today, but its validity ended yesterday.
    Expired,
    /// For another DNS name, the common name too.
    OtherName,
    /// For another DNS name under the right common name.
    OtherDnsName,
    /// The common name only, no DNS name.
    CommonNameOnly,
    /// As today, from an authority that nobody trusts.
    ForeignAuthority,
    /// As today, but the intermediate certificate is not sent along.
    LeafOnly,
    /// No certificate is shown.
    Missing,
}

impl Default for EventConfig {
    fn default() -> Self {
        Self {
            api: EventApiConfig::default(),
            envelope: EnvelopeConfig::default(),
            delivery: EventDeliveryConfig::default(),
            signature: EventSignature::PssSalt222,
            signature_url_safe: false,
            certificate: ClientCertificate::Current,
            receiver_roots_pem: String::new(),
        }
    }
}

impl Default for EventApiConfig {
    fn default() -> Self {
        Self {
            error: ErrorShape::Nested,
            all_errors_400: false,
            one_is_bare: false,
            webhook_lists: false,
            documented_members_only: false,
            deletion_lag_ms: 5_000,
            limit_per_datacenter: false,
            any_app_token: false,
            filter_finds: false,
            http_endpoints: false,
            single_company: false,
            clean_up: CleanUp::NeverDelivered,
        }
    }
}

impl Default for EnvelopeConfig {
    fn default() -> Self {
        Self {
            id: EventId::Uuid,
            correlation: Correlation::Hex,
            zulu: false,
            short_fraction: false,
            topic: TopicName::Subscribed,
            optional: OptionalMembers::Sample,
            sub_topic: false,
            string_booleans: false,
            json_in_strings: false,
            unknown_fields: false,
        }
    }
}

impl Default for EventDeliveryConfig {
    fn default() -> Self {
        Self {
            retry_after_s: vec![10, 30, 60, 300, 900, 1_800, 3_600],
            window_s: 72 * 3_600,
            in_flight_max: 24,
            blocking_partitions: 0,
            delay_ms: 0,
            duplicate_per_mille: 0,
            disorder_per_mille: 0,
            disorder_ms: 30_000,
            late_per_mille: 0,
            late_ms: 6 * 3_600_000,
            redirect_drops: false,
            silent: false,
        }
    }
}

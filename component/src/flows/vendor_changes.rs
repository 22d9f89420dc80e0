//! Changes of vendors that are linked: FreshBooks' are carried over, and one that was made in SAP
//! Concur meanwhile is shown with both values.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::parties::read_party;
use crate::concur::{self, ShownVendor, VendorKey};
use crate::contract::runs::{
    Change, Confirmation, Ending, Intent, Link, ObjectStatus, StartReason,
};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, LookUp, cannot_translate, remote_refused, unchanged};
use crate::freshbooks::Party;
use crate::marker;
use crate::settings::reference::SourceOfTruth;
use crate::text::{non_empty, quoted};
use crate::vendor::{self, Translated};

/// As much of a value is repeated in a message.
const SHOWN_CHARS_MAX: usize = 60;

/// The run of a client or bill vendor that has a vendor.
pub(super) async fn carry_over(flow: &Flow, link: &Link) -> Result<Ending, EarlyEnd> {
    let object = &flow.task.object;
    let party = match read_party(flow, object).await? {
        Ok(party) => party,
        Err(refusal) if refusal.is_missing() => {
            let message = "it is not there in FreshBooks; its vendor stays as it is";
            return Ok(unchanged("not-there", message.to_string()));
        }
        Err(refusal) => {
            let system = System::Freshbooks;
            return Err(remote_refused(flow, system, "to show it", &refusal));
        }
    };
    flow.note_version(&party.version);
    flow.note_facts(party.facts());
    let pair = Pair::new(flow, object.clone(), link.clone(), &party)?;
    let reverse = flow.find_one(link.target.clone()).await;
    let is_carried = link.content_hash.as_ref() == Some(&pair.hash);
    if is_carried && reverse.link.is_some() && flow.task.reason != StartReason::Replay {
        let message = format!("its content is already there as {}", link.target.id);
        return Ok(unchanged("same-content", message));
    }
    if is_carried && reverse.link.is_none() {
        let shown = pair.require_shown().await?;
        pair.save(&shown).await;
        let message = format!("vendor {} is compared from now on", link.target.id);
        return Ok(unchanged("same-content", message));
    }
    pair.write(&reverse).await
}

/// The run of a vendor that was changed in SAP Concur.
pub(super) async fn sync_changed_vendor(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let link = own.link.clone();
    let Some(link) = link.filter(|_| flow.settings.reference.vendors.is_some()) else {
        let message = "no client or bill vendor is held in step with it";
        return Ok(unchanged("not-carried", message.to_string()));
    };
    let source = link.target.clone();
    let Some(forward) = flow.find_one(source.clone()).await.link else {
        let message = format!("{} {} has no vendor any more", source.kind, source.id);
        return Ok(unchanged("not-carried", message));
    };
    let party = read_party(flow, &source).await?;
    let party = party
        .map_err(|refusal| remote_refused(flow, System::Freshbooks, "to show it", &refusal))?;
    let pair = Pair::new(flow, source, forward, &party)?;
    let shown = pair.require_shown().await?;
    flow.note_version(&shown.hash());
    flow.note_facts(party.facts());
    if link.content_hash.as_ref() == Some(&shown.hash()) {
        return Ok(unchanged(
            "same-content",
            "it says what it said".to_string(),
        ));
    }
    if shown.differences(&pair.wanted).is_empty() {
        pair.save(&shown).await;
        return Ok(pair.confirmed(Change::Checked, "both sides say the same"));
    }
    pair.write(&own).await
}

/// Reads a new vendor back, so that a later change of it is noticed.
pub(super) async fn note_shown(flow: &Flow, link: &Link, party: &Party) -> Result<(), EarlyEnd> {
    let pair = Pair::new(flow, link.source.clone(), link.clone(), party)?;
    // A list may lag behind a write: the next comparison notes it then.
    if let Some(shown) = pair.read_shown().await? {
        pair.save(&shown).await;
    }
    Ok(())
}

/// A client or bill vendor and its vendor.
struct Pair<'a> {
    flow: &'a Flow,
    source: ObjectRef,
    link: Link,
    key: VendorKey,
    own_key: VendorKey,
    wanted: BTreeMap<&'static str, String>,
    hash: String,
    version: String,
}

impl<'a> Pair<'a> {
    fn new(flow: &'a Flow, source: ObjectRef, link: Link, party: &Party) -> Result<Self, EarlyEnd> {
        let id = &link.target.id;
        let Some(key) = VendorKey::from_id(id) else {
            let message = format!("the link to vendor {id} cannot be read");
            return Err(flow.parked("link-unreadable", message, "report this as a bug"));
        };
        let translated = vendor::translate(&source, party, &flow.settings)
            .map_err(|problems| cannot_translate(flow, &source.kind, problems))?;
        let hash = marker::content_hash(translated.to_create().as_bytes());
        let Translated {
            key: own_key,
            mut fields,
            ..
        } = translated;
        fields.insert("VendorCode", key.code.clone());
        fields.insert("AddressCode", key.address.clone());
        Ok(Self {
            flow,
            source,
            link,
            key,
            own_key,
            wanted: fields,
            hash,
            version: party.version.clone(),
        })
    }

    /// Writes what FreshBooks says, unless SAP Concur's side was changed since it was written last.
    async fn write(&self, reverse: &ObjectStatus) -> Result<Ending, EarlyEnd> {
        let said = reverse.link.as_ref();
        let said = said.and_then(|link| link.content_hash.as_deref());
        let look_up = async || {
            let shown = self.require_shown().await?;
            if shown.differences(&self.wanted).is_empty() {
                return Ok(LookUp::Found(self.key.clone()));
            }
            if self.flow.settings.reference.vendors == Some(SourceOfTruth::Concur) {
                return Err(self.concur_is_right(&shown));
            }
            let is_known = said == Some(shown.hash().as_str()) || self.is_as_created(&shown);
            if !is_known && self.flow.task.reason != StartReason::Replay {
                return Err(self.changed_in_concur(&shown));
            }
            Ok(LookUp::Missing(concur::update_vendor(&self.wanted)))
        };
        let (intent, reader) = (Intent::LookUpThenResend, concur::read_vendor_written);
        match self.flow.write(intent, reader, look_up).await? {
            Ok(_) => {
                let shown = self.require_shown().await?;
                self.save(&shown).await;
                Ok(self.confirmed(Change::Updated, "it says what FreshBooks says"))
            }
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Concur,
                "the change of the vendor",
                &refusal,
            )),
        }
    }

    /// Whether a vendor says what it was created with, where nothing was read back then.
    fn is_as_created(&self, shown: &ShownVendor) -> bool {
        let mut fields = shown.fields.clone();
        fields.insert("VendorCode", self.own_key.code.clone());
        fields.insert("AddressCode", self.own_key.address.clone());
        let body = json!({"Vendor": [fields]}).to_string();
        self.link.content_hash == Some(marker::content_hash(body.as_bytes()))
    }

    async fn read_shown(&self) -> Result<Option<ShownVendor>, EarlyEnd> {
        let request = concur::vendors_by_key(&self.key);
        let found = self.flow.read(request, concur::read_shown_vendors).await?;
        let found = found.map_err(|refusal| {
            remote_refused(self.flow, System::Concur, "the look-up", &refusal)
        })?;
        let mut found = found.into_iter();
        Ok(found.find(|vendor| vendor.key.is_same(&self.key)))
    }

    async fn require_shown(&self) -> Result<ShownVendor, EarlyEnd> {
        self.read_shown().await?.ok_or_else(|| {
            let message = format!("SAP Concur does not show vendor {} any more", self.key.code);
            let remedy = "restore it in SAP Concur, or break the link with `ml-connector links \
                          break`; then `ml-connector replay RUN`";
            self.flow.parked("deleted-in-concur", message, remedy)
        })
    }

    fn changed_in_concur(&self, shown: &ShownVendor) -> EarlyEnd {
        let message = format!(
            "vendor {} was changed in SAP Concur: {}",
            self.key.code,
            self.both_values(shown)
        );
        let remedy = "to have FreshBooks' values, `ml-connector replay RUN`; to have SAP \
                      Concur's, enter them in FreshBooks";
        self.flow.parked("changed-in-concur", message, remedy)
    }

    fn concur_is_right(&self, shown: &ShownVendor) -> EarlyEnd {
        let (code, side) = match self.flow.task.object.system {
            System::Concur => ("changed-in-concur", "SAP Concur"),
            System::Freshbooks => ("changed-in-freshbooks", "FreshBooks"),
        };
        let message = format!(
            "vendor {} was changed in {side}, and SAP Concur is the source: {}",
            self.key.code,
            self.both_values(shown)
        );
        let remedy = "enter SAP Concur's values in FreshBooks, or correct them in SAP Concur; then \
                      `ml-connector replay RUN`";
        self.flow.parked(code, message, remedy)
    }

    fn both_values(&self, shown: &ShownVendor) -> String {
        let differences = shown.differences(&self.wanted);
        let said: Vec<String> = differences
            .into_iter()
            .map(|(name, wanted, said)| {
                format!(
                    "{name} is {} in FreshBooks and {} in SAP Concur",
                    quoted(wanted, SHOWN_CHARS_MAX),
                    quoted(said, SHOWN_CHARS_MAX)
                )
            })
            .collect();
        said.join("; ")
    }

    async fn save(&self, shown: &ShownVendor) {
        let forward = Link {
            version: non_empty(self.version.as_str()),
            content_hash: Some(self.hash.clone()),
            ..self.link.clone()
        };
        let reverse = Link {
            source: self.link.target.clone(),
            target: self.source.clone(),
            version: None,
            content_hash: Some(shown.hash()),
        };
        self.flow.save_links(vec![forward, reverse]).await;
    }

    fn confirmed(&self, change: Change, what: &str) -> Ending {
        Ending::Confirmed(Confirmation {
            target: self.link.target.clone(),
            change,
            message: format!("vendor {}: {what}", self.key.code),
        })
    }
}

//! Uploads: files that come as multipart forms, answered with a token by which records name them
//! (source: freshbooks-uploads).

mod multipart;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::FreshBooks;
use super::api::call::ApiCall;
use super::api::errors::ApiError;
use crate::http::Response;
use crate::random::Random;
use multipart::{Part, read_part};

/// The part of the form that is the file.
const PART: &str = "content";

/// All files of the account.
#[derive(Debug)]
pub(crate) struct Uploads {
    random: Random,
    rows: BTreeMap<u64, Upload>,
    by_jwt: BTreeMap<String, u64>,
}

/// A file, with the two names under which it is read.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    kind: UploadKind,
    media_type: String,
    public_id: String,
    uuid: String,
    jwt: String,
    bytes: Vec<u8>,
}

/// Which of the two collections a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadKind {
    Attachment,
    Image,
}

impl UploadKind {
    fn of_path(segment: &str) -> Option<Self> {
        match segment {
            "attachments" => Some(Self::Attachment),
            "images" => Some(Self::Image),
            _ => None,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Image => "image",
        }
    }
}

impl Uploads {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "freshbooks/uploads"),
            rows: BTreeMap::new(),
            by_jwt: BTreeMap::new(),
        }
    }

    /// Stores a file and returns its id.
    pub(crate) fn store(&mut self, kind: UploadKind, media_type: &str, bytes: Vec<u8>) -> u64 {
        let id = 31_001 + self.rows.len() as u64;
        let public_id = self.random.hex(32);
        let jwt = self.random.jwt(&json!({"public_id": public_id}), 86);
        self.by_jwt.insert(jwt.clone(), id);
        let upload = Upload {
            kind,
            media_type: media_type.to_owned(),
            public_id,
            uuid: self.random.uuid(),
            jwt,
            bytes,
        };
        self.rows.insert(id, upload);
        id
    }

    /// The id of the file that a record names by its token.
    pub(crate) fn id_of_jwt(&self, jwt: &str) -> Option<u64> {
        self.by_jwt.get(jwt).copied()
    }

    /// A file as a record shows it.
    pub(crate) fn attachment(&self, id: u64) -> Option<Value> {
        let upload = self.rows.get(&id)?;
        Some(json!({"id": id, "attachmentid": id, "jwt": upload.jwt,
            "media_type": upload.media_type}))
    }

    /// Every token: who has one reads the file.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        self.by_jwt.keys().cloned()
    }

    fn named(&self, kind: UploadKind, name: &str) -> Option<&Upload> {
        let is_named = |upload: &&Upload| upload.public_id == name || upload.jwt == name;
        let mut of_kind = self.rows.values().filter(|upload| upload.kind == kind);
        of_kind.find(is_named)
    }
}

impl FreshBooks {
    /// Routes `/uploads/account/{account_id}/{attachments|images}[/{public_id or jwt}]`.
    pub(crate) fn handle_uploads(
        &mut self,
        call: &ApiCall,
        segments: &[&str],
        content_type: Option<&str>,
    ) -> Result<Response, ApiError> {
        let [account, collection, rest @ ..] = segments else {
            return Err(ApiError::no_route());
        };
        let kind = UploadKind::of_path(collection)
            .filter(|_| *account == self.config.account_id)
            .ok_or_else(ApiError::no_route)?;
        let by_expenses = self.config.expenses.uploads_by_expense_scope;
        let object = if by_expenses { "expenses" } else { "uploads" };
        if !call.access.permits(object, call.method) {
            return Err(ApiError::forbidden());
        }
        match (call.method, rest) {
            ("POST", []) => self.upload(call, kind, content_type),
            ("GET", [name]) => {
                let missing = || ApiError::not_found(kind.key(), "public_id", name);
                let upload = self.uploads.named(kind, name).ok_or_else(missing)?;
                let bytes = upload.bytes.clone();
                Ok(Response::typed(200, &upload.media_type, bytes))
            }
            _ => Err(ApiError::no_route()),
        }
    }

    fn upload(
        &mut self,
        call: &ApiCall,
        kind: UploadKind,
        content_type: Option<&str>,
    ) -> Result<Response, ApiError> {
        let refused = |errno, why: &str| ApiError::field(400, errno, kind.key(), PART, why);
        let Part {
            filename,
            media_type,
            bytes,
        } = read_part(content_type.unwrap_or_default(), call.body, PART)
            .ok_or_else(|| refused(1020, "The form has no part of the name content."))?;
        if bytes.is_empty() {
            return Err(refused(1021, "The file is empty."));
        }
        if kind == UploadKind::Image && !media_type.starts_with("image/") {
            return Err(refused(1022, "The file is no image."));
        }
        let id = self.uploads.store(kind, &media_type, bytes);
        let upload = &self.uploads.rows[&id];
        let mut body = json!({kind.key(): {"filename": filename, "public_id": upload.public_id,
            "jwt": upload.jwt, "media_type": media_type, "uuid": upload.uuid}});
        if kind == UploadKind::Image {
            let path = format!("/uploads/images/{}", upload.public_id);
            body["link"] = json!(format!("https://my.freshbooks.com/service{path}"));
        }
        let is_200 = self.config.expenses.upload_status_200;
        Ok(Response::json(if is_200 { 200 } else { 201 }, &body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Request;
    use crate::test_support::freshbooks::FreshBooksHarness;

    const PATH: &str = "/uploads/account/zQ7pLm";
    const JPEG: &[u8] = b"\xFF\xD8\xFF\r\n--b\x00";

    fn form(name: &str, media_type: &str, bytes: &[u8]) -> Vec<u8> {
        let head = format!(
            "--b--\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"r.jpg\"\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        [head.as_bytes(), bytes, b"\r\n--b----\r\n"].concat()
    }

    fn post(harness: &mut FreshBooksHarness, collection: &str, body: Vec<u8>) -> Response {
        let mut request = Request::new("h", "POST", &format!("{PATH}/{collection}"))
            .with_bearer(&harness.token)
            .with_header("Content-Type", "multipart/form-data; boundary=\"b--\"");
        request.body = body;
        harness.machine.handle(&request, harness.now, 0)
    }

    #[test]
    fn files_come_back_as_they_went_in() {
        let mut harness = FreshBooksHarness::new();
        let answer = post(&mut harness, "attachments", form(PART, "image/jpeg", JPEG));
        let made = answer.value()["attachment"].clone();
        assert_eq!((answer.status, &made["filename"]), (201, &json!("r.jpg")));
        for name in ["public_id", "jwt"] {
            let name = made[name].as_str().expect("a name");
            let path = format!("{PATH}/attachments/{name}");
            let file = harness.send("GET", &path, None);
            assert_eq!((file.status, file.body.as_slice()), (200, JPEG));
            assert_eq!(file.header("content-type"), Some("image/jpeg"));
            let other = harness.send("GET", &format!("{PATH}/images/{name}"), None);
            assert_eq!(other.status, 404);
        }
        let jwt = made["jwt"].as_str().expect("a token").to_owned();
        assert!(harness.machine.secrets().contains(&jwt));
        harness.machine.config.expenses.upload_status_200 = true;
        let image = post(&mut harness, "images", form(PART, "image/png", JPEG));
        assert_eq!(image.status, 200);
        assert!(image.value()["link"].is_string() && image.value()["image"]["jwt"].is_string());
    }

    #[test]
    fn forms_without_a_file_are_refused_in_the_shape_of_uploads() {
        let mut harness = FreshBooksHarness::new();
        for (collection, body) in [
            ("attachments", form("file", "image/jpeg", JPEG)),
            ("attachments", form(PART, "image/jpeg", b"")),
            ("attachments", b"{}".to_vec()),
            ("images", form(PART, "application/pdf", JPEG)),
        ] {
            let refused = post(&mut harness, collection, body);
            assert_eq!(refused.status, 400);
            assert!(refused.value()["error"].is_string());
        }
        let lost = harness.send("GET", &format!("{PATH}/attachments/none"), None);
        assert_eq!(lost.status, 404);
    }

    #[test]
    fn uploads_have_a_scope_of_their_own_unless_switched() {
        let mut harness = FreshBooksHarness::new();
        let body = || form(PART, "image/jpeg", JPEG);
        harness.hold("user:expenses:write");
        assert_eq!(post(&mut harness, "attachments", body()).status, 403);
        harness.machine.config.expenses.uploads_by_expense_scope = true;
        assert_eq!(post(&mut harness, "attachments", body()).status, 201);
        harness.machine.config.expenses.uploads_by_expense_scope = false;
        harness.hold("user:uploads:write");
        assert_eq!(post(&mut harness, "attachments", body()).status, 201);
    }
}

//! Sealing: tokens and verifiers are encrypted in the store, and bound to the place where they are
//! stored.
//!
//! AES-256-GCM-SIV (RFC 8452): a nonce that is repeated by a restored snapshot does not break it. A
//! sealed text is `version (1) | key id (1) | nonce (12) | ciphertext and tag`. The purpose is
//! authenticated with it, so that a text moved to another row, connection or generation does not
//! open. The key is chosen by its id, never tried out.

mod checkpoint;
use std::collections::BTreeSet;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::contract::types::System;
use crate::secrets::Secret;
use crate::store::ChainHash;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const HEADER_BYTES: usize = 2 + NONCE_BYTES;

/// What a sealed text is for, and where it is stored. Part of the authenticated data, so that the
/// words of systems here may never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// The access and refresh token of a credential.
    Tokens {
        /// The name of the connection.
        connection: &'a str,
        /// Whose tokens they are.
        system: System,
        /// Counts the token pairs of this credential.
        generation: u32,
    },
    /// The raw answer to a token request that has not been read yet.
    TokenAnswer {
        /// The name of the connection.
        connection: &'a str,
        /// Whose tokens they are.
        system: System,
        /// The generation that asked.
        generation: u32,
    },
    /// The key with which FreshBooks signs webhooks.
    Verifier {
        /// The name of the connection.
        connection: &'a str,
        /// The id that FreshBooks gave the registration.
        callback: &'a str,
    },
}

/// Why a sealed text does not open, or keys cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The keys are not `ID:BASE64` lines of 32 bytes with ids from 0 to 255, or an id is there
    /// twice.
    #[error(
        "the seal keys cannot be read: each line must be a number from 0 to 255, a colon, and 32 \
         bytes in base64; the first line is the key that new texts are sealed with"
    )]
    Keys,
    /// No key of that id is in the keyring.
    #[error("they are sealed with key {0}, which is not in `seal.keys`")]
    UnknownKey(u8),
    /// It was altered, moved, or is not a sealed text.
    #[error("`seal.keys` has another key than sealed them, or they were altered or moved")]
    Broken,
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

/// The keys. The first one seals; all of them open.
///
/// # Examples
///
/// Replacing a key: the new one is put first, and what the old one sealed is sealed anew.
///
/// ```
/// use std::collections::BTreeSet;
///
/// use ml_connector::contract::types::System;
/// use ml_connector::seal::{Keyring, Purpose};
///
/// let (connection, system) = ("acme", System::Concur);
/// let purpose = Purpose::Tokens { connection, system, generation: 7 };
/// let old_keys = Keyring::generate()?;
/// let sealed = Keyring::parse(&old_keys)?.seal(&purpose, "refresh-token")?;
///
/// let keyring = Keyring::parse(&Keyring::add_key(&old_keys, &BTreeSet::new())?)?;
/// assert_eq!(keyring.ids().collect::<Vec<u8>>(), [2, 1]);
/// let resealed = keyring.reseal(&purpose, &sealed)?.expect("key 1 sealed it");
/// assert!(!keyring.needs_reseal(&resealed));
/// assert_eq!(keyring.open(&purpose, &resealed)?.reveal(), "refresh-token");
///
/// // A sealed text that was moved to another place does not open.
/// let elsewhere = Purpose::Tokens { connection, system, generation: 8 };
/// assert!(keyring.open(&elsewhere, &resealed).is_err());
/// # Ok::<(), ml_connector::seal::SealError>(())
/// ```
pub struct Keyring {
    keys: Vec<(u8, Aes256GcmSiv)>,
    /// Derived from the keys, in their order.
    checkpoint_keys: Vec<(u8, Zeroizing<ChainHash>)>,
}

impl Keyring {
    /// Reads keys: one `ID:BASE64` a line, the primary one first.
    ///
    /// # Errors
    ///
    /// [`SealError::Keys`].
    pub fn parse(text: &Secret) -> Result<Self, SealError> {
        let mut keys: Vec<(u8, Aes256GcmSiv)> = Vec::new();
        let mut checkpoint_keys = Vec::new();
        for line in text
            .reveal()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let (id, bytes) = key(line)?;
            if keys.iter().any(|(have, _)| *have == id) {
                return Err(SealError::Keys);
            }
            keys.push((id, Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*bytes))));
            checkpoint_keys.push((id, checkpoint::derive_key(&bytes)));
        }
        if keys.is_empty() {
            Err(SealError::Keys)
        } else {
            Ok(Self {
                keys,
                checkpoint_keys,
            })
        }
    }

    /// Makes the text of a keyring with one new key, with the id 1.
    ///
    /// # Errors
    ///
    /// [`SealError::NoRandomness`].
    pub fn generate() -> Result<Secret, SealError> {
        Self::generate_beside(&BTreeSet::new())
    }

    /// The same where keys were lost that sealed something: with an id that is none of theirs, so
    /// that they are known for missing, and can be put back.
    ///
    /// # Errors
    ///
    /// [`SealError::Keys`] if all 256 ids are taken, [`SealError::NoRandomness`].
    pub fn generate_beside(taken: &BTreeSet<u8>) -> Result<Secret, SealError> {
        let key = new_key(taken)?;
        Ok(Secret::new(format!("{}\n", key.as_str())))
    }

    /// The text of a keyring with a new key before those of `text`: the new one seals from then on,
    /// and the others open what they have sealed. Its id is none of `taken` either, which are those
    /// that sealed what is in the store.
    ///
    /// # Errors
    ///
    /// [`SealError::Keys`] if `text` is no keyring or all 256 ids are taken,
    /// [`SealError::NoRandomness`].
    pub fn add_key(text: &Secret, taken: &BTreeSet<u8>) -> Result<Secret, SealError> {
        let mut taken = taken.clone();
        taken.extend(Self::parse(text)?.ids());
        let key = new_key(&taken)?;
        let old = text.reveal().trim_end();
        Ok(Secret::new(format!("{}\n{old}\n", key.as_str())))
    }

    /// The ids of the keys, the primary one first.
    pub fn ids(&self) -> impl Iterator<Item = u8> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// Seals a text anew under the primary key; none if it is already, or empty.
    ///
    /// # Errors
    ///
    /// As [`Keyring::open`] and [`Keyring::seal`].
    pub fn reseal(
        &self,
        purpose: &Purpose<'_>,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, SealError> {
        if !self.needs_reseal(sealed) {
            return Ok(None);
        }
        let text = self.open(purpose, sealed)?;
        self.seal(purpose, text.reveal()).map(Some)
    }

    /// Seals a text under the primary key.
    ///
    /// # Errors
    ///
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, purpose: &Purpose<'_>, text: &str) -> Result<Vec<u8>, SealError> {
        let (id, cipher) = self.keys.first().ok_or(SealError::Keys)?;
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let mut sealed = vec![VERSION, *id];
        sealed.extend_from_slice(&nonce);
        let aad = associated(&sealed[..2], purpose);
        let payload = Payload {
            msg: text.as_bytes(),
            aad: &aad,
        };
        let ciphertext = cipher
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| SealError::Broken)?;
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownKey`] or [`SealError::Broken`].
    pub fn open(&self, purpose: &Purpose<'_>, sealed: &[u8]) -> Result<Secret, SealError> {
        let (header, ciphertext) = sealed
            .split_at_checked(HEADER_BYTES)
            .ok_or(SealError::Broken)?;
        let &[VERSION, id, ref nonce @ ..] = header else {
            return Err(SealError::Broken);
        };
        let found = self.keys.iter().find(|(have, _)| *have == id);
        let (_, cipher) = found.ok_or(SealError::UnknownKey(id))?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| SealError::Broken)?;
        let aad = associated(&header[..2], purpose);
        let payload = Payload {
            msg: ciphertext,
            aad: &aad,
        };
        let text = cipher
            .decrypt(&Nonce::from(nonce), payload)
            .map_err(|_| SealError::Broken)?;
        String::from_utf8(text)
            .map(Secret::new)
            .map_err(|_| SealError::Broken)
    }

    /// Whether a sealed text should be sealed anew, since another key is primary now.
    #[must_use]
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        let primary = self.keys.first().map(|(id, _)| *id);
        !sealed.is_empty() && Self::key_id(sealed) != primary
    }

    /// The id of the key that a sealed text names; none where it is no sealed text.
    #[must_use]
    pub fn key_id(sealed: &[u8]) -> Option<u8> {
        sealed.get(1).copied()
    }
}

/// The line of a new key. Its id is one above all that are taken, so that a key that was removed
/// and one that is new have the same id only after 256 rotations.
fn new_key(taken: &BTreeSet<u8>) -> Result<Zeroizing<String>, SealError> {
    let above = taken.last().map_or(Some(1), |last| last.checked_add(1));
    let free = || (0..=u8::MAX).find(|id| !taken.contains(id));
    let id = above.or_else(free).ok_or(SealError::Keys)?;
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut()).map_err(|_| SealError::NoRandomness)?;
    let key = Zeroizing::new(STANDARD.encode(bytes.as_ref()));
    Ok(Zeroizing::new(format!("{id}:{}", key.as_str())))
}

fn key(line: &str) -> Result<(u8, Zeroizing<[u8; 32]>), SealError> {
    let (id, encoded) = line.split_once(':').ok_or(SealError::Keys)?;
    let id = id.trim().parse().map_err(|_| SealError::Keys)?;
    let bytes = Zeroizing::new(
        STANDARD
            .decode(encoded.trim())
            .map_err(|_| SealError::Keys)?,
    );
    let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| SealError::Keys)?;
    Ok((id, Zeroizing::new(bytes)))
}

/// The header and the purpose, each part with its length.
fn associated(header: &[u8], purpose: &Purpose<'_>) -> Vec<u8> {
    let mut data = header.to_vec();
    let mut part = |bytes: &[u8]| {
        data.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        data.extend_from_slice(bytes);
    };
    match purpose {
        Purpose::Tokens {
            connection,
            system,
            generation,
        } => {
            part(b"tokens");
            part(connection.as_bytes());
            part(system.as_str().as_bytes());
            part(&generation.to_be_bytes());
        }
        Purpose::TokenAnswer {
            connection,
            system,
            generation,
        } => {
            part(b"token-answer");
            part(connection.as_bytes());
            part(system.as_str().as_bytes());
            part(&generation.to_be_bytes());
        }
        Purpose::Verifier {
            connection,
            callback,
        } => {
            part(b"verifier");
            part(connection.as_bytes());
            part(callback.as_bytes());
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose<'_> = Purpose::Tokens {
        connection: "acme",
        system: System::Concur,
        generation: 7,
    };

    fn keyring(ids: &[u8]) -> Keyring {
        let line = |id: &u8| format!("{id}:{}", STANDARD.encode([*id; 32]));
        let lines: Vec<String> = ids.iter().map(line).collect();
        Keyring::parse(&Secret::new(lines.join("\n"))).expect("are keys")
    }

    fn sealed(keyring: &Keyring) -> Vec<u8> {
        keyring.seal(&PURPOSE, "refresh-token").expect("is sealed")
    }

    #[test]
    fn what_is_sealed_opens_and_is_not_to_be_seen() {
        let keyring = keyring(&[1]);
        let sealed = sealed(&keyring);
        assert!(!sealed.windows(7).any(|window| window == b"refresh"));
        assert_eq!(
            keyring.open(&PURPOSE, &sealed).expect("opens").reveal(),
            "refresh-token"
        );
    }

    #[test]
    fn a_text_that_was_moved_does_not_open() {
        let keyring = keyring(&[1]);
        let sealed = sealed(&keyring);
        let others = [
            Purpose::Tokens {
                connection: "other",
                system: System::Concur,
                generation: 7,
            },
            Purpose::Tokens {
                connection: "acme",
                system: System::Freshbooks,
                generation: 7,
            },
            Purpose::Tokens {
                connection: "acme",
                system: System::Concur,
                generation: 6,
            },
            Purpose::TokenAnswer {
                connection: "acme",
                system: System::Concur,
                generation: 7,
            },
            Purpose::Verifier {
                connection: "acme",
                callback: "1",
            },
        ];
        for other in others {
            assert_eq!(
                keyring.open(&other, &sealed),
                Err(SealError::Broken),
                "{other:?}"
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let keyring = keyring(&[1]);
        let sealed = sealed(&keyring);
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(keyring.open(&PURPOSE, &altered).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(
                keyring.open(&PURPOSE, &sealed[..length]).is_err(),
                "length {length}"
            );
        }
    }

    #[test]
    fn keys_rotate_without_a_text_that_cannot_be_read() {
        let old = sealed(&keyring(&[1]));
        let both = keyring(&[2, 1]);
        assert_eq!(
            both.open(&PURPOSE, &old).expect("opens").reveal(),
            "refresh-token"
        );
        assert!(both.needs_reseal(&old));
        let new = sealed(&both);
        assert!(!both.needs_reseal(&new));
        assert!(keyring(&[2]).open(&PURPOSE, &new).is_ok());
        assert_eq!(
            keyring(&[2]).open(&PURPOSE, &old),
            Err(SealError::UnknownKey(1))
        );
    }

    #[test]
    fn at_every_step_of_a_rotation_two_processes_read_each_other_and_what_is_kept() {
        let steps: [&[u8]; 4] = [&[1], &[1, 2], &[2, 1], &[2]];
        let mut kept = sealed(&keyring(steps[0]));
        for step in steps.windows(2) {
            let [before, after] = [keyring(step[0]), keyring(step[1])];
            assert!(after.open(&PURPOSE, &sealed(&before)).is_ok(), "{step:?}");
            assert!(before.open(&PURPOSE, &sealed(&after)).is_ok(), "{step:?}");
            let text = after.open(&PURPOSE, &kept).expect("opens at every step");
            if after.needs_reseal(&kept) {
                kept = after.seal(&PURPOSE, text.reveal()).expect("is sealed");
            }
        }
        assert!(keyring(&[2]).open(&PURPOSE, &kept).is_ok());
    }

    #[test]
    fn what_is_no_keyring_is_refused() {
        for text in ["", "1:AAAA", "x:AAAA", "1", "256:AAAA"] {
            let parsed = Keyring::parse(&Secret::new(text.to_string()));
            assert!(matches!(parsed, Err(SealError::Keys)), "{text}");
        }
        let twice = format!("1:{0}\n1:{0}", STANDARD.encode([1; 32]));
        assert!(Keyring::parse(&Secret::new(twice)).is_err());
    }

    #[test]
    fn a_key_that_is_added_seals_and_the_old_ones_open() {
        let old = Keyring::generate().expect("is generated");
        let kept = sealed(&Keyring::parse(&old).expect("are keys"));
        let new = Keyring::add_key(&old, &BTreeSet::new()).expect("is added");
        let keyring = Keyring::parse(&new).expect("are keys");
        assert_eq!(keyring.ids().collect::<Vec<_>>(), [2, 1]);
        let again = keyring
            .reseal(&PURPOSE, &kept)
            .expect("opens")
            .expect("is old");
        assert_eq!(again[1], 2);
        assert_eq!(keyring.reseal(&PURPOSE, &again).expect("opens"), None);
        assert_eq!(keyring.reseal(&PURPOSE, &[]).expect("is nothing"), None);
    }

    #[test]
    fn a_generated_keyring_can_be_read() {
        let text = Keyring::generate().expect("is generated");
        assert!(Keyring::parse(&text).is_ok());
        assert_ne!(text, Keyring::generate().expect("is generated"));
    }
}

//! The objects of a document: unknown members are skipped, null is a missing member, and a list may
//! come as a single object.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::scalars::Code;

/// A list; one object counts as a list of one, and an empty text as an empty list.
#[derive(Debug)]
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Read<T> {
            type Value = Many<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list or an object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many<T>, A::Error> {
                let mut many = Vec::new();
                while let Some(item) = items.next_element::<Option<T>>()? {
                    many.push(item.unwrap_or_default());
                }
                Ok(Many(many))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Many<T>, E> {
                match text.trim() {
                    "" => Ok(Many::default()),
                    _ => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Many<T>, A::Error> {
                let item = T::deserialize(serde::de::value::MapAccessDeserializer::new(members))?;
                Ok(Many(alloc::vec![item]))
            }
        }

        deserializer.deserialize_any(Read(PhantomData))
    }
}

/// A numbered field, such as `allocationCustom4Code` or `entryOrgUnit4Code`.
#[derive(Debug, Clone)]
pub(crate) struct Custom<'a> {
    pub(crate) place: CustomPlace,
    pub(crate) value: Code<'a>,
}

/// Which numbered field, and what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CustomPlace {
    pub(crate) number: u8,
    /// Whether it is the code, and not the name that people read.
    pub(crate) is_code: bool,
}

impl CustomPlace {
    /// Reads what follows the prefix, such as `4Code`.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (number, is_code) = match name.strip_suffix("Code") {
            Some(number) => (number, true),
            None => (name.strip_suffix("Value")?, false),
        };
        Some(Self {
            number: number.parse().ok()?,
            is_code,
        })
    }
}

/// A member's name, borrowed unless it has escapes.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_string())))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// Null leaves the member as it is.
pub(super) fn take<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    member: &mut T,
    members: &mut A,
) -> Result<(), A::Error> {
    if let Some(value) = members.next_value::<Option<T>>()? {
        *member = value;
    }
    Ok(())
}

/// An object whose members are named; with prefixes, also every numbered field that begins with one
/// of them.
///
/// `#[derive(Deserialize)]` with `serde_with` does not fit. Custom fields are named by number,
/// which takes `#[serde(flatten)]`: it buffers every member, turns numbers into floats on the way,
/// and cannot borrow. Null stands for a missing member of any type, lists and objects too, which
/// would take an attribute on every field. And a member that comes twice is an error to a derived
/// reader, while here the last one counts.
macro_rules! object {
    ($name:ident {
        $($member:ident: $type:ty = $key:literal,)*
        $(..$customs:ident = $prefix:literal),*
    }) => {
        #[derive(Debug, Default)]
        pub(crate) struct $name<'a> {
            $(pub(crate) $member: $type,)*
            $(pub(crate) $customs: Vec<Custom<'a>>,)*
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read<'a>(PhantomData<&'a ()>);

                impl<'de: 'a, 'a> Visitor<'de> for Read<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                        formatter.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut members: A,
                    ) -> Result<$name<'a>, A::Error> {
                        let mut object = $name::default();
                        while let Some(Name(name)) = members.next_key()? {
                            match &*name {
                                $($key => take(&mut object.$member, &mut members)?,)*
                                _name => {
                                    $(if let Some(rest) = _name.strip_prefix($prefix) {
                                        // Most are null, and their names need not be read.
                                        if let Some(value) = members.next_value::<Option<Code>>()? {
                                            let place = CustomPlace::read(rest);
                                            let custom = place.map(|place| Custom { place, value });
                                            object.$customs.extend(custom);
                                        }
                                        continue;
                                    })*
                                    members.next_value::<IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }
                }

                deserializer.deserialize_map(Read(PhantomData))
            }
        }
    };
}

pub(super) use object;

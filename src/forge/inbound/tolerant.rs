//! Building blocks of tolerant payload structs: a field that is missing, null or of another type
//! than expected reads as "not told" instead of failing a delivery that Usher needs.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text that is borrowed from the body where it has no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, or nothing where none was told.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, empty where none was told.
    pub(super) fn or_empty(&self) -> &str {
        self.get().unwrap_or_default()
    }
}

/// A whole number that is not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number(pub Option<u64>);

/// True or false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flag(pub Option<bool>);

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Maybe<T> {
        Maybe(None)
    }
}

impl<T> Maybe<T> {
    /// The object, or nothing where none was told.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

/// A list of objects; members that are no objects are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List<T>(pub Option<Vec<T>>);

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(None)
    }
}

impl<T> List<T> {
    /// The members, or nothing where no list was told.
    pub(super) fn get(&self) -> Option<&[T]> {
        self.0.as_deref()
    }
}

/// Writes `Deserialize` for a tolerant type: the visits given make a value, all others skip what is
/// there and make the default.
macro_rules! tolerant {
    ([$($generics:tt)*] $type:ty, $expecting:literal, { $($visit:tt)* } skips $($skip:ident)*) => {
        impl<'de $($generics)*> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Any<T>(PhantomData<T>);
                impl<'de $($generics)*> Visitor<'de> for Any<$type> {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    $($visit)*
                    $(tolerant!(skip $skip);)*
                }
                deserializer.deserialize_any(Any::<$type>(PhantomData))
            }
        }
    };
    (skip text) => {
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (skip bool) => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (skip number) => {
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (skip rest) => {
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (skip list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (skip object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

tolerant!([: 'a, 'a] Text<'a>, "a text", {
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }
} skips bool number rest list object);

tolerant!([] Number, "a whole number", {
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Number(Some(number)))
    }
} skips text bool rest list object);

tolerant!([] Flag, "true or false", {
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Flag(Some(flag)))
    }
} skips text number rest list object);

tolerant!([, T: Deserialize<'de>] Maybe<T>, "an object", {
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Maybe(Some(object)))
    }
} skips text bool number rest list);

tolerant!([, T: Deserialize<'de>] List<T>, "a list of objects", {
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Maybe(member)) = list.next_element::<Maybe<T>>()? {
            members.extend(member);
        }
        Ok(List(Some(members)))
    }
} skips text bool number rest object);

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Sample<'a> {
        #[serde(borrow)]
        text: Text<'a>,
        number: Number,
        flag: Flag,
        #[serde(borrow)]
        object: Maybe<Inner<'a>>,
        #[serde(borrow)]
        list: List<Inner<'a>>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        name: Text<'a>,
    }

    #[test]
    fn what_is_of_the_expected_type_is_read_and_borrowed() {
        let body =
            r#"{"text":"a","number":7,"flag":true,"object":{"name":"b"},"list":[{"name":"c"},3,null]}"#;
        let sample: Sample<'_> = serde_json::from_str(body).unwrap();
        assert!(matches!(sample.text.0, Some(Cow::Borrowed("a"))));
        assert_eq!((sample.number.0, sample.flag.0), (Some(7), Some(true)));
        assert_eq!(sample.object.get().unwrap().name.get(), Some("b"));
        assert_eq!(sample.list.get().unwrap().len(), 1);
    }

    #[test]
    fn whatever_else_is_there_reads_as_not_told() {
        for other in ["null", "-1", "1.5", "1e400", "[]", "[[{}]]", "{\"x\":{}}", "\"\\u00e9\"", "3", "true"]
        {
            let field = |name: &str| format!("{{\"{name}\":{other}}}");
            for name in ["text", "number", "flag", "object", "list"] {
                let body = field(name);
                let read = serde_json::from_str::<Sample<'_>>(&body);
                // A number too large for any type is a syntax error of the JSON reader itself.
                assert!(read.is_ok() || other == "1e400", "{body}: {read:?}");
            }
        }
    }
}

//! The same in JSON. Text that is not UTF-8 cannot be said in it; what would be is written with
//! replacement characters.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::value::{Dictionary, Malformed, Value};

/// Reads the value at the front of `bytes`, and says how many octets it takes.
/// [`Malformed::Incomplete`] if more octets could complete it.
pub fn parse_prefix(bytes: &[u8]) -> Result<(Value, usize), Malformed> {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter();
    let value: Value = match stream.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) if error.is_eof() => return Err(Malformed::Incomplete),
        Some(Err(_)) => return Err(Malformed::Grammar),
        None => return Err(Malformed::Incomplete),
    };
    value.check()?;
    Ok((value, stream.byte_offset()))
}

/// Appends a dictionary.
pub fn write_dictionary(dictionary: &Dictionary, out: &mut Vec<u8>) {
    serde_json::to_writer(out, dictionary).expect("writing to memory cannot fail");
}

impl Serialize for Dictionary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(&String::from_utf8_lossy(name), value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(&String::from_utf8_lossy(text)),
            Self::List(items) => serializer.collect_seq(items),
            Self::Dictionary(dictionary) => dictionary.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a whole number, a list or a dictionary")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Integer).map_err(|_| E::custom("number out of range"))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Integer(truth.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::text(""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut dictionary = Dictionary::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            dictionary.push(name, value);
        }
        Ok(dictionary.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let text = r#"{"command":"offer","n":-3,"list":["a",{"b":[]}],"s":"ü\r\n"}"#;
        let (value, len) = parse_prefix(format!("{text} tail").as_bytes()).unwrap();
        assert_eq!(len, text.len());
        let mut written = Vec::new();
        write_dictionary(value.as_dictionary().unwrap(), &mut written);
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }

    #[test]
    fn what_is_not_complete_may_become_so_and_bombs_are_refused() {
        for text in ["", "{", "{\"a\"", "{\"a\":[1,2"] {
            assert_eq!(parse_prefix(text.as_bytes()).err(), Some(Malformed::Incomplete), "{text}");
        }
        for text in ["}", "{a}", "{\"a\":1.5}", "{\"a\":18446744073709551615}"] {
            assert_eq!(parse_prefix(text.as_bytes()).err(), Some(Malformed::Grammar), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(20), "]".repeat(20));
        assert_eq!(parse_prefix(deep.as_bytes()).err(), Some(Malformed::TooLarge));
        let deeper = "[".repeat(60_000);
        assert_eq!(parse_prefix(deeper.as_bytes()).err(), Some(Malformed::Grammar));
        let many = format!("[{}0]", "0,".repeat(10_000));
        assert_eq!(parse_prefix(many.as_bytes()).err(), Some(Malformed::TooLarge));
    }
}

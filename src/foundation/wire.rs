//! The format of what the server sends to the script of a page: a version, then `postcard`. Both ends are built from the same types, so
//! nothing else describes them.

use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::{Serialize, de::DeserializeOwned};

/// Version of the format. Increase it whenever the type of a message changes: a page that was loaded before an upgrade then reloads.
pub const VERSION: u8 = 1;

/// Why a message could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// The server speaks another version than this page.
    OtherVersion,
    /// The message is malformed.
    Malformed,
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OtherVersion => "another version",
            Self::Malformed => "malformed",
        })
    }
}

/// Encodes a value.
///
/// Errors: [`WireError::Malformed`] for a sequence of unknown length, which no type here has.
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, WireError> {
    postcard::to_extend(value, vec![VERSION]).map_err(|_| WireError::Malformed)
}

/// Decodes a value.
///
/// Errors: see [`WireError`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    match bytes.split_first() {
        Some((&VERSION, value)) => postcard::from_bytes(value).map_err(|_| WireError::Malformed),
        Some(_) => Err(WireError::OtherVersion),
        None => Err(WireError::Malformed),
    }
}

/// Encodes a value as text for an attribute. ASCII texts in it stay readable, so that they compress with the same texts on the page: each
/// byte becomes a character whose low byte it is.
///
/// Errors: see [`encode`].
#[cfg(feature = "ssr")]
pub fn encode_text(value: &impl Serialize) -> Result<String, WireError> {
    let character = |byte: u8| match byte {
        b' '..=b'~' => char::from(byte),
        _ => char::from_u32(0x100 + u32::from(byte)).unwrap_or_default(), // U+0100 to U+01FF are all characters
    };
    Ok(encode(value)?.into_iter().map(character).collect())
}

/// Decodes a value from the text of an attribute.
///
/// Errors: see [`WireError`].
pub fn decode_text<T: DeserializeOwned>(text: &str) -> Result<T, WireError> {
    let bytes: Vec<u8> = text.chars().map(|character| character as u32 as u8).collect();
    decode(&bytes)
}

/// The encoding of values that server functions return.
pub struct WireEncoding;

impl ContentType for WireEncoding {
    const CONTENT_TYPE: &'static str = "application/octet-stream";
}

impl FormatType for WireEncoding {
    const FORMAT_TYPE: Format = Format::Binary;
}

impl<T: Serialize> Encodes<T> for WireEncoding {
    type Error = WireError;

    fn encode(value: &T) -> Result<Bytes, WireError> {
        encode(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for WireEncoding {
    type Error = WireError;

    fn decode(bytes: Bytes) -> Result<T, WireError> {
        decode(&bytes)
    }
}

/// The encoding of a server function's arguments: a form, as a browser posts it without a script.
pub struct FormEncoding;

impl ContentType for FormEncoding {
    const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";
}

impl FormatType for FormEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for FormEncoding {
    type Error = serde_urlencoded::ser::Error;

    fn encode(value: &T) -> Result<Bytes, serde_urlencoded::ser::Error> {
        serde_urlencoded::to_string(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for FormEncoding {
    type Error = serde_urlencoded::de::Error;

    fn decode(bytes: Bytes) -> Result<T, serde_urlencoded::de::Error> {
        serde_urlencoded::from_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_both_forms() {
        let value = ("Zürich \"<&>\" \u{0}".to_owned(), -1_i64, Some(300_u16), vec![true, false]);
        assert_eq!(decode(&encode(&value).unwrap()), Ok(value.clone()));
        assert_eq!(decode_text(&encode_text(&value).unwrap()), Ok(value));
    }

    #[test]
    fn texts_stay_readable_in_attributes() {
        assert!(encode_text(&"Firefox on Windows").unwrap().contains("Firefox on Windows"));
    }

    #[test]
    fn other_versions_and_malformed_messages_are_told_apart() {
        let mut bytes = encode(&7_u32).unwrap();
        assert_eq!(decode::<String>(&bytes[..1]), Err(WireError::Malformed));
        bytes[0] += 1;
        assert_eq!(decode::<u32>(&bytes), Err(WireError::OtherVersion));
        assert_eq!(decode::<u32>(&[]), Err(WireError::Malformed));
    }
}

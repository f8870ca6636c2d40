//! PKCS#11 URIs, RFC 7512.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Names one token, and a key in it where there are several.
///
/// `pkcs11:token=sast-1;object=SAST?module-path=/usr/lib/softhsm/libsofthsm2.so`. An attribute
/// that is absent matches everything. A PIN never stands in a URI: `pin-value` is refused, because
/// command lines can be read by others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// Label of the token.
    pub token: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// The slot it is in.
    pub slot_id: Option<u64>,
    /// Label of key and certificate.
    pub object: Option<String>,
    /// CKA_ID of key and certificate.
    pub id: Option<Vec<u8>>,
    /// The module's shared library.
    pub module_path: Option<PathBuf>,
    /// A file with the PIN in it.
    pub pin_source: Option<PathBuf>,
}

/// Why a URI cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Another scheme.
    #[error("a PKCS#11 URI begins with pkcs11:")]
    Scheme,
    /// Not `name=value`, or a bad percent code.
    #[error("`{0}` is not an attribute: write name=value, special characters as %41")]
    Attribute(String),
    /// The same attribute again.
    #[error("the attribute {0} stands twice")]
    Twice(String),
    /// An attribute that would change the meaning and is not known.
    #[error(
        "the attribute {0} is not known: use token, manufacturer, model, serial, slot-id, object, id, type, module-path or pin-source"
    )]
    Unknown(String),
    /// `pin-value`.
    #[error("a PIN must not stand in a URI: use pin-source=FILE, or leave it out to be asked")]
    PinValue,
}

impl FromStr for Pkcs11Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let rest = text.strip_prefix("pkcs11:").ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        let attributes = path.split(';').chain(query.split('&')).filter(|part| !part.is_empty());
        for attribute in attributes {
            let bad = || UriError::Attribute(attribute.into());
            let (name, value) = attribute.split_once('=').ok_or_else(bad)?;
            if seen.contains(&name) {
                return Err(UriError::Twice(name.into()));
            }
            seen.push(name);
            let bytes = percent_decode(value).ok_or_else(bad)?;
            let text = || String::from_utf8(bytes.clone()).map_err(|_| bad());
            match name {
                "token" => uri.token = Some(text()?),
                "manufacturer" => uri.manufacturer = Some(text()?),
                "model" => uri.model = Some(text()?),
                "serial" => uri.serial = Some(text()?),
                "slot-id" => uri.slot_id = Some(text()?.parse().map_err(|_| bad())?),
                "object" => uri.object = Some(text()?),
                "id" => uri.id = Some(bytes),
                // A token is used for its private key: any other type matches nothing.
                "type" if matches!(bytes.as_slice(), b"private" | b"cert" | b"public") => {}
                "module-path" => uri.module_path = Some(text()?.into()),
                "pin-source" => uri.pin_source = Some(pin_file(&text()?)),
                "pin-value" => return Err(UriError::PinValue),
                _ => return Err(UriError::Unknown(name.into())),
            }
        }
        Ok(uri)
    }
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = Vec::new();
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("object", &self.object),
        ];
        for (name, value) in texts {
            path.extend(value.as_ref().map(|v| format!("{name}={}", percent_encode(v.as_bytes()))));
        }
        path.extend(self.slot_id.map(|slot| format!("slot-id={slot}")));
        path.extend(self.id.as_ref().map(|id| format!("id={}", percent_encode(id))));
        write!(f, "pkcs11:{}", path.join(";"))?;
        let files = [("module-path", &self.module_path), ("pin-source", &self.pin_source)];
        let query: Vec<_> = files
            .into_iter()
            .filter_map(|(name, file)| {
                let file = file.as_ref()?.to_string_lossy();
                Some(format!("{name}={}", percent_encode(file.as_bytes())))
            })
            .collect();
        if !query.is_empty() {
            write!(f, "?{}", query.join("&"))?;
        }
        Ok(())
    }
}

/// RFC 7512 §2.4: a `file:` URI or an absolute path.
fn pin_file(text: &str) -> PathBuf {
    text.strip_prefix("file:").map_or(text, |path| path.trim_start_matches("//")).into()
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digit = |d: u8| char::from(d).to_digit(16);
                (digit(digits[0])? * 16 + digit(digits[1])?) as u8
            }
            other => other,
        });
    }
    Some(decoded)
}

fn percent_encode(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    bytes
        .iter()
        .map(|byte| match plain(*byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "pkcs11:token=sast%201;serial=83e9;object=SAST;slot-id=3;id=%01%FF\
                    ?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/pin";
        let uri: Pkcs11Uri = text.parse().unwrap();
        assert_eq!(uri.token.as_deref(), Some("sast 1"));
        assert_eq!(uri.id.as_deref(), Some(&[1, 0xff][..]));
        assert_eq!(uri.to_string().parse(), Ok(uri));
        let file: Pkcs11Uri = "pkcs11:?pin-source=file:///run/pin".parse().unwrap();
        assert_eq!(file.pin_source, Some("/run/pin".into()));
    }

    #[test]
    fn what_is_no_uri_says_why() {
        let refused = |text: &str| text.parse::<Pkcs11Uri>().unwrap_err();
        assert_eq!(refused("file:x"), UriError::Scheme);
        assert_eq!(refused("pkcs11:token"), UriError::Attribute("token".into()));
        assert_eq!(refused("pkcs11:token=%4"), UriError::Attribute("token=%4".into()));
        assert_eq!(refused("pkcs11:token=a;token=b"), UriError::Twice("token".into()));
        assert_eq!(refused("pkcs11:colour=red"), UriError::Unknown("colour".into()));
        assert_eq!(refused("pkcs11:token=a?pin-value=1234"), UriError::PinValue);
    }
}

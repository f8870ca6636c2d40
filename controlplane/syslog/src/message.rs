//! A message and its octets.

use std::time::SystemTime;

/// How bad it is (RFC 5424 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something must be done.
    Alert = 1,
    /// Somebody should look at it.
    Warning = 4,
    /// Normal, and of interest.
    Notice = 5,
}

/// What the messages are filed under: security and authorization (`authpriv`), RFC 5424's 10.
const FACILITY: u8 = 10;
/// Under which the names of our fields are unique; 32473 is what RFC 5612 has for documentation.
const ELEMENT: &str = "ringfence@32473";
/// Longest host name, and longest kind of message.
const MAX_HOST: usize = 255;
const MAX_KIND: usize = 32;
/// Longest value of a field and longest text: collectors take at least 2048 octets in all.
const MAX_VALUE: usize = 1024;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// When it happened.
    pub at: SystemTime,
    /// The node.
    pub host: String,
    /// What kind of event, in one word.
    pub kind: String,
    /// What is known of it, by names of ours: letters and digits.
    pub fields: Vec<(&'static str, String)>,
    /// The rest, for people.
    pub text: String,
}

impl Message {
    /// Its octets, without a frame.
    pub fn encode(&self) -> Vec<u8> {
        let priority = FACILITY * 8 + self.severity as u8;
        let at = humantime::format_rfc3339_millis(self.at);
        let (host, kind) = (word(&self.host, MAX_HOST), word(&self.kind, MAX_KIND));
        let mut text = format!(
            "<{priority}>1 {at} {host} ringfence-controld {} {kind} [{ELEMENT}",
            std::process::id()
        );
        for (name, value) in &self.fields {
            text += &format!(" {name}=\"{}\"", escaped(value));
        }
        // The mark says that the rest is UTF-8.
        text += "] \u{feff}";
        text.extend(cut(&self.text).map(|c| if c.is_control() { ' ' } else { c }));
        text.into_bytes()
    }

    /// Its octets in a frame: their number before them (RFC 5425 §4.3).
    pub fn frame(&self) -> Vec<u8> {
        let octets = self.encode();
        let mut frame = format!("{} ", octets.len()).into_bytes();
        frame.extend(octets);
        frame
    }
}

fn cut(text: &str) -> impl Iterator<Item = char> {
    text.chars().take(MAX_VALUE)
}

/// A word of the header: printable ASCII without spaces.
fn word(text: &str, max: usize) -> String {
    let printable = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    match text.is_empty() {
        true => "-".to_owned(),
        false => text.chars().take(max).map(printable).collect(),
    }
}

fn escaped(value: &str) -> String {
    let mut escaped = String::new();
    for c in cut(value) {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_message_reads_as_the_standard_says() {
        let message = Message {
            severity: Severity::Notice,
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_065_910_455_003),
            host: "cm1.example".into(),
            kind: "login-refused".into(),
            fields: vec![("who", "alice".into()), ("number", "7".into())],
            text: "ログインに失敗しました".into(),
        };
        let expected = format!(
            "<85>1 2003-10-11T22:14:15.003Z cm1.example ringfence-controld {} login-refused \
             [ringfence@32473 who=\"alice\" number=\"7\"] \u{feff}ログインに失敗しました",
            std::process::id()
        );
        assert_eq!(String::from_utf8(message.encode()).unwrap(), expected);
        let frame = String::from_utf8(message.frame()).unwrap();
        assert_eq!(frame, format!("{} {expected}", expected.len()));
    }

    #[test]
    fn nobody_writes_a_message_of_his_own() {
        let evil = "x\"] \n<81>1 forged\u{0}\\";
        let message = Message {
            severity: Severity::Alert,
            at: SystemTime::UNIX_EPOCH,
            host: "a b\nc".into(),
            kind: "k".repeat(99),
            fields: vec![("who", evil.into())],
            text: evil.repeat(1000),
        };
        let text = String::from_utf8(message.encode()).unwrap();
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(text.contains(r#"who="x\"\]  <81>1 forged \\"]"#), "{text}");
        let header = text.split('[').next().unwrap();
        assert_eq!(header.split(' ').count(), 7, "{header}");
        assert!(header.contains(" a_b_c ") && text.chars().count() < 2 * MAX_VALUE + 400);
    }
}

//! Datagrams of several messages (RFC 3435 §3.5.5): a line with a single dot stands between.

use zeroize::Zeroizing;

use crate::limits;

/// Why a datagram is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// Nothing in it.
    #[error("empty datagram")]
    Empty,
    /// Longer than the limit.
    #[error("datagram too long")]
    TooLong,
    /// More messages than [`limits::MESSAGES`].
    #[error("too many messages in a datagram")]
    TooManyMessages,
}

/// Splits a datagram of at most `limit` octets into its messages, in order.
pub fn split(datagram: &[u8], limit: usize) -> Result<Vec<&[u8]>, DatagramError> {
    if datagram.len() > limit {
        return Err(DatagramError::TooLong);
    }
    if datagram.is_empty() {
        return Err(DatagramError::Empty);
    }
    let mut messages = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in datagram.split_inclusive(|&b| b == b'\n') {
        let end = at + line.len();
        if matches!(line, b".\r\n" | b".\n" | b"." | b".\r") {
            messages.push(&datagram[start..at]);
            start = end;
        }
        at = end;
    }
    messages.push(&datagram[start..]);
    if messages.len() > limits::MESSAGES {
        return Err(DatagramError::TooManyMessages);
    }
    Ok(messages)
}

/// Puts messages into one datagram.
pub fn join<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Zeroizing<Vec<u8>> {
    let messages: Vec<_> = messages.into_iter().collect();
    let length = messages.iter().map(|m| m.len() + 3).sum();
    let mut datagram = Zeroizing::new(Vec::with_capacity(length));
    for (index, message) in messages.into_iter().enumerate() {
        if index > 0 {
            datagram.extend_from_slice(b".\r\n");
        }
        datagram.extend_from_slice(message);
    }
    datagram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_alone_on_a_line_separate() {
        let two = split(b"200 1 OK\r\n.\r\n200 2 OK\n", 100).unwrap();
        assert_eq!(two, [&b"200 1 OK\r\n"[..], b"200 2 OK\n"]);
        assert_eq!(split(b"200 1 ...\n. \n", 100).unwrap().len(), 1);
        assert_eq!(split(b"a\n.\n.\nb", 100).unwrap(), [&b"a\n"[..], b"", b"b"]);
        assert_eq!(split(&join(two.iter().copied()), 100).unwrap(), two);
    }

    #[test]
    fn limits_hold() {
        assert_eq!(split(b"", 100), Err(DatagramError::Empty));
        assert_eq!(split(&[b'x'; 101], 100), Err(DatagramError::TooLong));
        let dots = b".\n".repeat(32);
        assert_eq!(split(&dots, 100), Err(DatagramError::TooManyMessages));
        assert_eq!(split(&dots[2..], 100).unwrap().len(), 32);
    }
}

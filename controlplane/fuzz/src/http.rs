//! Files by HTTP.

use tftp::Served;
use tftp::http::{Connection, MAX_HEAD};

/// A connection, fed in pieces. However the bytes are cut, the answers are the same.
pub fn connection(bytes: &[u8]) {
    let whole = converse(bytes, bytes.len().max(1));
    // Beyond what is kept of requests that wait, cuts decide what is thrown away.
    if bytes.len() <= MAX_HEAD {
        assert_eq!(converse(bytes, 7), whole);
    }
}

/// What the server says, in the order it says it.
fn converse(bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut connection = Connection::default();
    let mut said = Vec::new();
    for piece in bytes.chunks(piece) {
        connection.handle_bytes(piece);
        while let Some(request) = connection.poll_request() {
            let served = |_| Served::plain(&b"content"[..], "fuzz");
            connection.answer(request.target.map(served));
            while !connection.output().is_empty() {
                let len = connection.output().len().min(50);
                said.extend_from_slice(&connection.output()[..len]);
                connection.handle_sent(len);
            }
        }
        if connection.is_finished() {
            break;
        }
    }
    said
}

//! Requests to the CTL Provider.

use cluster::http::{MAX_BODY, Request, read_request, write_request};
use cluster::provider::api::{
    CapfFile, Configuration, Login, Mode, Operation, PostCtlFile, TakeTurn,
};
use serde_json::from_slice;

/// A request as it comes out of TLS: bounded, the same when it is written and read again, and a
/// body of any kind at worst an error.
pub fn request(mut bytes: &[u8]) {
    while let Ok(Some(request)) = read_request(&mut bytes) {
        assert!(request.body.len() <= MAX_BODY);
        let _ = Operation::of(&request.method, &request.path);
        read_again(&request);
        let body = &request.body;
        let _ = from_slice::<Login>(body);
        let _ = from_slice::<PostCtlFile>(body);
        let _ = from_slice::<CapfFile>(body);
        let _ = from_slice::<Configuration>(body);
        let _ = from_slice::<Mode>(body);
        let _ = from_slice::<TakeTurn>(body);
    }
}

fn read_again(request: &Request) {
    let mut written = Vec::new();
    write_request(&mut written, "cm1", request).expect("memory takes everything");
    let again = read_request(&mut &written[..]).expect("what was written can be read");
    assert_eq!(again.as_ref(), Some(request));
}

//! An authority that takes its time.

use std::net::TcpListener;
use std::sync::mpsc::Receiver;

use crate::{Answer, Asked, Authority, page, serve};

/// A Microsoft authority, as on Windows, that lets each request wait and approves it at the first
/// reminder.
pub fn reluctant(authority: Authority, listener: TcpListener) -> Receiver<Asked> {
    let certificates = authority.certificates(&["ra-sign", "ca", "ra-enc"]);
    let mut requested = Vec::new();
    serve(listener, move |asked| {
        let path = asked.path();
        if !path.starts_with("/certsrv/mscep/mscep.dll") {
            return page("404 Not Found", b"");
        }
        let answer = if path.contains("GetCACaps") {
            b"POSTPKIOperation\nSHA-256\nAES\n".to_vec()
        } else if path.contains("GetCACert") {
            certificates.clone()
        } else {
            let message = authority.open(&asked.message(), "ra-enc").expect("it is for us");
            match &*message.kind {
                "19" => {
                    requested = message.plain.clone();
                    authority.sign(&Answer::pending(&message))
                }
                _ => {
                    let issued = authority.issue(&requested);
                    authority.sign(&authority.success_with(&message, &[issued.der()]))
                }
            }
        };
        page("200 OK", &answer)
    })
}

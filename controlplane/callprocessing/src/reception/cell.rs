//! What comes from the cell, which has checked what there is to be checked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use legacytls::client::{Event, Serving};

use crate::alarms::Alarms;
use crate::operator::{Mail, News};
use crate::proof::Proof;

/// How often it is asked whether to stop.
const GLANCE: Duration = Duration::from_millis(250);

/// Passes on what comes from the cell until it is told to stop.
pub(crate) fn listen(
    serving: Arc<Serving>,
    mail: Mail,
    alarms: Arc<Alarms>,
    stop: Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("cm-cell".into()).spawn(move || {
        while !stop.load(Ordering::Acquire) {
            match serving.accept_within(GLANCE) {
                Some(Event::Connected(connection)) => {
                    let peer = connection.tls.peer;
                    let ready = connection.stream.set_nonblocking(true);
                    // It asks for certificates because we told it to.
                    let Some(proof) = Proof::of_cell(connection.tls) else { continue };
                    let news = News::FromCell { stream: connection.stream, peer, proof };
                    if ready.is_ok() && !mail.post(news) {
                        return;
                    }
                }
                Some(Event::Refused(refused)) => {
                    alarms.not_let_in(refused.peer.ip(), refused.reason, &refused.detail);
                }
                None => {}
            }
        }
    })
}

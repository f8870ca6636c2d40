//! The centre's end, put together out of this node's settings.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::srst::centre::{self, Centre, Gateway};
use ::srst::tls::Own;
use console::{SrstGatewayView, SrstStatusView};
use lang::Language;
use messages::{Explain, srst};
use store::{Node, Store};

use super::{Survival, explain, rfc3339};
use crate::config::Config;
use crate::identity;

/// A gateway that has said nothing for so long is told of.
const SILENT: Duration = Duration::from_secs(30);

/// Waits for gateways. Failure is told in English, for logs and alarms.
pub fn start(
    config: &Config,
    store: &Arc<Store>,
    address: SocketAddr,
    me: &Node,
    now: SystemTime,
) -> Result<Arc<Centre>, String> {
    let identity = identity::open(&config.key_directory, me, store, now)?;
    let key_file = config.key_directory.join(pki::node::KEY_FILE);
    let own = Own::new(identity.certificate(), None, &key_file);
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; set `srst_gateways` in [controld]")
    })?;
    let started = centre::start(listener, &own, Arc::new(identity), Arc::clone(store));
    started.map(Arc::new).map_err(|fault| fault.to_string())
}

impl Survival for Centre {
    fn view(&self) -> SrstStatusView {
        let gateway = |gateway: Gateway| SrstGatewayView {
            reference: gateway.reference,
            peer: gateway.peer,
            heard: rfc3339(gateway.heard),
            connected: gateway.connected,
            synchronised: gateway.synchronised,
            phones: gateway.phones,
            calls: gateway.calls,
        };
        SrstStatusView::Centre {
            listens: Some(self.address().to_string()),
            gateways: self.gateways().into_iter().map(gateway).collect(),
        }
    }

    fn alarms(&self, language: Language) -> Vec<String> {
        let now = SystemTime::now();
        let mut alarms = Vec::new();
        for gateway in self.gateways() {
            let reference = ("reference", gateway.reference.clone());
            // A clock that was set back makes nobody silent.
            let silence = now.duration_since(gateway.heard).unwrap_or_default();
            if !gateway.connected && silence > SILENT {
                let values = [reference, ("since", rfc3339(gateway.heard))];
                let said = explain(&srst::SRST_GATEWAY_SILENT, &values, language);
                alarms.push(said.to_string());
            } else if gateway.phones > 0 {
                let values = [reference, ("phones", gateway.phones.to_string())];
                let said = explain(&srst::SRST_GATEWAY_SERVES, &values, language);
                alarms.push(said.to_string());
            }
        }
        alarms.extend(self.strangers().iter().map(|it| it.explain(language).to_string()));
        alarms
    }
}

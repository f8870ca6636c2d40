//! Our call agent and osmo-mgw, a media gateway that is not ours and knows nothing but RTP.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use callagent::{EndStatistics, RelayState, Report as Outcome};
use callmanager::codec::Codec;
use callmanager::keys::StreamKeys;
use callmanager::switchboard::{
    CallId, LinkId, RelayOrder, RelayedEnd, RelayedKeys, RelayedLink, StreamId,
};
use speech::compare;

use super::agent::CallAgent;
use super::audio::{Party, talk};
use super::{OFFICE, OSMO};
use crate::net::Namespace;
use crate::program::Program;
use crate::report::{Failed, Report};

/// Where the telephones receive.
const TELEPHONES: [u16; 2] = [40_000, 40_010];
/// Seconds of speech.
const SPEECH: usize = 3;
const LINK: LinkId = LinkId(1);
const SECRET: LinkId = LinkId(2);

// R: MGCP-01
pub(super) fn play(
    report: &mut Report,
    office: &Namespace,
    gateways: &Namespace,
    dir: &Path,
) -> Result<(), Failed> {
    let _osmo = report.step("osmo-mgw starts", || {
        let program = start(gateways, dir)?;
        Ok((program, format!("at {OSMO}, a plain RTP gateway")))
    })?;
    let mut agent = report.step("our call agent finds it", || {
        let (ours, theirs) = (SocketAddr::from((OFFICE, 2727)), SocketAddr::from((OSMO, 2427)));
        let mut agent = CallAgent::open(office, ours, theirs)?;
        let in_service = |agent: &mut callagent::Agent| {
            agent.relays().iter().all(|r| r.state == RelayState::InService).then_some(())
        };
        agent.until("osmo-mgw in service", in_service)?;
        Ok((agent, "it answers AUEP"))
    })?;
    let addresses = report.step("a stream through osmo-mgw", || {
        let order = RelayOrder::Open(link(LINK, false)?);
        match agent.order(order)? {
            Outcome::Opened { result: Ok(by), .. } => {
                Ok((by.addresses, format!("CRCX twice: {:?}", by.addresses)))
            }
            other => bail!("it was not opened: {other:?}"),
        }
    })?;
    report.step("speech both ways through osmo-mgw", || {
        let party = |index: usize| -> Result<Party> {
            let socket = office.udp(SocketAddr::from((OFFICE, TELEPHONES[index])))?;
            let says = speech::speak(index as u64 + 1, SPEECH);
            Ok(Party { socket, to: addresses[index], says })
        };
        let parties = [party(0)?, party(1)?];
        let heard = talk(&parties)?;
        let compared = [0, 1].map(|end| compare(&parties[1 - end].says, &heard[end].samples));
        for comparison in &compared {
            ensure!(comparison.is_same(), "{comparison}");
        }
        Ok(((), format!("{}; {}", compared[0], compared[1])))
    })?;
    report.step("nothing that is to be encrypted goes there", || {
        match agent.order(RelayOrder::Open(link(SECRET, true)?))? {
            Outcome::Opened { result: Err(refused), .. } => {
                Ok(((), format!("refused before a key was sent: {refused:?}")))
            }
            other => bail!("it was opened: {other:?}"),
        }
    })?;
    report.step("the stream ends, and osmo-mgw has counted", || {
        match agent.order(RelayOrder::Close { link: LINK })? {
            Outcome::Closed { ends: [Some(one), Some(other)], .. } => {
                let expected = SPEECH as u32 * 50;
                for EndStatistics { packets_received, .. } in [one, other] {
                    let enough = packets_received * 100 >= expected * 95;
                    ensure!(enough, "it has counted {packets_received} of {expected} packets");
                }
                Ok(((), format!("{one}; {other}")))
            }
            other => bail!("no statistics: {other:?}"),
        }
    })
}

fn start(gateways: &Namespace, dir: &Path) -> Result<Program> {
    let file = dir.join("osmo-mgw.cfg");
    let config = format!(
        "line vty\n bind {OSMO}\nctrl\n bind {OSMO}\nmgcp\n bind ip {OSMO}\n bind port 2427\n \
         rtp bind-ip {OSMO}\n rtp port-range 4002 4100\n number endpoints 8\n"
    );
    fs::write(&file, config).with_context(|| format!("cannot write {}", file.display()))?;
    let mut command = gateways.command("osmo-mgw");
    command.arg("-c").arg(&file).current_dir(dir);
    Program::start("osmo-mgw", command, dir)
}

fn link(link: LinkId, encrypted: bool) -> Result<RelayedLink> {
    let end = |number: usize| -> Result<RelayedEnd> {
        let keys = if encrypted { Some(StreamKeys::fresh()?) } else { None };
        Ok(RelayedEnd {
            stream: StreamId(number as u32),
            address: SocketAddr::from((OFFICE, TELEPHONES[number])),
            sends: true,
            receives: true,
            keys: keys.map(|keys| RelayedKeys {
                from_device: Arc::new(keys.forth),
                to_device: Arc::new(keys.back),
            }),
        })
    };
    let ends = [end(0)?, end(1)?];
    Ok(RelayedLink { link, call: CallId(1), codec: Codec::G711_ULAW, ends })
}

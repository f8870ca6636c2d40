//! Debian's Kamailio, between both networks, with its module `rtpengine`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::net::Namespace;
use crate::program::{Program, poll};

const PROGRAM: &str = "/usr/sbin/kamailio";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where it is in both networks, and where it sends calls.
pub struct Places {
    pub inside: SocketAddr,
    pub outside: SocketAddr,
    pub callee: SocketAddr,
}

/// Starts it with the relay at `relay`, and waits until it listens.
pub fn start(
    namespace: &Namespace,
    places: &Places,
    relay: SocketAddr,
    name: &str,
    dir: &Path,
) -> Result<Program> {
    let file = dir.join(format!("{name}.cfg"));
    fs::write(&file, configuration(places, relay))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let run = dir.join(format!("{name}-run"));
    fs::create_dir_all(&run).with_context(|| format!("cannot make {}", run.display()))?;
    let mut command = namespace.command(PROGRAM);
    command.args(["-DD", "-E", "-m", "32", "-M", "4", "-Y"]).arg(&run).arg("-f").arg(&file);
    let mut program = Program::start(name, command, dir)?;
    let listens = || namespace.enter(|| listens(places)).unwrap_or(false);
    poll(PATIENCE, || (listens() || program.expect_running().is_err()).then_some(()));
    program.expect_running()?;
    Ok(program)
}

/// Whether its ports are bound in the namespace that we are in.
fn listens(places: &Places) -> bool {
    let table = fs::read_to_string("/proc/thread-self/net/udp").unwrap_or_default();
    let port = format!(":{:04X}", places.inside.port());
    let rows = table.lines().filter_map(|row| row.split_whitespace().nth(1));
    rows.filter(|local| local.ends_with(&port)).count() >= 2
}

/// What the operator of a proxy writes. The relay is one address in it.
fn configuration(places: &Places, relay: SocketAddr) -> String {
    let Places { inside, outside, callee } = places;
    format!(
        r#"debug=2
log_stderror=yes
children=1
auto_aliases=no
mhomed=1
listen=udp:{inside}
listen=udp:{outside}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:{relay}")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{
            if (is_method("BYE")) {{ rtpengine_delete(); }}
            t_relay();
        }}
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    if (!rtpengine_offer("RTP/AVP replace-origin direction=inside direction=outside")) {{
        sl_send_reply("503", "No Relay");
        exit;
    }}
    t_on_reply("ANSWER");
    $du = "sip:{callee}";
    t_relay();
}}

onreply_route[ANSWER] {{
    if (status =~ "2[0-9][0-9]" && has_body("application/sdp")) {{
        rtpengine_answer("replace-origin");
    }}
}}
"#
    )
}

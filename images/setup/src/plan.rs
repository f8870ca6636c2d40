//! Answers become files and services; without I/O.

use std::fmt::Write as _;

use lang::Language;

use crate::seed::{Role, Seed};

/// A file that is written.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Below the root.
    pub path: &'static str,
    /// All of it.
    pub content: String,
}

/// What has to be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// From now on.
    pub hostname: String,
    /// All may be read by everybody: there is no secret in them.
    pub files: Vec<File>,
    /// Where the time zone is.
    pub zone: String,
    /// Units to be started now and at each boot.
    pub services: Vec<&'static str>,
    /// The cluster to be founded, once the daemon runs.
    pub found: Option<Cluster>,
}

/// A cluster to be founded.
#[derive(Debug, PartialEq, Eq)]
pub struct Cluster {
    /// What people call it.
    pub name: String,
    /// Of this node.
    pub address: String,
    /// Login of the first administrator.
    pub administrator: String,
}

/// `interface` is the card that the answers mean.
pub fn plan(seed: &Seed, interface: &str) -> Plan {
    let host = &seed.hostname.0;
    let mut files = vec![
        File { path: "etc/hostname", content: format!("{host}\n") },
        File {
            path: "etc/hosts",
            content: format!(
                "127.0.0.1 localhost\n::1 localhost\n{} {host}\n",
                seed.network.address.ip
            ),
        },
        File {
            path: "etc/systemd/network/50-ringfence.network",
            content: network(seed, interface),
        },
        File { path: "etc/default/locale", content: locale(seed.language) },
        File { path: "etc/ringfence/ringfence.toml", content: daemons(seed, interface) },
    ];
    if !seed.time_servers.is_empty() {
        let line = |server: &crate::seed::Name| format!("server {} iburst\n", server.0);
        let content = seed.time_servers.iter().map(line).collect();
        files.push(File { path: "etc/chrony/sources.d/ringfence.sources", content });
    }
    Plan {
        hostname: host.clone(),
        files,
        zone: format!("../usr/share/zoneinfo/{}", seed.time_zone.0),
        services: services(&seed.role).to_vec(),
        found: match &seed.role {
            Role::Publisher { cluster } => Some(Cluster {
                name: cluster.0.clone(),
                address: seed.network.address.ip.to_string(),
                administrator: seed.administrator.name.0.clone(),
            }),
            Role::Subscriber { .. } | Role::Srst { .. } | Role::MediaGateway { .. } => None,
        },
    }
}

fn network(seed: &Seed, interface: &str) -> String {
    let network = &seed.network;
    let mut text = format!(
        "[Match]\nName={interface}\n\n[Network]\nAddress={}/{}\nLinkLocalAddressing=ipv6\n",
        network.address.ip, network.address.prefix
    );
    // Writing to a string does not fail.
    if let Some(gateway) = network.gateway {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    for server in &network.name_servers {
        let _ = writeln!(text, "DNS={server}");
    }
    text
}

/// Our programs look at it; the rest of the system speaks English.
fn locale(language: Language) -> String {
    match language {
        Language::English => "LANG=C.UTF-8\n".to_owned(),
        Language::Japanese => "LANG=C.UTF-8\nLC_MESSAGES=ja_JP.UTF-8\n".to_owned(),
    }
}

/// The daemons' settings, with a relay on this machine's card.
fn daemons(seed: &Seed, interface: &str) -> String {
    let (host, ip) = (&seed.hostname.0, seed.network.address.ip);
    let control = format!(
        "[controld]\nuser = \"ringfence\"\nsccp = \"0.0.0.0\"\n\
         legacy_tls = \"/run/ringfence-legacytls/legacytls.sock\"\n\n\
         [[controld.relay]]\nname = \"{host}\"\naddresses = [\"127.0.0.1:2427\"]\n\n\
         [legacytls]\nsocket = \"/run/ringfence-legacytls/legacytls.sock\"\n\
         user = \"ringfence-tls\"\ncontrold_user = \"ringfence\"\n\n"
    );
    let relay = |listen: &str, agents: &str| {
        format!(
            "[datad.gateway]\nname = \"{host}\"\nlisten = [\"{listen}:2427\"]\ncall_agents = [{agents}]\n\n\
             [[datad.media]]\nname = \"media\"\ninterface = \"{interface}\"\naddresses = [\"{ip}\"]\n\
             networks = [\"0.0.0.0/0\"]\n"
        )
    };
    match &seed.role {
        Role::Publisher { .. } | Role::Subscriber { .. } | Role::Srst { .. } => {
            control + &relay("127.0.0.1", "\"127.0.0.1\"")
        }
        Role::MediaGateway { call_agents } => {
            let quoted: Vec<_> = call_agents.iter().map(|agent| format!("\"{agent}\"")).collect();
            relay(&ip.to_string(), &quoted.join(", "))
        }
    }
}

fn services(role: &Role) -> &'static [&'static str] {
    match role {
        Role::Publisher { .. } | Role::Subscriber { .. } | Role::Srst { .. } => &[
            "ringfence-legacytls.service",
            "ringfence-controld.service",
            "ringfence-datad.service",
        ],
        Role::MediaGateway { .. } => &["ringfence-datad.service"],
    }
}

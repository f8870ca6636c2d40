//! The daemon's section of `/etc/ringfence/ringfence.toml`.
//!
//! ```toml
//! [controld]
//! node = "cm1"                                         # absent: the machine's host name
//! user = "ringfence"                                   # whom to run as when started by root
//! store = "sqlite:/var/lib/ringfence/ringfence.db"     # or postgresql://…
//! key_directory = "/var/lib/ringfence/keys"            # this node's private keys
//! certificate_directory = "/var/lib/ringfence/certs"   # certificates of the cluster's services
//! phone_directory = "/var/lib/ringfence/phones"        # what phones hold
//! admin_socket = "/run/ringfence/controld.sock"
//! tftp = ["0.0.0.0:69"]                                # unless systemd passes sockets
//! http = ["0.0.0.0:6970"]
//! https = ["0.0.0.0:8443"]                             # administration; absent: by the socket only
//! ctl_provider = "0.0.0.0"                             # its port is a parameter
//! capf = "0.0.0.0"                                     # its port is a parameter
//! sccp = "0.0.0.0"                                     # CallManager; its ports are parameters; absent: it does not run
//! media = "192.0.2.1"                                  # music on hold, conferences; absent: the node's address
//! media_ports = [28672, 32767]                         # the first and the last of them
//! call_agent = "0.0.0.0:2727"                          # from where relays are commanded
//! srst_gateways = "0.0.0.0:2446"                       # where gateways of branches report; absent: nowhere
//! mgcp = "192.0.2.1:2427"                              # from where voice gateways are commanded; absent: they are not
//! vici = "/run/charon.vici"                            # the IKE daemon that knows whether IPsec covers the ways to them
//! relay_status = "/run/ringfence/datad.sock"           # whose packets the pages show: of the ringfence-datad here
//! metrics = "127.0.0.1:9618"                           # for Prometheus; absent: none
//! legacy_tls = "/run/ringfence/legacytls.sock"         # the cell that old phones need; absent: none
//! trace_directory = "/var/lib/ringfence/trace"         # what services tell for those who look for a fault
//! capture_directory = "/var/lib/ringfence/capture"     # captured signalling, encrypted; its keys are in `key_directory`
//!
//! [controld.database]                                  # PostgreSQL of its own; `store` is not looked at then
//! directory = "/var/lib/ringfence/database"
//! address = "192.0.2.10"                               # where other nodes reach it
//! port = 5443                                          # the same on all nodes
//!
//! [controld.backup]
//! directory = "/var/lib/ringfence/backup"              # or a bucket: [controld.backup.bucket]
//! every_hours = 24                                     # absent: only by hand
//! keep = 14                                            # absent: all
//! recipients = ["age1…"]                               # or passphrase_file = "/etc/ringfence/backup.pass"
//! key_recipients = ["age1…"]                           # absent: private keys are left out
//!
//! [controld.syslog]                                    # where the audit log is told, over TLS; absent: nowhere
//! server = "log.example:6514"
//! authority = "/etc/ringfence/syslog-ca.pem"           # whose certificates the collector may show
//!
//! [[controld.relay]]                                   # a ringfence-datad that media can go through
//! name = "relay1"                                      # `name` in its section [datad.gateway]
//! addresses = ["192.0.2.10:2427"]
//!
//! [controld.srst]                                      # with `--role srst`: the gateway of a branch
//! provider = "0.0.0.0:2445"                            # where its certificate is shown
//! memory = "/run/ringfence/srst"                       # on a tmpfs: its database
//! issuer = "/etc/ringfence/authority.pem"              # shown with a certificate that it issued; absent: self-signed
//! settled_seconds = 30                                 # phones go home when the centre was there for so long
//! return_per_second = 20                               # and so many a second
//!
//! [[controld.srst.centre]]                             # the centre's nodes, the preferred one first
//! address = "192.0.2.10:2446"
//! sha256 = "…"                                         # `certificate_sha256` of `ringfence -o json status` there
//! ```

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use store::StoreUrl;

/// What the daemon is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// A node of the cluster.
    #[default]
    Centre,
    /// The gateway of a branch, which serves its phones while the centre is away.
    Srst,
}

/// The whole file. What other daemons read in it is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// This daemon's section.
    #[serde(default)]
    pub controld: Config,
    /// The data plane's section.
    #[serde(default, rename = "datad")]
    _datad: serde::de::IgnoredAny,
    /// The section of the cell for old TLS.
    #[serde(default, rename = "legacytls")]
    _legacytls: serde::de::IgnoredAny,
}

/// Settings of the daemon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// This node's name in the cluster; absent: the machine's host name.
    pub node: Option<String>,
    /// Whom to run as when started by root.
    pub user: Option<String>,
    /// Where the database is.
    #[serde(deserialize_with = "store_url")]
    pub store: StoreUrl,
    /// The node's own PostgreSQL, instead of `store`.
    pub database: Option<database::Settings>,
    /// Where private keys are.
    pub key_directory: PathBuf,
    /// Where certificates of the cluster's services are.
    pub certificate_directory: PathBuf,
    /// Where it is remembered what phones hold.
    pub phone_directory: PathBuf,
    /// Where the relay on this machine tells of its packets.
    pub relay_status: PathBuf,
    /// Where `ringfence` asks.
    pub admin_socket: PathBuf,
    /// Where TFTP listens.
    pub tftp: Vec<SocketAddr>,
    /// Where HTTP provisioning listens.
    pub http: Vec<SocketAddr>,
    /// Where administration over HTTPS listens; empty: nowhere.
    pub https: Vec<SocketAddr>,
    /// Address on which the CTL Provider listens; its port is a parameter.
    pub ctl_provider: IpAddr,
    /// Address on which CAPF listens; its port is a parameter.
    pub capf: IpAddr,
    /// Address on which CallManager listens; its ports are parameters. Absent: it does not run in
    /// this process.
    pub sccp: Option<IpAddr>,
    /// Where music on hold and conference bridges send and receive; absent: the node's address.
    pub media: Option<IpAddr>,
    /// The first and the last port of these.
    pub media_ports: (u16, u16),
    /// From where relays are commanded, and where they tell of themselves.
    pub call_agent: SocketAddr,
    /// The relays that media can go through.
    pub relay: Vec<Relay>,
    /// Where gateways of branches report; absent: nowhere.
    pub srst_gateways: Option<SocketAddr>,
    /// With `--role srst`: the gateway of a branch.
    pub srst: Survive,
    /// From where voice gateways are commanded, and where they tell of themselves; absent: they are
    /// not.
    pub mgcp: Option<SocketAddr>,
    /// Socket of the IKE daemon that knows whether IPsec covers the ways to them; absent: on this
    /// node nobody knows.
    pub vici: Option<PathBuf>,
    /// Where metrics are told; absent: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Socket of the cell that ends the TLS of old phones; absent: they are not
    /// served, and others are in this process.
    pub legacy_tls: Option<PathBuf>,
    /// Where traces go; absent: `trace` beside the directory of phones.
    pub trace_directory: Option<PathBuf>,
    /// Where files of captures go; absent: `capture` beside the directory of phones.
    pub capture_directory: Option<PathBuf>,
    /// Backups.
    pub backup: Backup,
    /// Where the audit log is told; absent: nowhere.
    pub syslog: Option<Syslog>,
}

/// A collector of syslog messages over TLS (RFC 5425).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// `HOST:PORT`, most often port 6514.
    pub server: String,
    /// The certificates of authorities that vouch for it, PEM.
    pub authority: PathBuf,
}

/// What is done about backups.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Where they are kept; absent: `backup` beside the directory of phones.
    pub directory: Option<PathBuf>,
    /// A bucket to keep them in, instead of a directory.
    pub bucket: Option<Bucket>,
    /// How often one is made by itself; absent: never.
    pub every_hours: Option<u64>,
    /// How many are kept; absent: all. The newest one stays in any case.
    pub keep: Option<usize>,
    /// For whom they are encrypted: `age1…`.
    pub recipients: Vec<String>,
    /// A file whose first line is the passphrase that they are encrypted under.
    pub passphrase_file: Option<PathBuf>,
    /// For whom private keys are encrypted; absent: they are left out.
    pub key_recipients: Vec<String>,
}

/// A bucket of an object store that speaks S3.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// `https://s3.example.com`.
    pub endpoint: String,
    /// What the store calls its region.
    #[serde(default = "any_region")]
    pub region: String,
    /// The bucket's name.
    pub name: String,
    /// What the names of objects begin with.
    #[serde(default)]
    pub prefix: String,
    /// A file with the access key in its first line and the secret in its second.
    pub credentials_file: PathBuf,
    /// A PEM file with the authorities of the store's certificate.
    #[serde(default = "authorities")]
    pub authorities: PathBuf,
}

fn any_region() -> String {
    "us-east-1".into()
}

fn authorities() -> PathBuf {
    "/etc/ssl/certs/ca-certificates.crt".into()
}

/// A relay that media can go through.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Its name, as in its own configuration.
    pub name: String,
    /// Where it listens for MGCP, in order of preference.
    pub addresses: Vec<SocketAddr>,
}

/// The gateway of a branch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Survive {
    /// Where its certificate is shown.
    pub provider: SocketAddr,
    /// A directory of a tmpfs, for its database.
    pub memory: PathBuf,
    /// The certificate of the authority that issued its own, PEM; absent: that is self-signed.
    pub issuer: Option<PathBuf>,
    /// The centre must have been there for so long before phones are sent home.
    pub settled_seconds: u64,
    /// So many phones are sent home in a second.
    pub return_per_second: u32,
    /// The centre's nodes, the preferred one first.
    pub centre: Vec<CentreNode>,
}

/// A node of the centre.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreNode {
    /// Where it waits for gateways.
    pub address: SocketAddr,
    /// SHA-256 of its certificate, in hexadecimal.
    pub sha256: String,
}

impl Default for Survive {
    fn default() -> Self {
        Self {
            provider: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 2445),
            memory: "/run/ringfence/srst".into(),
            issuer: None,
            settled_seconds: 30,
            return_per_second: 20,
            centre: Vec::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self {
            node: None,
            user: None,
            store: StoreUrl::Sqlite("/var/lib/ringfence/ringfence.db".into()),
            database: None,
            key_directory: "/var/lib/ringfence/keys".into(),
            certificate_directory: "/var/lib/ringfence/certs".into(),
            phone_directory: "/var/lib/ringfence/phones".into(),
            relay_status: status::DEFAULT_SOCKET.into(),
            admin_socket: console::DEFAULT_SOCKET.into(),
            tftp: vec![SocketAddr::new(any, 69)],
            http: vec![SocketAddr::new(any, 6970)],
            https: Vec::new(),
            ctl_provider: any,
            capf: any,
            sccp: None,
            media: None,
            media_ports: (28_672, 32_767),
            call_agent: SocketAddr::new(any, 2727),
            relay: Vec::new(),
            srst_gateways: None,
            srst: Survive::default(),
            mgcp: None,
            vici: None,
            metrics: None,
            legacy_tls: None,
            trace_directory: None,
            capture_directory: None,
            backup: Backup::default(),
            syslog: None,
        }
    }
}

fn store_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StoreUrl, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

impl Config {
    /// Where traces go.
    pub fn trace_directory(&self) -> PathBuf {
        let beside = || self.phone_directory.with_file_name("trace");
        self.trace_directory.clone().unwrap_or_else(beside)
    }

    /// Where files of captures go.
    pub fn capture_directory(&self) -> PathBuf {
        let beside = || self.phone_directory.with_file_name("capture");
        self.capture_directory.clone().unwrap_or_else(beside)
    }

    /// Where a gateway keeps what the centre has given it.
    pub fn srst_directory(&self) -> PathBuf {
        self.phone_directory.with_file_name("srst")
    }

    /// Where backups are kept, unless in a bucket.
    pub fn backup_directory(&self) -> PathBuf {
        let beside = || self.phone_directory.with_file_name("backup");
        self.backup.directory.clone().unwrap_or_else(beside)
    }

    /// Where backups are made and unpacked.
    pub fn backup_workshop(&self) -> PathBuf {
        self.phone_directory.with_file_name("backup-work")
    }

    /// This node's name in the cluster.
    pub fn node_name(&self) -> String {
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        self.node.clone().unwrap_or_else(host)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let file = settings::parse::<File>(Path::new("ringfence.toml"), text);
        file.map(|file| file.controld).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_enough() {
        let config = parse("").unwrap();
        assert_eq!(config.tftp, ["0.0.0.0:69".parse().unwrap()]);
        assert!(!config.node_name().is_empty());
    }

    #[test]
    fn the_data_planes_section_is_not_ours() {
        assert!(parse("[datad]\nanything = [1, 2]\n[controld]\nnode = \"cm1\"\n").is_ok());
    }

    #[test]
    fn mistakes_name_line_key_and_cure() {
        for (text, expected) in [
            ("nodee = \"cm1\"", "ringfence.toml:2: unknown field `nodee`"),
            ("nodee = \"cm1\"", "did you mean `node`?"),
            ("store = \"mysql://x\"", "sqlite:/path/to/file"),
            ("store = 5", "ringfence.toml:2"),
            ("tftp = [\"0.0.0.0\"]", "ringfence.toml:2"),
            ("ctl_provider = \"cm1\"", "invalid IP address"),
            ("media_ports = [1]", "ringfence.toml:2"),
            ("[controld.database]\ndirectory = \"/x\"", "missing field `address`"),
            ("[[controld.relay]]\nnames = \"relay1\"", "did you mean `name`?"),
        ] {
            let complaint = parse(&format!("[controld]\n{text}\n")).unwrap_err();
            assert!(complaint.contains(expected), "{text}: {complaint}");
        }
    }
}

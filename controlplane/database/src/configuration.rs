//! PostgreSQL's configuration files. They are outside the data, which a copy takes over.

use std::fmt::Display;
use std::path::Path;

use crate::{Instance, Member};

/// The role that nodes ask as: it owns the database, and may stream it.
pub(crate) const ROLE: &str = "ringfence";
/// The role that only this machine has, by a socket in a directory of the daemon's user.
pub(crate) const SUPERUSER: &str = "postgres";
/// The database.
pub(crate) const DATABASE: &str = "ringfence";

/// `postgresql.conf`. One that is held takes no changes.
pub(crate) fn settings(instance: &Instance, follows: Option<&Member>, held: bool) -> String {
    let file = |name: &str| quoted(instance.file(name).display());
    let mut text = format!(
        "listen_addresses = '{address}'\n\
         port = {port}\n\
         unix_socket_directories = {run}\n\
         unix_socket_permissions = 0700\n\
         max_connections = 100\n\
         shared_buffers = '64MB'\n\
         ssl = on\n\
         ssl_min_protocol_version = 'TLSv1.3'\n\
         ssl_cert_file = {identity}\n\
         ssl_key_file = {identity}\n\
         ssl_ca_file = {roots}\n\
         hot_standby = on\n\
         hot_standby_feedback = on\n\
         max_wal_senders = 20\n\
         max_replication_slots = 20\n\
         wal_keep_size = '256MB'\n\
         max_slot_wal_keep_size = '2GB'\n\
         wal_receiver_timeout = '10s'\n\
         wal_sender_timeout = '10s'\n\
         wal_retrieve_retry_interval = '1s'\n\
         tcp_keepalives_idle = 5\n\
         tcp_keepalives_interval = 2\n\
         tcp_keepalives_count = 3\n\
         default_transaction_read_only = {held}\n",
        address = instance.settings().address,
        port = instance.settings().port,
        run = file("run"),
        identity = file("identity.pem"),
        roots = file("roots.pem"),
        held = if held { "on" } else { "off" },
    );
    if let Some(original) = follows {
        let me = Member { name: instance.node().to_owned(), ..original.clone() };
        text += &format!(
            "primary_conninfo = {}\nprimary_slot_name = {}\n",
            quoted(connection(instance, original)),
            quoted(me.slot()),
        );
    }
    text
}

/// How PostgreSQL's own programs reach another node's database.
pub(crate) fn connection(instance: &Instance, other: &Member) -> String {
    let file = |name: &str| value(&instance.file(name));
    let (identity, roots) = (file("identity.pem"), file("roots.pem"));
    format!(
        "host={} port={} user={ROLE} application_name={} connect_timeout=5 \
         sslmode=verify-full sslrootcert={roots} sslcert={identity} sslkey={identity}",
        other.address,
        instance.settings().port,
        value(instance.node().as_ref()),
    )
}

/// `pg_hba.conf`: who may ask. The directory of the socket is its owner's alone.
pub(crate) fn admission() -> String {
    format!(
        "local all {SUPERUSER},{ROLE} trust\n\
         hostssl {DATABASE} {ROLE} all cert map=nodes\n\
         hostssl replication {ROLE} all cert map=nodes\n"
    )
}

/// `pg_ident.conf`: every certificate of the list is a node's.
pub(crate) fn names() -> String {
    format!("nodes /^.*$ {ROLE}\n")
}

/// What makes roles and database in a new instance, one statement a line.
pub(crate) fn beginnings() -> String {
    format!(
        "CREATE ROLE {ROLE} LOGIN REPLICATION;\n\
         GRANT pg_monitor TO {ROLE};\n\
         CREATE DATABASE {DATABASE} OWNER {ROLE};\n"
    )
}

/// A value of `postgresql.conf`.
fn quoted(value: impl Display) -> String {
    format!("'{}'", value.to_string().replace('\\', r"\\").replace('\'', "''"))
}

/// A value of a connection string.
fn value(path: &Path) -> String {
    let text = path.display().to_string();
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

-- One text for SQLite and PostgreSQL: BIGINT, TEXT and BYTEA mean the same to both.

CREATE TABLE cluster (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    guid TEXT NOT NULL,
    name TEXT NOT NULL,
    -- NULL until a CTL client has set it.
    security_mode BIGINT CHECK (security_mode IN (0, 1))
);

CREATE TABLE node (
    name TEXT PRIMARY KEY,
    guid TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('publisher', 'subscriber'))
);
CREATE UNIQUE INDEX one_publisher ON node (role) WHERE role = 'publisher';

CREATE TABLE node_service (
    node TEXT NOT NULL REFERENCES node (name) ON DELETE CASCADE,
    service TEXT NOT NULL,
    PRIMARY KEY (node, service)
);

CREATE TABLE cluster_parameter (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE node_parameter (
    node TEXT NOT NULL REFERENCES node (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node, name)
);

CREATE TABLE device (
    name TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    description TEXT NOT NULL,
    owner TEXT NOT NULL,
    directory_number TEXT NOT NULL,
    security_mode TEXT NOT NULL,
    load_information TEXT NOT NULL,
    user_locale TEXT NOT NULL,
    network_locale TEXT NOT NULL,
    gratuitous_arp BIGINT NOT NULL,
    web_access BIGINT NOT NULL,
    pc_voice_vlan_access BIGINT NOT NULL,
    settings_access BIGINT NOT NULL,
    pc_port BIGINT NOT NULL,
    -- The revision that last touched it: what a phone sees as the version of its file.
    revision BIGINT NOT NULL
);

CREATE TABLE administrator (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    -- PHC string of argon2id.
    password_hash TEXT NOT NULL
);

CREATE TABLE certificate (
    fingerprint TEXT NOT NULL,
    role TEXT NOT NULL,
    owner TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    serial TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    der BYTEA NOT NULL,
    PRIMARY KEY (role, owner, fingerprint)
);

CREATE TABLE certificate_copy (
    fingerprint TEXT NOT NULL,
    node TEXT NOT NULL REFERENCES node (name) ON DELETE CASCADE,
    path TEXT NOT NULL,
    copied_at BIGINT NOT NULL,
    PRIMARY KEY (fingerprint, node, path)
);

CREATE TABLE ctl_version (
    number BIGINT PRIMARY KEY,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    signer TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    file BYTEA NOT NULL
);

-- Restarts and resets that a change asked for and nobody has done yet.
CREATE TABLE due_action (
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (action, subject)
);

CREATE TABLE revision (
    number BIGINT PRIMARY KEY,
    made_at BIGINT NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL
);

CREATE TABLE revision_entry (
    revision BIGINT NOT NULL REFERENCES revision (number),
    position BIGINT NOT NULL,
    object TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- JSON; NULL where there was or is nothing.
    old_value TEXT,
    new_value TEXT,
    PRIMARY KEY (revision, position)
);

CREATE TABLE audit_record (
    number BIGINT PRIMARY KEY,
    made_at BIGINT NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- SHA-256 over the previous record's hash and the fields above.
    hash TEXT NOT NULL
);

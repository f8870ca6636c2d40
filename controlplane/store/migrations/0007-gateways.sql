-- Gateways that CallManager commands by MGCP.
CREATE TABLE gateway (
    -- What stands behind the @ in names of its endpoints.
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    -- Where it listens, with the port, in order of preference; separated by blanks.
    addresses TEXT NOT NULL,
    dialect TEXT NOT NULL,
    key_policy TEXT NOT NULL,
    path TEXT NOT NULL,
    -- Who it must have proven to be to the IKE daemon; empty is anybody whom that trusts.
    identity TEXT NOT NULL,
    pool TEXT NOT NULL REFERENCES pool (name),
    digit_map TEXT NOT NULL,
    -- Encrypted calls end when keys may no longer go there.
    drop_secure_calls BIGINT NOT NULL
);

-- Its voice ports, in order.
CREATE TABLE gateway_port (
    gateway TEXT NOT NULL REFERENCES gateway (name) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    -- What stands before the @.
    name TEXT NOT NULL,
    -- The number of the telephone on it; NULL is a trunk.
    number TEXT REFERENCES line (number),
    direction TEXT NOT NULL,
    -- Where calls from a trunk go that bring no number; NULL: their digits are waited for.
    attendant TEXT,
    capture BIGINT NOT NULL,
    PRIMARY KEY (gateway, position),
    UNIQUE (gateway, name)
);
CREATE INDEX gateway_port_number ON gateway_port (number);

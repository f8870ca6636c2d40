-- Voicemail servers. The root certificate of a server is in the inventory, under the role
-- `voicemail-root` and its name.
CREATE TABLE voicemail_server (
    name TEXT PRIMARY KEY,
    -- What the ports that are added to it are set to.
    security_mode TEXT NOT NULL
);

-- Their ports: stations with one line each.
CREATE TABLE voicemail_port (
    server TEXT NOT NULL REFERENCES voicemail_server (name),
    -- From 1; the last part of its name.
    position BIGINT NOT NULL,
    number TEXT NOT NULL UNIQUE REFERENCES line (number),
    pool TEXT NOT NULL,
    security_mode TEXT NOT NULL,
    PRIMARY KEY (server, position)
);

-- For which numbers a message waits, or waited. Voicemail servers change it, so that it has no
-- revision: those who keep a copy look for a `change` above the last that they saw.
CREATE TABLE message_waiting (
    number TEXT PRIMARY KEY REFERENCES line (number) ON DELETE CASCADE,
    waiting BIGINT NOT NULL,
    change BIGINT NOT NULL UNIQUE
);

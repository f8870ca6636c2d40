-- Which devices are captured, and who may attach to the stream of it.

CREATE TABLE capture (
    -- A phone, or MGCP endpoints: ENDPOINT@GATEWAY, *@GATEWAY.
    device TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    minutes BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

CREATE TABLE capture_tool (
    name TEXT PRIMARY KEY,
    -- The administrator it belongs to; it may what they may.
    owner TEXT NOT NULL,
    -- SHA-256 of its certificate, in hexadecimal.
    sha256 TEXT NOT NULL UNIQUE
);

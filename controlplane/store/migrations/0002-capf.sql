-- What CAPF shall do with each phone, and what came of it. A phone without a row has the defaults.
CREATE TABLE capf (
    device TEXT PRIMARY KEY,
    -- Number of the operation: the revision that ordered it.
    ticket BIGINT NOT NULL,
    operation TEXT NOT NULL,
    auth_mode TEXT NOT NULL,
    -- Digits that are valid once. Readable, because administrators tell them to users.
    auth_string TEXT,
    key_size BIGINT NOT NULL,
    complete_by BIGINT,
    -- How often the phone failed to make the key of this operation.
    failed_attempts BIGINT NOT NULL,
    status TEXT NOT NULL,
    result_at BIGINT,
    result_reason TEXT,
    result_detail TEXT
);

-- Wrong authentication strings in a row: operation, not administration, so without revisions.
CREATE TABLE capf_lockout (
    device TEXT PRIMARY KEY,
    -- Its form is CAPF's.
    lockout TEXT NOT NULL
);

-- Certificates phones hold or held, as far as CAPF saw them.
CREATE TABLE phone_certificate (
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    serial TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    -- Fingerprint of the certificate that issued it, where it is known.
    issued_by TEXT,
    noted_at BIGINT NOT NULL,
    present BIGINT NOT NULL,
    der BYTEA NOT NULL,
    PRIMARY KEY (device, kind, fingerprint)
);

-- Certificates that were asked of a certification authority which has not answered yet.
CREATE TABLE capf_request (
    device TEXT PRIMARY KEY,
    public_key BYTEA NOT NULL,
    transaction_id TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- What the authority needs to be reminded of it; its form is the client's.
    request BYTEA NOT NULL,
    -- The certificate, once it came.
    certificate BYTEA
);

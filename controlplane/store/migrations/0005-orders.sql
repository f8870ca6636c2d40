-- When an administrator declared it worthless; NULL: never. The phone may still have it.
ALTER TABLE phone_certificate ADD COLUMN revoked_at BIGINT;

-- What phones are told to do, wherever they are registered: each node tells its own.
CREATE TABLE phone_order (
    -- The revision that placed it.
    number BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    -- The node that has told its own phones already; others carry it out.
    node TEXT NOT NULL,
    -- JSON: the names of phones.
    devices TEXT NOT NULL,
    placed_at BIGINT NOT NULL
);

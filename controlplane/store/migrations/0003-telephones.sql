-- Directory numbers, and what becomes of calls to them.
CREATE TABLE line (
    number TEXT PRIMARY KEY,
    display TEXT NOT NULL,
    forward_busy TEXT,
    forward_no_answer TEXT,
    -- With so many calls it is busy.
    busy_trigger BIGINT NOT NULL
);

-- Where all calls to a number go. Users change it on their telephones, so that it has no revision:
-- those who keep a copy look for a `change` above the last that they saw. A row without target
-- forwards no more.
CREATE TABLE forward_all (
    number TEXT PRIMARY KEY REFERENCES line (number) ON DELETE CASCADE,
    target TEXT,
    change BIGINT NOT NULL UNIQUE
);

-- The line buttons of a phone, from 1. A number on several phones is a shared line.
CREATE TABLE phone_line (
    device TEXT NOT NULL REFERENCES device (name) ON DELETE CASCADE,
    button BIGINT NOT NULL,
    number TEXT NOT NULL REFERENCES line (number),
    PRIMARY KEY (device, button),
    UNIQUE (device, number)
);
CREATE INDEX phone_line_number ON phone_line (number);

-- Its buttons that dial, which follow those of its lines.
CREATE TABLE speed_dial (
    device TEXT NOT NULL REFERENCES device (name) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    number TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (device, position)
);

CREATE TABLE region (
    name TEXT PRIMARY KEY,
    -- What call processing knows it by.
    number BIGINT NOT NULL UNIQUE
);

-- The bit rate of a stream between two regions, in kbit/s; the lesser name first.
CREATE TABLE region_limit (
    one TEXT NOT NULL REFERENCES region (name) ON DELETE CASCADE,
    other TEXT NOT NULL REFERENCES region (name) ON DELETE CASCADE,
    kbit_s BIGINT NOT NULL,
    PRIMARY KEY (one, other)
);

-- What phones have in common.
CREATE TABLE pool (
    name TEXT PRIMARY KEY,
    region TEXT NOT NULL REFERENCES region (name),
    date_template TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    media TEXT NOT NULL
);

-- The CallManager group of a pool: its nodes, the first one first. Without rows it is all nodes
-- that run CallManager.
CREATE TABLE pool_node (
    pool TEXT NOT NULL REFERENCES pool (name) ON DELETE CASCADE,
    priority BIGINT NOT NULL,
    node TEXT NOT NULL REFERENCES node (name) ON DELETE CASCADE,
    PRIMARY KEY (pool, priority),
    UNIQUE (pool, node)
);

-- Patterns of numbers that are nobody's, and where they lead.
CREATE TABLE route (
    pattern TEXT PRIMARY KEY,
    destination TEXT NOT NULL
);

-- Calls that have ended.
CREATE TABLE call_record (
    number BIGINT PRIMARY KEY,
    node TEXT NOT NULL,
    call BIGINT NOT NULL,
    calling_number TEXT NOT NULL,
    calling_name TEXT NOT NULL,
    dialled TEXT NOT NULL,
    called_number TEXT,
    called_name TEXT,
    began_at BIGINT NOT NULL,
    answered_at BIGINT,
    ended_at BIGINT NOT NULL,
    -- The status shown last; NULL where nobody was shown any.
    security TEXT,
    ending TEXT NOT NULL,
    -- The gateway that its media went through, if it did.
    relay TEXT
);
CREATE INDEX call_record_ended_at ON call_record (ended_at);

INSERT INTO region (name, number) VALUES ('Default', 0);
INSERT INTO pool (name, region, date_template, time_zone, media)
    VALUES ('Default', 'Default', 'M/D/Y', 'UTC', 'when-needed');

ALTER TABLE device ADD COLUMN pool TEXT NOT NULL DEFAULT 'Default';
ALTER TABLE device ADD COLUMN built_in_bridge TEXT NOT NULL DEFAULT 'use-system-default';
ALTER TABLE device ADD COLUMN private BIGINT NOT NULL DEFAULT 0;

-- The one number of a phone becomes its first line. What nobody could dial stays readable.
UPDATE device SET description = description || ' (' || directory_number || ')',
        directory_number = ''
    WHERE LENGTH(directory_number) > 24
    OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
        REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(directory_number,
        '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''),
        '9', ''), '*', ''), '#', ''), '+', ''), 'A', ''), 'B', ''), 'C', ''), 'D', '') <> '';
INSERT INTO line (number, display, busy_trigger)
    SELECT DISTINCT directory_number, '', 2 FROM device WHERE directory_number <> '';
INSERT INTO phone_line (device, button, number)
    SELECT name, 1, directory_number FROM device WHERE directory_number <> '';
ALTER TABLE device DROP COLUMN directory_number;

-- Roles of the pages and of the REST interface, and what programs show instead of passwords.

UPDATE administrator SET role = 'operator' WHERE role = 'power-user';
UPDATE administrator SET role = 'monitor' WHERE role = 'read-only';

CREATE TABLE api_token (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    role TEXT NOT NULL,
    -- NULL: until it is removed.
    expires_at BIGINT,
    -- SHA-256 of the secret, in hexadecimal.
    digest TEXT NOT NULL UNIQUE
);

-- Gateways that serve the phones of a place while the centre is away. What certificate a gateway
-- has shown is in the inventory, under the role `srst-gateway` and the name of the reference.
CREATE TABLE srst_reference (
    name TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    port BIGINT NOT NULL,
    provider_port BIGINT NOT NULL,
    secure BIGINT NOT NULL,
    -- NULL until a certificate was accepted.
    fetched_at BIGINT
);

-- NULL: phones of the pool look for no gateway.
ALTER TABLE pool ADD COLUMN srst TEXT;

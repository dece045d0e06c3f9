-- +goose Up

-- Assertions that were used, each until its time alone refuses it. The hash is
-- of the provider, the assertion's id, and the role that it was used for.
CREATE TABLE saml_assertions (
	hash       BYTEA NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	expires_us BIGINT NOT NULL
);

CREATE INDEX saml_assertions_expiry ON saml_assertions (expires_us);

-- +goose Down
DROP TABLE saml_assertions;

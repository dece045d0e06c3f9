-- +goose Up

-- How often connectors with limits were used: in a minute (span M) or a day
-- (span D) that began at start_us, by a principal, or by all (empty).
CREATE TABLE connector_usage (
	arn        TEXT COLLATE "C" NOT NULL,
	principal  TEXT COLLATE "C" NOT NULL,
	span       TEXT COLLATE "C" NOT NULL,
	start_us   BIGINT NOT NULL,
	account    TEXT COLLATE "C" NOT NULL,
	calls      BIGINT NOT NULL,
	units      BIGINT NOT NULL,
	expires_us BIGINT NOT NULL,
	PRIMARY KEY (arn, principal, span, start_us)
);
CREATE INDEX connector_usage_expires ON connector_usage (expires_us);
CREATE INDEX connector_usage_principal ON connector_usage (principal);
CREATE INDEX connector_usage_account ON connector_usage (account);

-- Actions that somebody was asked to confirm.
CREATE TABLE connector_confirmations (
	hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- of the token
	arn        TEXT COLLATE "C" NOT NULL,
	account    TEXT COLLATE "C" NOT NULL,
	principal  TEXT COLLATE "C" NOT NULL,
	bound      TEXT NOT NULL, -- digest of what is to be done
	expires_us BIGINT NOT NULL
);
CREATE INDEX connector_confirmations_expires ON connector_confirmations (expires_us);
CREATE INDEX connector_confirmations_principal ON connector_confirmations (principal);
CREATE INDEX connector_confirmations_arn ON connector_confirmations (arn);
CREATE INDEX connector_confirmations_account ON connector_confirmations (account);

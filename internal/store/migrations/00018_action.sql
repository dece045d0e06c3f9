-- +goose Up

-- Tokens of connectors at the services behind them: one for a connector as a
-- whole (principal "service"), or one for each person. lease_owner asks for a new
-- token until lease_until_us; everyone else waits for it.
CREATE TABLE connector_tokens (
	arn            TEXT COLLATE "C" NOT NULL,
	principal      TEXT COLLATE "C" NOT NULL,
	account        TEXT COLLATE "C" NOT NULL,
	settings       TEXT NOT NULL, -- what the token was asked for with; other settings make it void
	status         TEXT NOT NULL, -- PENDING, CONNECTED, NEEDS_REAUTH or ERROR
	sealed         BYTEA, -- access and refresh token
	client_style   TEXT NOT NULL, -- how the client authenticated: header or body; empty before it is known
	scopes         TEXT NOT NULL,
	vendor_id      TEXT NOT NULL, -- whose account it is at the service
	vendor_label   TEXT NOT NULL,
	message        TEXT NOT NULL, -- why there is no token
	failures       BIGINT NOT NULL, -- in a row
	retry_us       BIGINT NOT NULL, -- not to be asked for before
	expires_us     BIGINT NOT NULL, -- 0 where the service does not say
	renew_us       BIGINT NOT NULL,
	connected_us   BIGINT NOT NULL,
	refreshed_us   BIGINT NOT NULL,
	version        BIGINT NOT NULL, -- bound into the seal
	lease_owner    TEXT NOT NULL,
	lease_until_us BIGINT NOT NULL,
	PRIMARY KEY (arn, principal)
);
CREATE INDEX connector_tokens_principal ON connector_tokens (principal);
CREATE INDEX connector_tokens_account ON connector_tokens (account);

-- Sign-ins at services that have begun. What brings them to an end is known
-- only to the browser that began them.
CREATE TABLE connector_states (
	hash        TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- of the state
	arn         TEXT COLLATE "C" NOT NULL,
	principal   TEXT COLLATE "C" NOT NULL,
	account     TEXT COLLATE "C" NOT NULL,
	settings    TEXT NOT NULL,
	browser     TEXT NOT NULL, -- hash of the browser's cookie; empty before it has one
	sealed      BYTEA NOT NULL, -- code verifier
	expires_us  BIGINT NOT NULL
);
CREATE INDEX connector_states_expires ON connector_states (expires_us);

-- Tokens to be revoked at a service whose connector may be gone.
CREATE TABLE connector_revocations (
	id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	account TEXT COLLATE "C" NOT NULL,
	sealed  BYTEA NOT NULL
);

-- Calls of actions that are answered later, or only once.
CREATE TABLE connector_invocations (
	id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	arn         TEXT COLLATE "C" NOT NULL,
	account     TEXT COLLATE "C" NOT NULL,
	principal   TEXT COLLATE "C" NOT NULL,
	once        TEXT COLLATE "C" NOT NULL, -- the caller's idempotency key, or the id
	input_hash  TEXT NOT NULL,
	action      TEXT NOT NULL,
	status      TEXT NOT NULL, -- RUNNING, SUCCESS or FAILED
	asynchronous BOOLEAN NOT NULL,
	started     BOOLEAN NOT NULL, -- a request may have been sent
	sealed      BYTEA NOT NULL, -- the input, and then the result
	created_us  BIGINT NOT NULL,
	ended_us    BIGINT NOT NULL,
	expires_us  BIGINT NOT NULL
);
CREATE UNIQUE INDEX connector_invocations_once ON connector_invocations (arn, principal, once);
CREATE INDEX connector_invocations_expires ON connector_invocations (expires_us);
CREATE INDEX connector_invocations_account ON connector_invocations (account);

-- What was called, for as long as the operator keeps it.
CREATE TABLE connector_calls (
	arn         TEXT COLLATE "C" NOT NULL,
	started_us  BIGINT NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	account     TEXT COLLATE "C" NOT NULL,
	principal   TEXT COLLATE "C" NOT NULL,
	action      TEXT NOT NULL,
	status      TEXT NOT NULL,
	http_status BIGINT NOT NULL,
	error_kind  TEXT NOT NULL,
	attempts    BIGINT NOT NULL,
	duration_us BIGINT NOT NULL,
	sealed      BYTEA, -- input and output, redacted; where the operator wants them
	PRIMARY KEY (arn, started_us, id)
);
CREATE INDEX connector_calls_started ON connector_calls (started_us);
CREATE INDEX connector_calls_account ON connector_calls (account);

-- +goose Down
DROP TABLE connector_calls;
DROP TABLE connector_invocations;
DROP TABLE connector_revocations;
DROP TABLE connector_states;
DROP TABLE connector_tokens;

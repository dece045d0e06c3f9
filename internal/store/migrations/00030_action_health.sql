-- +goose Up

-- How connectors are that are checked by themselves, or whose client the service
-- refuses.
CREATE TABLE connector_health (
	arn        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	chain      TEXT NOT NULL, -- of the jobs that check it; those of another end. Empty for none
	passed     BOOLEAN NOT NULL,
	message    TEXT NOT NULL, -- why the last check failed
	failures   BIGINT NOT NULL, -- in a row
	since_us   BIGINT NOT NULL, -- of the first of them
	checked_us BIGINT NOT NULL,
	next_us    BIGINT NOT NULL,
	told       BOOLEAN NOT NULL, -- the owners know
	refused_us BIGINT NOT NULL -- since when the client is refused; 0 for not
);
CREATE INDEX connector_health_account ON connector_health (account);

-- When the authorisation of a person is to be renewed, so that it does not lapse
-- by not being used, and in which language the person is written to.
ALTER TABLE connector_tokens ADD COLUMN alive_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE connector_tokens ADD COLUMN lang TEXT NOT NULL DEFAULT '';
CREATE INDEX connector_tokens_alive ON connector_tokens (alive_us);

-- +goose Up

-- By what the account's Active Directory knows the user: an objectGUID, which
-- stays when a name changes, and is nobody's again.
ALTER TABLE users ADD COLUMN directory_id TEXT COLLATE "C";
CREATE UNIQUE INDEX users_directory ON users (account, namespace, directory_id) WHERE directory_id IS NOT NULL;

-- When an account's people are compared with its directory again, and how that
-- went last.
CREATE TABLE directory_refreshes (
	account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	next_us    BIGINT NOT NULL,
	ended_us   BIGINT,        -- of the last one that came to its end, well or not
	worked_us  BIGINT,        -- of the last one that went well
	roles      TEXT NOT NULL, -- by which groups' roles it was: a hash
	people     BIGINT NOT NULL, -- users that were compared by that one
	error      TEXT           -- why the last one did not go well
);

-- +goose Down
DROP TABLE directory_refreshes;
DROP INDEX users_directory;
ALTER TABLE users DROP COLUMN directory_id;

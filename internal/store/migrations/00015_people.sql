-- +goose Up

-- An administrator has put the user out of use, or back into it. A use is a
-- signed call of the IAM principal that the user belongs to, to the hour.
ALTER TABLE users ADD COLUMN deactivated_us BIGINT;
ALTER TABLE users ADD COLUMN reactivated_us BIGINT;
ALTER TABLE users ADD COLUMN last_used_us BIGINT;
ALTER TABLE users ADD COLUMN warned_us BIGINT;

-- Few of many: an account must not lose its last administrator.
CREATE INDEX users_admins ON users (account, role, namespace, name) WHERE role IN ('ADMIN', 'ADMIN_PRO');

-- Runs of a policy against people who are idle. The state, the last user looked
-- at and the counts move on in the transactions that change users.
CREATE TABLE prunes (
	account      TEXT COLLATE "C" NOT NULL,
	id           TEXT COLLATE "C" NOT NULL, -- begins with the time, so that ids are in its order
	state        TEXT NOT NULL, -- RUNNING, COMPLETED, FAILED
	policy       TEXT NOT NULL, -- JSON
	started_by   TEXT NOT NULL, -- ARN
	created_us   BIGINT NOT NULL,
	ended_us     BIGINT,
	at_namespace TEXT COLLATE "C" NOT NULL,
	at_name      TEXT COLLATE "C" NOT NULL,
	counts       TEXT NOT NULL, -- JSON: users by what became of them
	error        TEXT, -- why it could not go on
	PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX prunes_running ON prunes (account) WHERE state = 'RUNNING';

-- What such a run did, user by user.
CREATE TABLE prune_steps (
	account   TEXT COLLATE "C" NOT NULL,
	prune_id  TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	name      TEXT COLLATE "C" NOT NULL,
	email     TEXT NOT NULL,
	role      TEXT NOT NULL,
	action    TEXT NOT NULL, -- WARN, DEACTIVATE, DELETE, KEEP
	reason    TEXT NOT NULL,
	error     TEXT, -- why it was not done
	moved     BIGINT NOT NULL, -- assets given to the new owner
	idle_days BIGINT NOT NULL,
	at_us     BIGINT NOT NULL,
	PRIMARY KEY (account, prune_id, namespace, name)
);

-- +goose Down
DROP TABLE prune_steps;
DROP TABLE prunes;
DROP INDEX users_admins;
ALTER TABLE users DROP COLUMN warned_us;
ALTER TABLE users DROP COLUMN last_used_us;
ALTER TABLE users DROP COLUMN reactivated_us;
ALTER TABLE users DROP COLUMN deactivated_us;

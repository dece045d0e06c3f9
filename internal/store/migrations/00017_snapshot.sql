-- +goose Up

-- Copies of an account, row by row: taken by the server, or sent by who imports.
CREATE TABLE snapshots (
	account    TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL,
	source     TEXT NOT NULL, -- ACCOUNT or UPLOAD
	complete   BOOLEAN NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, id)
);

CREATE TABLE snapshot_rows (
	account TEXT COLLATE "C" NOT NULL,
	id      TEXT COLLATE "C" NOT NULL,
	kind    TEXT COLLATE "C" NOT NULL,
	key     TEXT COLLATE "C" NOT NULL,
	doc     TEXT NOT NULL, -- JSON
	PRIMARY KEY (account, id, kind, key)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE snapshot_rows;
DROP TABLE snapshots;

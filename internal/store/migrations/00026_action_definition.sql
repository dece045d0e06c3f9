-- +goose Up

-- Definitions of connectors that have one of their own: a document that somebody
-- has given, or the tools that a server has told.
CREATE TABLE connector_definitions (
	arn        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	kind       TEXT NOT NULL, -- OPENAPI or MCP
	chosen     BOOLEAN NOT NULL, -- somebody wanted it so; otherwise it is the type's way
	base       TEXT NOT NULL, -- the base endpoint whose tools they are
	document   TEXT NOT NULL, -- empty before a server was asked
	hash       TEXT NOT NULL, -- of the document; empty with it
	principal  TEXT COLLATE "C" NOT NULL, -- as whom the server was asked, where people sign in
	message    TEXT NOT NULL, -- why the server could not be asked the last time
	updated_us BIGINT NOT NULL, -- when the document became another
	checked_us BIGINT NOT NULL -- when the server was asked
);
CREATE INDEX connector_definitions_account ON connector_definitions (account);
CREATE INDEX connector_definitions_checked ON connector_definitions (kind, checked_us);
CREATE INDEX connector_definitions_principal ON connector_definitions (principal);

-- +goose Down
DROP TABLE connector_definitions;

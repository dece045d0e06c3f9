-- +goose Up

-- What an account has set, one document for each kind of setting. A setting of
-- the account as a whole has no namespace, one that counts everywhere no region.
-- version grows with each change, and begins with the time of the first: a row
-- that was deleted and made again never has an earlier one.
CREATE TABLE account_documents (
	account   TEXT COLLATE "C" NOT NULL,
	kind      TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	region    TEXT COLLATE "C" NOT NULL,
	version   BIGINT NOT NULL,
	doc       TEXT NOT NULL, -- JSON
	PRIMARY KEY (account, kind, namespace, region)
) WITHOUT ROWID;

-- Why a namespace could not be made: a NamespaceErrorType and a sentence.
ALTER TABLE namespaces ADD COLUMN error_type TEXT;
ALTER TABLE namespaces ADD COLUMN error_message TEXT;

-- +goose Down
ALTER TABLE namespaces DROP COLUMN error_message;
ALTER TABLE namespaces DROP COLUMN error_type;
DROP TABLE account_documents;

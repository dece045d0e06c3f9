-- +goose Up

-- Tags of whatever has an ARN. The account is the ARN's: an account that goes
-- takes one range of rows with it.
CREATE TABLE tags (
	account TEXT COLLATE "C" NOT NULL,
	arn     TEXT COLLATE "C" NOT NULL,
	key     TEXT COLLATE "C" NOT NULL,
	value   TEXT NOT NULL,
	PRIMARY KEY (account, arn, key)
);

-- +goose Down
DROP TABLE tags;

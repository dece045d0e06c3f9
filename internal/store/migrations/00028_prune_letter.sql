-- +goose Up

-- What became of the letter to a user who was warned: WAITING, SENT, FAILED, or
-- SKIPPED where the user was seen meanwhile. Null where none was to be sent.
ALTER TABLE prune_steps ADD COLUMN letter TEXT;

-- +goose Down
ALTER TABLE prune_steps DROP COLUMN letter;

package iam

import "onsight/internal/store"

// A leftover is what an entity must not have when it is deleted, and what the
// caller must do about it.
type leftover struct{ count, must string }

var (
	leftoverAttachments = leftover{`SELECT COUNT(*) FROM iam_attachments WHERE owner = $1`, "detach all policies"}
	leftoverInline      = leftover{`SELECT COUNT(*) FROM iam_inline_policies WHERE owner = $1`, "delete policies"}
)

// mustHaveNone answers DeleteConflict for the first leftover of an entity.
func mustHaveNone(tx *store.Tx, id string, leftovers ...leftover) error {
	for _, l := range leftovers {
		n, err := store.One[int64](tx, l.count, id)
		if err != nil {
			return err
		}
		if n > 0 {
			return deleteConflict("Cannot delete entity, must %s first.", l.must)
		}
	}
	return nil
}

// removed follows the deletion of an entity.
func (s *Service) removed(tx *store.Tx, account, id string, what counted) error {
	if err := dropTags(tx, id); err != nil {
		return err
	}
	if err := s.changed(tx, account); err != nil {
		return err
	}
	return s.gone(tx, account, what)
}

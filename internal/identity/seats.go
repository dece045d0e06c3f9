package identity

import (
	"time"

	"onsight/internal/store"
)

// Seats are how many users of a role a namespace has. Each counts as one of
// deactivated, invited, idle and active.
type Seats struct {
	Namespace   string `db:"namespace"`
	Role        string `db:"role"`
	Active      int64  `db:"active_seats"`
	Idle        int64  `db:"idle"`
	Invited     int64  `db:"invited"`
	Deactivated int64  `db:"deactivated"`
	NeverSeen   int64  `db:"never_seen"` // of those that are idle or active
}

// Seats counts the users of an account, or of one of its namespaces, by
// namespace and role. Who was not seen since the time given is idle.
func (s *Service) Seats(tx *store.Tx, account, namespace string, since time.Time) ([]Seats, error) {
	return store.All[Seats](tx, `SELECT namespace, role,
		COALESCE(SUM(CASE WHEN active AND deactivated_us IS NULL AND seen_us > $3 THEN 1 ELSE 0 END), 0) AS active_seats,
		COALESCE(SUM(CASE WHEN active AND deactivated_us IS NULL AND seen_us <= $3 THEN 1 ELSE 0 END), 0) AS idle,
		COALESCE(SUM(CASE WHEN NOT active AND deactivated_us IS NULL AND left_us IS NULL THEN 1 ELSE 0 END), 0) AS invited,
		COALESCE(SUM(CASE WHEN deactivated_us IS NOT NULL OR left_us IS NOT NULL THEN 1 ELSE 0 END), 0) AS deactivated,
		COALESCE(SUM(CASE WHEN active AND deactivated_us IS NULL AND last_sign_in_us IS NULL AND last_used_us IS NULL THEN 1 ELSE 0 END), 0) AS never_seen
		FROM (SELECT namespace, role, active, deactivated_us, left_us, last_sign_in_us, last_used_us,
			CASE WHEN COALESCE(last_used_us, 0) > COALESCE(last_sign_in_us, 0) AND COALESCE(last_used_us, 0) > COALESCE(reactivated_us, 0) AND COALESCE(last_used_us, 0) > created_us THEN last_used_us
				WHEN COALESCE(last_sign_in_us, 0) > COALESCE(reactivated_us, 0) AND COALESCE(last_sign_in_us, 0) > created_us THEN last_sign_in_us
				WHEN COALESCE(reactivated_us, 0) > created_us THEN reactivated_us
				ELSE created_us END AS seen_us
			FROM users WHERE account = $1 AND ($2 = '' OR namespace = $2)) AS people
		GROUP BY namespace, role ORDER BY namespace, role`, account, namespace, store.Micros(since))
}

package account

// namespace is a row of the table namespaces.
type namespace struct {
	Account       string `db:"account"`
	Name          string `db:"name"`
	Region        string `db:"region"`
	Status        string `db:"status"`
	IdentityStore string `db:"identity_store"`
	DirectoryID   string `db:"directory_id"`
	CreatedUS     int64  `db:"created_us"`
}

package identity

import (
	"strings"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// No list, check or cascade walks over all groups, members or assignments: each
// is a search in an index, and what is listed comes in the order of the index.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	for name, tt := range map[string]struct {
		query string
		want  string
		args  int
	}{
		"ListGroups":           {groupsByName, "SEARCH user_groups USING PRIMARY KEY (account=? AND namespace=? AND name>?)", 4},
		"SearchGroups":         {groupsByPrefix, "SEARCH user_groups USING INDEX user_groups_search (account=? AND namespace=? AND (name_key,name)>(?,?) AND name_key<?)", 6},
		"membership":           {membership, "SEARCH group_members USING PRIMARY KEY (account=? AND namespace=? AND group_name=? AND user_name=?)", 4},
		"ListGroupMemberships": {membersByName, "SEARCH group_members USING PRIMARY KEY (account=? AND namespace=? AND group_name=? AND user_name>?)", 5},
		"ListUserGroups":       {groupsOfUser, "SEARCH group_members USING COVERING INDEX group_members_user (account=? AND namespace=? AND user_name=? AND group_name>?)", 5},
		"ListRoleMemberships":  {groupsOfRole, "SEARCH role_memberships USING", 5},
		"role of a group":      {rolesOfGroups(1), "SEARCH role_memberships USING", 3},
		"assignments":          {assignmentsByName, "SEARCH iam_policy_assignments USING PRIMARY KEY (account=? AND namespace=? AND name>?)", 4},
		"… of a status":        {assignmentsByStatus, "SEARCH iam_policy_assignments USING INDEX iam_policy_assignments_status (account=? AND namespace=? AND (status,name)>(?,?) AND status<?)", 5},
		"… of a user":          {assignmentsOfUser, "SEARCH iam_policy_assignees USING COVERING INDEX iam_policy_assignees_holder", 5},
		"… of a group":         {assignmentsOfUser, "SEARCH a USING COVERING INDEX iam_policy_assignees_holder", 5},
		"identities":           {assignees, "SEARCH iam_policy_assignees USING PRIMARY KEY (account=? AND assignment=?)", 2},
		"profiles of a caller": {boundByPrincipal, "SEARCH users USING COVERING INDEX users_account_principal (account=? AND principal_id=?)", 3},
		"administrators":       {administratorKeys, "SEARCH users USING COVERING INDEX users_admins (account=? AND role=?)", 1},
		"user by e-mail":       {nameByEmail, "SEARCH users USING COVERING INDEX users_email (email=? AND account=? AND namespace=?)", 3},
		"user by principal id": {nameByPrincipal, "SEARCH users USING COVERING INDEX users_principal (account=? AND namespace=? AND principal_id=?)", 3},
		"profile of a user":    {boundByName, "SEARCH u USING PRIMARY KEY (account=? AND namespace=? AND name=?)", 3},
		"a user leaves groups": {`DELETE FROM group_members WHERE account = $1 AND namespace = $2 AND user_name = $3`, "SEARCH group_members USING", 3},
		"a user leaves assignments": {
			`DELETE FROM iam_policy_assignees WHERE account = $1 AND namespace = $2 AND kind = 'user' AND name = $3`,
			"SEARCH iam_policy_assignees USING", 3,
		},
	} {
		args := make([]any, tt.args)
		for i := range args {
			args[i] = "x"
		}
		var plan []string
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			steps, err := store.All[struct {
				ID      int64  `db:"id"`
				Parent  int64  `db:"parent"`
				NotUsed int64  `db:"notused"`
				Detail  string `db:"detail"`
			}](tx, "EXPLAIN QUERY PLAN "+tt.query, args...)
			for _, s := range steps {
				plan = append(plan, s.Detail)
			}
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := strings.Join(plan, "\n")
		// m is the page of memberships that ListUserGroups joins with their groups.
		// A temporary tree may order what one assignment or one user has, not a list.
		sorts := strings.Contains(all, "TEMP B-TREE FOR ORDER BY") && tt.query != assignees && tt.query != assignmentsOfUser
		if !strings.Contains(all, tt.want) || strings.Contains(strings.ReplaceAll(all, "SCAN m\n", ""), "SCAN") || sorts {
			t.Errorf("%s: the plan is\n%s\nwant %s, no SCAN and no sorting", name, all, tt.want)
		}
	}
}

package wire

import "testing"

// Every status that is written down is one of an operation that exists.
func TestSuccessStatusesAreOfOperations(t *testing.T) {
	t.Parallel()
	for name, status := range successStatus {
		if Lookup(name) == nil {
			t.Errorf("there is no operation %s", name)
		}
		if status < 200 || status > 299 {
			t.Errorf("%s: %d is no success", name, status)
		}
	}
}

func TestSuccess(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"RegisterUser": 201, "CreateGroup": 201, "CreateGroupMembership": 200, "CreateNamespace": 202, "DeleteAccountSubscription": 202,
		"CreateAccountSubscription": 200, "DescribeAccountSubscription": 200, "UpdateAccountSettings": 200, "TagResource": 202, "UntagResource": 204,
		"ListTagsForResource": 200, "CreateActionConnector": 200, "UpdateActionConnector": 200, "DeleteActionConnector": 200,
		"SearchActionConnectors": 200, "UpdateActionConnectorPermissions": 200, "DeleteUser": 200, "CreateKnowledgeBase": 202, "DeleteSpace": 204,
		"BatchDeleteKnowledgeBase": 202, "CreateDashboard": 202,
	} {
		if got := Lookup(name).Success(); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

package connector

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definitions"
	"onsight/internal/qs"
)

// What connectors of a type offer is what its definition can perform, with the
// ways to authenticate that the type takes.
func TestActionsAreDefined(t *testing.T) {
	t.Parallel()
	for _, name := range definitions.Types() {
		d, _ := definitions.Of(name)
		typ := qs.ActionConnectorType(name)
		if diff := cmp.Diff(actionsOf(typ), d.Actions); diff != "" {
			t.Errorf("%s: actions:\n%s", name, diff)
		}
		for _, how := range sorts[typ].auth {
			if _, ok := d.Connector.Authentication[string(how)]; !ok {
				t.Errorf("%s: the definition does not know %s", name, how)
			}
		}
		if got, want := len(d.Connector.Authentication), len(sorts[typ].auth); got != want {
			t.Errorf("%s: the definition knows %d ways to authenticate, want %d", name, got, want)
		}
	}
}

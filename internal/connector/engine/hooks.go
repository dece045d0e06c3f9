package engine

import "context"

// A hook performs an action in more than one request, or changes what data
// cannot say how. It sends with Call.Send and Call.Run.
type hook func(ctx context.Context, c *Call) (*Result, error)

// hooks is closed: what data can say is no hook.
var hooks = map[string]hook{
	"http": plainHTTP,
}

// hookOf gives the hook of a name; nil where there is none.
func hookOf(name string) hook { return hooks[name] }

// HasHook tells whether there is a hook of a name.
func HasHook(name string) bool { return hookOf(name) != nil }

package policy

import "strings"

// A Context holds the condition keys of a request.
type Context interface {
	// Values gives the values of a key, and none when the request does not
	// carry it. The key comes in lower case ("aws:principaltag/team"), for
	// names of keys have no case. The result is not changed or kept.
	Values(key string) []string
}

// Keys are condition keys with their values, such as those of one call beside
// the global ones: quicksight:IamArn. A key that the call does not carry is
// left out. Names may be in any case; lower case is found fastest.
type Keys map[string][]string

// Values implements Context.
func (k Keys) Values(key string) []string {
	if v, ok := k[key]; ok {
		return v
	}
	for name, v := range k {
		if len(name) == len(key) && strings.EqualFold(name, key) {
			return v
		}
	}
	return nil
}

// Contexts asks one Context after the other; the first that knows a key
// answers. Nil ones are passed over.
type Contexts []Context

// Values implements Context.
func (c Contexts) Values(key string) []string {
	for _, x := range c {
		if x == nil {
			continue
		}
		if v := x.Values(key); len(v) > 0 {
			return v
		}
	}
	return nil
}

// Target is what a call acts on, as policies see it.
type Target struct {
	// Account is the account that the resource belongs to. Left empty, it is
	// the one in the path of the call.
	Account string
	// Resource is the ARN that the operation's action is tested against, or
	// "*" where the action knows no resource type.
	Resource string
	// Context holds the condition keys of the call.
	Context Keys
	// Action is what must be allowed in the place of the operation's own action;
	// empty is that. It is for operations that are a part of another one.
	Action string
}

package policy

import "strings"

// An Action is what a request does, such as quicksight:DescribeUser, made
// ready to be matched. Names of actions have no case. Make it once and use it
// for every request.
type Action struct {
	name, lower, service string
}

// NewAction makes an Action of a service's prefix and a name, with a colon
// between them.
func NewAction(name string) Action {
	a := Action{name: name, lower: strings.ToLower(name)}
	a.service, _, _ = strings.Cut(a.lower, ":")
	return a
}

// String gives the name as it was written.
func (a Action) String() string { return a.name }

// An actionPattern is a member of Action or NotAction.
type actionPattern struct {
	text    string
	service string  // in lower case; empty for *
	exact   string  // the whole name in lower case, where it has no wildcard
	glob    pattern // of the whole name in lower case, otherwise
}

func newActionPattern(text string) actionPattern {
	p := actionPattern{text: text}
	lower := strings.ToLower(text)
	if strings.Trim(text, "*") == "" {
		p.glob = pattern{form: anything}
		return p
	}
	p.service, _, _ = strings.Cut(lower, ":")
	p.glob = foldCase(text)
	if p.glob.form == exactly {
		p.exact = lower
	}
	return p
}

func (p *actionPattern) match(a *Action) bool {
	if p.exact != "" {
		return p.exact == a.lower
	}
	ok, _ := p.glob.match(a.lower, nil)
	return ok
}

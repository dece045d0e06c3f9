package sts

import (
	"slices"
	"strings"
	"unicode/utf8"

	"onsight/internal/policy"
	"onsight/internal/stsapi"
)

// maxTags is how many tags a session may have, those that it inherits
// included.
const maxTags = 50

// sessionTags are the tags of a session to be.
type sessionTags struct {
	// asked are those of the request, and passing the keys among them that
	// pass on to further sessions.
	asked   []stsapi.Tag
	passing []string
	// all are the asked ones and the inherited ones.
	all map[string]string
	// transitive are the keys of all that pass on.
	transitive []string
}

// newSessionTags checks the tags of a request and adds those that the caller's
// session passes on. Keys have no case.
func newSessionTags(asked []stsapi.Tag, passing []string, caller *Session) (sessionTags, error) {
	t := sessionTags{asked: asked, passing: passing}
	seen := make(map[string]string, len(asked)) // by the key in lower case
	for _, tag := range asked {
		folded := strings.ToLower(tag.Key)
		if _, twice := seen[folded]; twice {
			return t, invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(folded, "aws:") {
			return t, invalidParameter("The tag key %s is reserved: tag keys cannot start with aws:.", tag.Key)
		}
		seen[folded] = tag.Key
	}
	t.all = make(map[string]string, len(asked))
	if caller != nil {
		for _, key := range caller.Transitive {
			if _, twice := seen[strings.ToLower(key)]; twice {
				return t, invalidParameter("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
			}
			t.all[key] = caller.Principal.Tags[key]
			t.transitive = append(t.transitive, key)
		}
	}
	for _, key := range passing {
		written, ok := seen[strings.ToLower(key)]
		if !ok {
			return t, invalidParameter("The specified transitive tag key must be included in the requested tags.")
		}
		if !slices.Contains(t.transitive, written) {
			t.transitive = append(t.transitive, written)
		}
	}
	for _, tag := range asked {
		t.all[tag.Key] = tag.Value
	}
	if len(t.all) > maxTags {
		return t, invalidParameter("A session has at most %d tags, those that it inherits included; this one would have %d.", maxTags, len(t.all))
	}
	return t, nil
}

// keys are the condition keys of the tags that a request asks for.
func (t *sessionTags) keys() policy.Keys {
	keys := make(policy.Keys, len(t.asked)+2)
	for _, tag := range t.asked {
		keys["aws:requesttag/"+strings.ToLower(tag.Key)] = []string{tag.Value}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], tag.Key)
	}
	if len(t.passing) > 0 {
		keys["sts:transitivetagkeys"] = t.passing
	}
	return keys
}

// The limits of tags, as the model has them for those of a request.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// tagText says whether a text may be part of a tag.
func tagText(text string, from, to int) bool {
	n := utf8.RuneCountInString(text)
	return n >= from && n <= to && tagPattern.MatchString(text)
}

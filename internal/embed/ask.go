package embed

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

const (
	// mostDomains is how many domains a URL can be for (the API's documentation).
	mostDomains = 3
	// defaultLife is how long a session lasts where nothing is said, in minutes.
	defaultLife = 600
	// domainsKey is the condition key of the domains of a call.
	domainsKey = "quicksight:allowedembeddingdomains"
)

// onUser asks a policy about a user, by the domains that are asked for: in the
// form in which they would be allowed, so that none is let through for the way
// it is written.
func onUser(resource string, domains []string) policy.Target {
	t := policy.Target{Resource: cmp.Or(resource, "*")}
	var told []string
	for _, text := range domains {
		if d, err := ParseDomain(text, true); err == nil {
			text = string(d)
		}
		told = append(told, text)
	}
	if told != nil {
		t.Context = policy.Keys{domainsKey: told}
	}
	return t
}

func noUser(what string) error {
	return fault.New("QuickSightUserNotFoundException", "%s", what)
}

// userOf reads the ARN of a user of an account.
func userOf(text, account, region string) (namespace, name string, err error) {
	a, err := arn.Parse(text)
	namespace, name, ok := a.User()
	if err != nil || !a.IsQuickSight() || !ok || namespace == "" || name == "" {
		return "", "", fault.Invalid("UserArn %s isn't the ARN of a user.", text)
	}
	if a.Account != account || a.Region != region {
		return "", "", noUser("User " + text + " is not found in account " + account + ".")
	}
	return namespace, name, nil
}

// url makes the URL for a user of an account.
func (s *Service) url(tx *store.Tx, a asked) (*qs.Secret, error) {
	u, err := s.People.User(tx, a.account, a.namespace, a.user)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, noUser("User " + a.user + " is not found in namespace " + a.namespace + " of account " + a.account + ".")
	case err != nil:
		return nil, err
	case u.Deactivated:
		return nil, fault.Denied("User %s is deactivated. AWS account ID: %s, Namespace: %s.", u.Name, a.account, a.namespace)
	}
	url, err := s.add(tx, a)
	return new(qs.Secret(url)), err
}

// domains reads the domains of a call; nil where it names none.
func (s *Service) domains(texts []string) ([]Domain, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	if len(texts) > mostDomains {
		return nil, fault.Invalid("AllowedDomains may list at most %d domains; these are %d.", mostDomains, len(texts))
	}
	var all []Domain
	for _, text := range texts {
		d, err := ParseDomain(text, s.Localhost)
		if err != nil {
			return nil, fault.Invalid("AllowedDomains: %s %s.", text, err)
		}
		if !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all, nil
}

// startPath are the paths of the console that there are.
var startPath = regexp.MustCompile(`^/start(/(favorites|dashboards|analyses))?$`)

// laterPath are those to what there is none of yet.
var laterPath = regexp.MustCompile(`^/(dashboards|analyses)/[\w-]+(/views/[\w-]+)?$`)

// entryPath reads where in the console someone is to begin.
func entryPath(member string, path *string) (string, error) {
	switch {
	case path == nil:
		return "/start", nil
	case startPath.MatchString(*path):
		return *path, nil
	case laterPath.MatchString(*path):
		return "", fault.Invalid("%s %s can't be shown: this version of Onsight has no dashboards and no analyses. /start can.", member, *path)
	}
	return "", fault.Invalid("%s %s isn't one of /start, /start/favorites, /start/dashboards and /start/analyses.", member, *path)
}

// experience reads what is to be embedded: one thing, and the console as yet.
func experience(e *qs.RegisteredUserEmbeddingExperienceConfiguration) (path string, features any, err error) {
	if e == nil {
		return "", nil, fault.Invalid("ExperienceConfiguration is required.")
	}
	var given []string
	for name, is := range map[string]bool{
		"Dashboard": e.Dashboard != nil, "DashboardVisual": e.DashboardVisual != nil, "GenerativeQnA": e.GenerativeQnA != nil,
		"QSearchBar": e.QSearchBar != nil, "QuickChat": e.QuickChat != nil, "QuickSightConsole": e.QuickSightConsole != nil,
	} {
		if is {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	if len(given) != 1 {
		return "", nil, fault.Invalid("ExperienceConfiguration must have exactly one experience; this one has %d.", len(given))
	}
	if e.QuickSightConsole == nil {
		return "", nil, fault.Invalid("ExperienceConfiguration.%s can't be embedded: this version of Onsight has nothing to show there. QuickSightConsole can be.", given[0])
	}
	path, err = entryPath("InitialPath", e.QuickSightConsole.InitialPath)
	return path, e.QuickSightConsole.FeatureConfigurations, err
}

func life(minutes *int64) time.Duration {
	if minutes == nil {
		return defaultLife * time.Minute
	}
	return time.Duration(*minutes) * time.Minute
}

// forRegistered makes the URL of a user for what both operations ask for.
func (s *Service) forRegistered(ctx context.Context, account, userARN string, texts []string, e *qs.RegisteredUserEmbeddingExperienceConfiguration, minutes *int64) (*qs.Secret, error) {
	domains, err := s.domains(texts)
	if err != nil {
		return nil, err
	}
	path, features, err := experience(e)
	if err != nil {
		return nil, err
	}
	var out *qs.Secret
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.Accounts.Enterprise(tx, account); err != nil {
			return err
		}
		region, err := s.Accounts.IdentityRegion(tx, account)
		if err != nil {
			return err
		}
		namespace, name, err := userOf(userARN, account, region)
		if err != nil {
			return err
		}
		out, err = s.url(tx, asked{account: account, namespace: namespace, user: name, domains: domains, path: path, features: features, life: life(minutes)})
		return err
	})
	if err == nil {
		api.Note(ctx, "user", userARN)
	}
	return out, err
}

package connector

import (
	"context"
	"path"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) searching(ctx context.Context, in *qs.SearchActionConnectorsRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, "*")
}

// searchActionConnectors lists the connectors that a filter takes, by id;
// without a filter all of them.
func (s *Service) searchActionConnectors(ctx context.Context, in *qs.SearchActionConnectorsRequest) (*qs.SearchActionConnectorsResponse, error) {
	scope := []string{"SearchActionConnectors", in.AwsAccountId, api.Region(ctx)}
	filter := all
	if len(in.Filters) > 0 {
		f := in.Filters[0]
		scope = append(scope, string(f.Name), string(f.Operator), f.Value)
		var err error
		if filter, err = s.filter(in.AwsAccountId, f); err != nil {
			return nil, err
		}
	}
	out := &qs.SearchActionConnectorsResponse{}
	var err error
	out.ActionConnectorSummaries, out.NextToken, err = s.page(ctx, page.Scope(scope...), in.AwsAccountId, in.MaxResults, in.NextToken, filter)
	return out, err
}

// maxPattern is how long the value of a StringLike filter may be. Names have at
// most 255 characters.
const maxPattern = 512

// filter says what a filter of the API means. StringLike compares without
// regard to case and knows * and ?; a value with neither is looked for
// anywhere in the text.
func (s *Service) filter(account string, f qs.ActionConnectorSearchFilter) (func(*store.Tx) (resource.Filter, error), error) {
	exact := f.Operator == qs.FilterOperatorStringEquals
	if !exact && len(f.Value) > maxPattern {
		return nil, fault.Invalid("The value of a StringLike filter has at most %d bytes.", maxPattern)
	}
	switch f.Name {
	case qs.ActionConnectorSearchFilterNameEnumActionConnectorName:
		if exact {
			return just(resource.Named(f.Value)), nil
		}
		return just(resource.NameLike(f.Value)), nil
	case qs.ActionConnectorSearchFilterNameEnumActionConnectorType:
		if !exact {
			return just(resource.OfType(typesLike(f.Value)...)), nil
		}
		if _, ok := sorts[qs.ActionConnectorType(f.Value)]; !ok {
			return nil, fault.Invalid("%s isn't a type of action connector.", f.Value)
		}
		return just(resource.OfType(f.Value)), nil
	default:
		return s.holder(account, f, exact)
	}
}

// holder says what a filter by owner or viewer means.
func (s *Service) holder(account string, f qs.ActionConnectorSearchFilter, exact bool) (func(*store.Tx) (resource.Filter, error), error) {
	hold, direct, ok := holdOf(f.Name)
	if !ok {
		return nil, fault.Invalid("Filter %s isn't supported.", f.Name)
	}
	if !exact {
		return nil, fault.Invalid("Filter %s takes the operator StringEquals only.", f.Name)
	}
	who, err := arn.Parse(f.Value)
	if err != nil {
		return nil, fault.Invalid("The value of filter %s isn't valid: %v.", f.Name, err)
	}
	kind, rest := who.Split()
	if !who.IsQuickSight() || who.Account != account || rest == "" || !slices.Contains(connectors.Sharing.Principals, kind) {
		return nil, fault.Invalid("The value of filter %s must be the ARN of a user or group of account %s.", f.Name, account)
	}
	return func(tx *store.Tx) (resource.Filter, error) {
		principals := []string{f.Value}
		if !direct && kind == "user" && s.groups != nil {
			groups, err := s.groups.Of(tx, who)
			if err != nil {
				return resource.Filter{}, err
			}
			principals = append(principals, groups...)
		}
		held := resource.HeldBy(hold, principals...)
		if !direct {
			held = resource.Either(held, s.folders.Reached(hold, principals...))
		}
		return held, nil
	}, nil
}

func just(f resource.Filter) func(*store.Tx) (resource.Filter, error) {
	return func(*store.Tx) (resource.Filter, error) { return f, nil }
}

// holdOf says which hold a filter asks for, and whether memberships in groups
// and folders are left aside.
func holdOf(name qs.ActionConnectorSearchFilterNameEnum) (hold resource.Hold, direct, ok bool) {
	switch name {
	case qs.ActionConnectorSearchFilterNameEnumQuicksightOwner:
		return resource.Owner, false, true
	case qs.ActionConnectorSearchFilterNameEnumQuicksightViewerOrOwner:
		return resource.ViewerOrOwner, false, true
	case qs.ActionConnectorSearchFilterNameEnumDirectQuicksightSoleOwner:
		return resource.SoleOwner, true, true
	case qs.ActionConnectorSearchFilterNameEnumDirectQuicksightOwner:
		return resource.Owner, true, true
	case qs.ActionConnectorSearchFilterNameEnumDirectQuicksightViewerOrOwner:
		return resource.ViewerOrOwner, true, true
	default:
		return 0, false, false
	}
}

// typesLike are the types that a pattern matches.
func typesLike(pattern string) []string {
	// Types have no characters but A–Z, 0–9 and _, so what else path.Match knows is no use.
	p := strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(strings.ToUpper(pattern))
	if !strings.ContainsAny(pattern, "*?") {
		p = "*" + p + "*"
	}
	var types []string
	for t := range sorts {
		if ok, err := path.Match(p, string(t)); err == nil && ok {
			types = append(types, string(t))
		}
	}
	slices.Sort(types)
	return types
}

package folder

import (
	"cmp"
	"context"
	"slices"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) searching(ctx context.Context, in *qs.SearchFoldersRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, "*")
}

// searchFolders lists the folders that all of the filters take, by id; without
// a filter all of them.
func (s *Service) searchFolders(ctx context.Context, in *qs.SearchFoldersRequest) (*qs.SearchFoldersResponse, error) {
	scope := []string{"SearchFolders", in.AwsAccountId, api.Region(ctx)}
	var filters []func(*store.Tx) (resource.Filter, error)
	for _, f := range in.Filters {
		if f.Name == nil || f.Operator == nil || f.Value == nil {
			return nil, fault.Invalid("A filter needs Name, Operator and Value.")
		}
		scope = append(scope, string(*f.Name), string(*f.Operator), *f.Value)
		filter, err := s.filter(in.AwsAccountId, *f.Name, *f.Operator == qs.FilterOperatorStringEquals, *f.Value)
		if err != nil {
			return nil, err
		}
		filters = append(filters, filter)
	}
	out := &qs.SearchFoldersResponse{}
	var err error
	out.FolderSummaryList, out.NextToken, err = s.page(ctx, page.Scope(scope...), in.AwsAccountId, in.MaxResults, in.NextToken,
		func(tx *store.Tx) (resource.Filter, error) {
			all := make([]resource.Filter, len(filters))
			for i, f := range filters {
				if all[i], err = f(tx); err != nil {
					return resource.Filter{}, err
				}
			}
			return resource.Every(all...), nil
		})
	return out, err
}

// maxPattern is how long the value of a StringLike filter may be. Names have at
// most 200 characters.
const maxPattern = 512

// filter says what a filter of the API means. StringLike compares without
// regard to case and knows * and ?; a value with neither is looked for anywhere
// in the name.
func (s *Service) filter(account string, name qs.FolderFilterAttribute, exact bool, value string) (func(*store.Tx) (resource.Filter, error), error) {
	if name == qs.FolderFilterAttributeFolderName {
		switch {
		case exact:
			return just(resource.Named(value)), nil
		case len(value) > maxPattern:
			return nil, fault.Invalid("The value of a StringLike filter has at most %d bytes.", maxPattern)
		}
		return just(resource.NameLike(value)), nil
	}
	if !exact {
		return nil, fault.Invalid("Filter %s takes the operator StringEquals only.", name)
	}
	if name == qs.FolderFilterAttributeParentFolderARN {
		return just(childrenOf(value)), nil
	}
	hold, direct := holdOf(name)
	who, err := arn.Parse(value)
	if err != nil {
		return nil, fault.Invalid("The value of filter %s isn't valid: %v.", name, err)
	}
	kind, rest := who.Split()
	if !who.IsQuickSight() || who.Account != account || rest == "" || !slices.Contains(folders.Sharing.Principals, kind) {
		return nil, fault.Invalid("The value of filter %s must be the ARN of a user or group of account %s.", name, account)
	}
	if direct {
		return just(resource.HeldBy(hold, value)), nil
	}
	return func(tx *store.Tx) (resource.Filter, error) {
		principals := []string{value}
		if kind == "user" {
			groups, err := s.groups.Of(tx, who)
			if err != nil {
				return resource.Filter{}, err
			}
			principals = append(principals, groups...)
		}
		return s.Reached(hold, principals...), nil
	}, nil
}

func just(f resource.Filter) func(*store.Tx) (resource.Filter, error) {
	return func(*store.Tx) (resource.Filter, error) { return f, nil }
}

// childrenOf takes the folders in a folder, those of the top level where the
// ARN is empty.
func childrenOf(parentARN string) resource.Filter {
	return resource.Among(func(arg func(any) string, in resource.Range) string { return children(arg, in, parentARN) })
}

// children is a query for the folders in a folder.
func children(arg func(any) string, in resource.Range, parentARN string) string {
	return `SELECT arn AS found FROM folder_tree WHERE parent = ` + arg(cmp.Or(parentARN, in.Prefix)) + ` AND arn > ` + arg(in.After) +
		` AND arn < ` + arg(in.Until)
}

// holdOf says which hold a filter asks for, and whether groups and folders
// above are left aside.
func holdOf(name qs.FolderFilterAttribute) (hold resource.Hold, direct bool) {
	switch name {
	case qs.FolderFilterAttributeQuicksightOwner:
		return resource.Owner, false
	case qs.FolderFilterAttributeDirectQuicksightSoleOwner:
		return resource.SoleOwner, true
	case qs.FolderFilterAttributeDirectQuicksightOwner:
		return resource.Owner, true
	case qs.FolderFilterAttributeDirectQuicksightViewerOrOwner:
		return resource.ViewerOrOwner, true
	default: // QUICKSIGHT_VIEWER_OR_OWNER: the contract has no other one
		return resource.ViewerOrOwner, false
	}
}

package tagging

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// Tags behave like one map for each resource, with at most 50 entries.
func TestTagsAgainstModel(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	var keys []string
	for i := range 60 {
		keys = append(keys, fmt.Sprintf("k%d", i))
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(db)
		s.Register("thing", func(*store.Tx, arn.ARN) (bool, error) { return true, nil })
		ctx := api.As(t.Context(), api.Identity{Principal: api.Principal{Account: account}})
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			names := []string{}
			for _, n := range []string{"a", "b", "a/b"} {
				names = append(names, arn.QuickSight("us-east-1", account, fmt.Sprintf("thing/%d/%s", run, n)))
			}
			model := map[string]map[string]string{}
			for range rapid.IntRange(1, 8).Draw(rt, "calls") {
				name := rapid.SampledFrom(names).Draw(rt, "resource")
				chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, 40, rapid.ID).Draw(rt, "keys")
				if rapid.Bool().Draw(rt, "untag") {
					if _, err := s.untagResource(ctx, &qs.UntagResourceRequest{ResourceArn: name, TagKeys: chosen}); err != nil {
						rt.Fatal(err)
					}
					for _, k := range chosen {
						delete(model[name], k)
					}
				} else {
					in := &qs.TagResourceRequest{ResourceArn: name}
					next := maps.Clone(model[name])
					if next == nil {
						next = map[string]string{}
					}
					for _, k := range chosen {
						v := rapid.StringMatching(`[a-z]{1,3}`).Draw(rt, "value")
						in.Tags = append(in.Tags, qs.Tag{Key: k, Value: v})
						next[k] = v
					}
					_, err := s.tagResource(ctx, in)
					if full := len(next) > maxTags; full != (err != nil) || full && fault.Of(err).Code != "LimitExceededException" {
						rt.Fatalf("%d tags: %v", len(next), err)
					}
					if err == nil {
						model[name] = next
					}
				}
				for _, n := range names {
					out, err := s.listTagsForResource(ctx, &qs.ListTagsForResourceRequest{ResourceArn: n})
					if err != nil {
						rt.Fatal(err)
					}
					want := []qs.Tag{}
					for _, k := range slices.Sorted(maps.Keys(model[n])) {
						want = append(want, qs.Tag{Key: k, Value: model[n][k]})
					}
					if diff := cmp.Diff(want, out.Tags); diff != "" {
						rt.Fatalf("%s, -want +got:\n%s", n, diff)
					}
				}
			}
		})
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(db)
		names := []string{}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			names = names[:0]
			for i := range 60 { // more tags than one transaction takes
				names = append(names, arn.QuickSight("us-east-1", "111122223333", fmt.Sprintf("thing/%d", i)))
			}
			names = append(names, arn.QuickSight("us-east-1", "444455556666", "thing/0"))
			for _, n := range names {
				tags := []qs.Tag{}
				for i := range maxTags {
					tags = append(tags, qs.Tag{Key: fmt.Sprint(i), Value: "v"})
				}
				if err := s.Put(tx, n, tags); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Purge(t.Context(), "111122223333"); err != nil {
			t.Fatal(err)
		}
		left := map[string]int{}
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			for _, n := range names {
				tags, err := s.Of(tx, n)
				if err != nil {
					return err
				}
				if len(tags) > 0 {
					left[n] = len(tags)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{names[60]: maxTags}, left); diff != "" {
			t.Errorf("tags left, -want +got:\n%s", diff)
		}
	})
}

// An ARN of another account is answered like one that is not there, whatever
// stands in front of this package.
func TestOtherAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(db)
		s.Register("thing", func(*store.Tx, arn.ARN) (bool, error) { return true, nil })
		ctx := api.As(t.Context(), api.Identity{Principal: api.Principal{Account: "111122223333"}})
		for _, name := range []string{"thing/there", "other/not-there"} {
			_, err := s.listTagsForResource(ctx, &qs.ListTagsForResourceRequest{ResourceArn: arn.QuickSight("us-east-1", "444455556666", name)})
			if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
				t.Errorf("%s: %v, want ResourceNotFoundException", name, err)
			}
		}
	})
}

func TestTargets(t *testing.T) {
	t.Parallel()
	s := New(nil)
	ctx := api.As(t.Context(), api.Identity{Principal: api.Principal{Account: "111122223333"}})
	for in, want := range map[string]string{
		"": "111122223333", "rubbish": "111122223333", "arn:aws:s3:::bucket": "111122223333",
		"arn:aws:quicksight:us-east-1:444455556666:user/default/ana": "444455556666",
	} {
		got := s.listing(ctx, &qs.ListTagsForResourceRequest{ResourceArn: in})
		if got.Account != want || got.Resource != in {
			t.Errorf("target of %q is %+v, want account %s", in, got, want)
		}
	}
	tagged := s.tagging(ctx, &qs.TagResourceRequest{Tags: []qs.Tag{{Key: "k", Value: "v"}}}).Context
	if diff := cmp.Diff(map[string][]string{"aws:TagKeys": {"k"}, "aws:RequestTag/k": {"v"}}, map[string][]string(tagged)); diff != "" {
		t.Errorf("context of TagResource, -want +got:\n%s", diff)
	}
	untagged := s.untagging(ctx, &qs.UntagResourceRequest{TagKeys: []string{"k", "l"}}).Context
	if diff := cmp.Diff(map[string][]string{"aws:TagKeys": {"k", "l"}}, map[string][]string(untagged)); diff != "" {
		t.Errorf("context of UntagResource, -want +got:\n%s", diff)
	}
}

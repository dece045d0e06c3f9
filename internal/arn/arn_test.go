package arn_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/arn"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in         string
		want       arn.ARN
		kind, rest string
	}{
		{
			"arn:aws:quicksight:us-east-1:111122223333:user/default/Admin/ana@example.org",
			arn.ARN{Partition: "aws", Service: "quicksight", Region: "us-east-1", Account: "111122223333", Resource: "user/default/Admin/ana@example.org"},
			"user", "default/Admin/ana@example.org",
		},
		{
			"arn:aws:iam::aws:policy/AdministratorAccess",
			arn.ARN{Partition: "aws", Service: "iam", Account: "aws", Resource: "policy/AdministratorAccess"},
			"policy", "AdministratorAccess",
		},
		{
			"arn:aws-cn:s3:::bucket",
			arn.ARN{Partition: "aws-cn", Service: "s3", Resource: "bucket"},
			"bucket", "",
		},
		{
			"arn:aws:iam::111122223333:role/a:b", // a colon of the resource stays in the resource
			arn.ARN{Partition: "aws", Service: "iam", Account: "111122223333", Resource: "role/a:b"},
			"role", "a:b",
		},
	} {
		got, err := arn.Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Parse(%q), -want +got:\n%s", tt.in, diff)
		}
		if kind, rest := got.Split(); kind != tt.kind || rest != tt.rest {
			t.Errorf("Split(%q) = %q, %q, want %q, %q", tt.in, kind, rest, tt.kind, tt.rest)
		}
		if got.String() != tt.in {
			t.Errorf("String() = %q, want %q", got, tt.in)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "arn", "arn:", "arn:aws:quicksight:us-east-1:111122223333", "arn:aws:quicksight:us-east-1:111122223333:",
		"ARN:aws:quicksight:us-east-1:111122223333:user/default/ana",
		"arn::quicksight:us-east-1:111122223333:user/default/ana",
		"arn:aws::us-east-1:111122223333:user/default/ana",
		"arn:aws:quicksight:us east:111122223333:user/default/ana",
		"arn:aws:quicksight:us-east-1:11112222333:user/default/ana",
		"arn:aws:quicksight:us-east-1:11112222333x:user/default/ana",
		"arn:aws:quicksight:us-east-1:١١١١٢٢٢٢٣٣٣٣:user/default/ana",
		"arn:aws:quicksight:us-east-1:111122223333:user/default/a\nna",
		"arn:aws:quicksight:us-east-1:111122223333:user/default/a\x00",
		"arn:aws:quicksight:us-east-1:111122223333:user/default/a\xff",
		"arn:aws:quicksight:us-east-1:111122223333:user/" + strings.Repeat("a", arn.MaxLength),
	} {
		if got, err := arn.Parse(in); err == nil {
			t.Errorf("Parse(%.60q) = %+v, want an error", in, got)
		}
	}
}

func TestQuickSight(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1":     "arn:aws:quicksight:us-east-1:111122223333:group/default/all",
		"cn-north-1":    "arn:aws-cn:quicksight:cn-north-1:111122223333:group/default/all",
		"us-gov-west-1": "arn:aws-us-gov:quicksight:us-gov-west-1:111122223333:group/default/all",
	} {
		got := arn.QuickSight(region, "111122223333", "group/default/all")
		if got != want {
			t.Errorf("QuickSight(%s) = %s, want %s", region, got, want)
		}
		if a, err := arn.Parse(got); err != nil || !a.IsQuickSight() {
			t.Errorf("Parse(%s) = %+v, %v; want an ARN of the service", got, a, err)
		}
	}
}

func TestIsRole(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/reader":                          true,
		"arn:aws:iam::111122223333:role/service-role/a/b+c=d,e.f@g-h_i":  true,
		"arn:aws-us-gov:iam::111122223333:role/reader":                   true,
		"arn:aws:iam::111122223333:user/reader":                          false,
		"arn:aws:iam::111122223333:role/":                                false,
		"arn:aws:iam::111122223333:role":                                 false,
		"arn:aws:iam::111122223333:role/a/":                              false,
		"arn:aws:iam::111122223333:role/a b":                             false,
		"arn:aws:iam::111122223333:role/päth/a":                          false,
		"arn:aws:iam::aws:role/reader":                                   false,
		"arn:aws:iam:us-east-1:111122223333:role/reader":                 false,
		"arn:aws:sts::111122223333:assumed-role/reader/ana":              false,
		"arn:moon:iam::111122223333:role/reader":                         false,
		"arn:aws:iam::111122223333:role/" + strings.Repeat("a", 65):      false,
		"arn:aws:iam::111122223333:role/path/" + strings.Repeat("a", 64): true,
	} {
		a, err := arn.Parse(in)
		if err != nil {
			t.Fatalf("Parse(%s): %v", in, err)
		}
		if got := a.IsRole(); got != want {
			t.Errorf("IsRole(%s) = %t, want %t", in, got, want)
		}
	}
}

// Whatever comes in, Parse either refuses it or gives back something that
// prints as it came and is read the same way again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"arn:aws:quicksight:us-east-1:111122223333:user/default/ana", "arn:aws:iam::aws:policy/p", "arn:aws:s3:::b",
		"arn:aws:iam::111122223333:role/a/b", "::::::", "arn:aws:quicksight:::\x80", "arn:aws:quicksight:us-east-1:111122223333:a:b/c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := arn.Parse(s)
		if err != nil {
			return
		}
		if a.String() != s {
			t.Fatalf("Parse(%q).String() = %q", s, a.String())
		}
		if b, err := arn.Parse(a.String()); err != nil || b != a {
			t.Fatalf("Parse(%q) = %+v, then %+v, %v", s, a, b, err)
		}
		kind, rest := a.Split()
		if a.Resource != kind && a.Resource != kind+"/"+rest {
			t.Fatalf("Split(%q) = %q, %q", s, kind, rest)
		}
		if a.IsRole() && a.IsQuickSight() {
			t.Fatalf("%q is both a role and a resource of the service", s)
		}
	})
}

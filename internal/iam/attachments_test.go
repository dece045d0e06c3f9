package iam_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

func TestAttachments(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		own := *do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "Own", Path: new("/team/"), PolicyDocument: listUser}).Policy.Arn
		count := func() int32 {
			t.Helper()
			return *do(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: own}).Policy.AttachmentCount
		}
		theirs := newPolicy(t, srv.As(t, "444455556666"), "theirs")
		for i, k := range kindsOfHolders {
			k.make(t, srv, "Ana")
			if list, _, err := k.current(t, srv, "Ana", nil, nil, nil); err != nil || list == nil || len(list) != 0 {
				t.Errorf("%s: nothing attached yet: %v, %v", k.name, list, err)
			}
			ok(t, k.attach(t, srv, "aNa", own))
			ok(t, k.attach(t, srv, "Ana", own)) // again changes nothing
			ok(t, k.attach(t, srv, "Ana", admin))
			if got := count(); got != int32(i+1) {
				t.Errorf("AttachmentCount = %d, want %d", got, i+1)
			}
			list, _, err := k.current(t, srv, "ana", nil, nil, nil)
			ok(t, err)
			want := []iamapi.AttachedPolicy{
				{PolicyArn: &own, PolicyName: new("Own")}, {PolicyArn: new(admin), PolicyName: new("AdministratorAccess")},
			}
			if diff := cmp.Diff(want, list); diff != "" {
				t.Errorf("%s (-want +got):\n%s", k.name, diff)
			}
			for prefix, want := range map[string]int{"/": 2, "/team/": 1, "/other/": 0} {
				list, _, err := k.current(t, srv, "Ana", &prefix, nil, nil)
				if err != nil || len(list) != want {
					t.Errorf("%s below %s: %d, %v, want %d", k.name, prefix, len(list), err, want)
				}
			}
			fails(t, k.remove(t, srv, "Ana"), "DeleteConflict", "Cannot delete entity, must detach all policies first.")

			nobody := fmt.Sprintf("The %s with name nobody cannot be found.", k.name)
			fails(t, k.attach(t, srv, "nobody", own), "NoSuchEntity", nobody)
			fails(t, k.detach(t, srv, "nobody", own), "NoSuchEntity", nobody)
			_, _, err = k.current(t, srv, "nobody", nil, nil, nil)
			fails(t, err, "NoSuchEntity", nobody)
			for _, none := range []string{
				"arn:aws:iam::111122223333:policy/none", "arn:aws:iam::aws:policy/Nothing", strings.ToUpper(own[:len(own)-3]) + "own",
				strings.Replace(own, "/Own", "/own", 1), strings.Replace(own, "/team/", "/", 1), strings.Replace(admin, "aws:iam", "aws-cn:iam", 1), theirs,
			} {
				if strings.HasPrefix(none, "ARN") {
					fails(t, k.attach(t, srv, "Ana", none), "ValidationError", "is not valid.")
					continue
				}
				fails(t, k.attach(t, srv, "Ana", none), "NoSuchEntity", "Policy "+none+" does not exist or is not attachable.")
				fails(t, k.detach(t, srv, "Ana", none), "NoSuchEntity", "Policy "+none+" was not found.")
			}
			fails(t, k.attach(t, srv, "Ana", "longpolicynamebutnoarn"), "ValidationError", "ARN longpolicynamebutnoarn is not valid.")
			fails(t, k.detach(t, srv, "Ana", "longpolicynamebutnoarn"), "ValidationError", "ARN longpolicynamebutnoarn is not valid.")
		}
		for i, k := range kindsOfHolders {
			ok(t, k.detach(t, srv, "Ana", own))
			fails(t, k.detach(t, srv, "Ana", own), "NoSuchEntity", "Policy "+own+" was not found.")
			if got, want := count(), int32(len(kindsOfHolders)-i-1); got != want {
				t.Errorf("AttachmentCount = %d, want %d", got, want)
			}
			ok(t, k.detach(t, srv, "Ana", admin))
			ok(t, k.remove(t, srv, "Ana"))
		}
	})
}

// TestAttachmentQuota lets ten managed policies be attached, and lists them in pages.
func TestAttachmentQuota(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		var arns []string
		for i := range 11 {
			arns = append(arns, newPolicy(t, srv, fmt.Sprintf("p%02d", i)))
		}
		for _, k := range kindsOfHolders {
			k.make(t, srv, "ana")
			for _, a := range arns[:10] {
				ok(t, k.attach(t, srv, "ana", a))
			}
			quota := "Cannot exceed quota for PoliciesPer" + strings.ToUpper(k.name[:1]) + k.name[1:] + ": 10"
			fails(t, k.attach(t, srv, "ana", arns[10]), "LimitExceeded", quota)
			ok(t, k.attach(t, srv, "ana", arns[0]))
			for _, size := range []int32{1, 3, 9, 10, 11} {
				var got []string
				var marker *string
				for {
					list, next, err := k.current(t, srv, "ana", new("/"), marker, &size)
					ok(t, err)
					for _, a := range list {
						got = append(got, *a.PolicyArn)
					}
					if marker = next; marker == nil {
						break
					}
				}
				if diff := cmp.Diff(arns[:10], got); diff != "" {
					t.Errorf("%s in pages of %d (-want +got):\n%s", k.name, size, diff)
				}
			}
			ok(t, k.detach(t, srv, "ana", arns[3]))
			ok(t, k.attach(t, srv, "ana", arns[10]))
		}
	})
}

func TestListEntitiesForPolicy(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		for _, k := range kindsOfHolders {
			for _, name := range []string{"ana", "Bea", "carl"} {
				k.make(t, srv, name)
			}
			ok(t, k.attach(t, srv, "ana", policyARN))
			ok(t, k.attach(t, srv, "Bea", policyARN))
		}
		newUser(t, srv, "dora")
		do(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "dora", NewPath: new("/x/")})
		for _, name := range []string{"ana", "dora"} {
			do(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: name, PermissionsBoundary: policyARN})
		}
		do(t, srv, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "carl", PermissionsBoundary: policyARN})

		p := do(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: policyARN}).Policy
		if *p.AttachmentCount != 6 || *p.PermissionsBoundaryUsageCount != 3 {
			t.Errorf("used by %d and %d, want 6 and 3", *p.AttachmentCount, *p.PermissionsBoundaryUsageCount)
		}
		list := func(in iamapi.ListEntitiesForPolicyRequest) (names []string) {
			t.Helper()
			in.PolicyArn = policyARN
			for {
				out := do(t, srv, iamapi.ListEntitiesForPolicy, in)
				if out.PolicyGroups == nil || out.PolicyRoles == nil || out.PolicyUsers == nil {
					t.Fatalf("lists are missing: %+v", out)
				}
				for _, g := range out.PolicyGroups {
					names = append(names, "group "+*g.GroupName+" "+(*g.GroupId)[:4])
				}
				for _, r := range out.PolicyRoles {
					names = append(names, "role "+*r.RoleName+" "+(*r.RoleId)[:4])
				}
				for _, u := range out.PolicyUsers {
					names = append(names, "user "+*u.UserName+" "+(*u.UserId)[:4])
				}
				if !*out.IsTruncated {
					return names
				}
				in.Marker = out.Marker
			}
		}
		groups := []string{"group ana AGPA", "group Bea AGPA"}
		boundedRole, boundedUser := "role carl AROA", "user dora AIDA"
		roles, users := []string{"role ana AROA", "role Bea AROA"}, []string{"user ana AIDA", "user Bea AIDA"}
		join := func(lists ...[]string) (all []string) {
			for _, l := range lists {
				all = append(all, l...)
			}
			return all
		}
		for _, tt := range []struct {
			name string
			in   iamapi.ListEntitiesForPolicyRequest
			want []string
		}{
			{"all", iamapi.ListEntitiesForPolicyRequest{}, join(groups, roles, []string{boundedRole}, users, []string{boundedUser})},
			{"users", iamapi.ListEntitiesForPolicyRequest{EntityFilter: new(iamapi.EntityTypeUser)}, join(users, []string{boundedUser})},
			{"groups", iamapi.ListEntitiesForPolicyRequest{EntityFilter: new(iamapi.EntityTypeGroup)}, groups},
			{"roles", iamapi.ListEntitiesForPolicyRequest{EntityFilter: new(iamapi.EntityTypeRole)}, join(roles, []string{boundedRole})},
			{"policies", iamapi.ListEntitiesForPolicyRequest{EntityFilter: new(iamapi.EntityTypeLocalManagedPolicy)}, nil},
			{"permissions", iamapi.ListEntitiesForPolicyRequest{PolicyUsageFilter: new(iamapi.PolicyUsageTypePermissionsPolicy)}, join(groups, roles, users)},
			{"boundaries", iamapi.ListEntitiesForPolicyRequest{PolicyUsageFilter: new(iamapi.PolicyUsageTypePermissionsBoundary)}, []string{boundedRole, "user ana AIDA", boundedUser}},
			{"path", iamapi.ListEntitiesForPolicyRequest{PathPrefix: new("/x/")}, []string{boundedUser}},
		} {
			for _, size := range []int32{0, 1, 2, 5} {
				if size > 0 {
					tt.in.MaxItems = &size
				}
				if diff := cmp.Diff(tt.want, list(tt.in)); diff != "" {
					t.Errorf("%s in pages of %d (-want +got):\n%s", tt.name, size, diff)
				}
			}
		}
		none := "arn:aws:iam::111122223333:policy/none"
		refused(t, srv, iamapi.ListEntitiesForPolicy, iamapi.ListEntitiesForPolicyRequest{PolicyArn: none}, "NoSuchEntity", "Policy "+none+" does not exist or is not attachable.")
	})
}

// TestAttachWhileDeleting has a policy attached and deleted at once: one of the
// two is refused, and no attachment is left of a policy that is gone.
func TestAttachWhileDeleting(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		for i := range 20 {
			policyARN := newPolicy(t, srv, fmt.Sprint("p", i))
			var attached, deleted error
			var both sync.WaitGroup
			both.Go(func() {
				_, attached = testkit.Call(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: policyARN})
			})
			both.Go(func() {
				_, deleted = testkit.Call(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: policyARN})
			})
			both.Wait()
			list := do(t, srv, iamapi.ListAttachedUserPolicies, iamapi.ListAttachedUserPoliciesRequest{UserName: "ana"}).AttachedPolicies
			if (attached == nil) == (deleted == nil) || (attached == nil) != (len(list) == 1) {
				t.Fatalf("attach: %v, delete: %v, attached are %v", attached, deleted, list)
			}
			if attached == nil {
				do(t, srv, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: "ana", PolicyArn: policyARN})
			}
		}
	})
}

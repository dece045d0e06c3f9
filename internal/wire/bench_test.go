package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/stsapi"
	"onsight/internal/wire"
	"onsight/model"
)

const registerUserBody = `{"IdentityType":"QUICKSIGHT","Email":"ana@example.org","UserRole":"READER","UserName":"ana",` +
	`"CustomPermissionsName":"sales-readers","Tags":[{"Key":"team","Value":"sales"}]}`

func BenchmarkBindRegisterUser(b *testing.B) {
	op := wire.Lookup("RegisterUser")
	r := wire.Request{Labels: []string{"111122223333", "default"}, ContentType: "application/json", Body: []byte(registerUserBody)}
	b.ReportAllocs()
	for b.Loop() {
		var in qs.RegisterUserRequest
		v, err := op.Bind(&in, r)
		if err != nil || v.Err() != nil {
			b.Fatal(err, v.Err())
		}
	}
}

func BenchmarkBindDescribeUser(b *testing.B) {
	op := wire.Lookup("DescribeUser")
	r := wire.Request{Labels: []string{"111122223333", "default", "ana%2Fsession"}}
	b.ReportAllocs()
	for b.Loop() {
		var in qs.DescribeUserRequest
		v, err := op.Bind(&in, r)
		if err != nil || v.Err() != nil {
			b.Fatal(err, v.Err())
		}
	}
}

func aUser() *qs.User {
	role, identity := qs.UserRoleReader, qs.IdentityTypeQuicksight
	return &qs.User{
		Active: new(true), Arn: new("arn:aws:quicksight:us-east-1:111122223333:user/default/ana"), Email: new("ana@example.org"),
		IdentityType: &identity, PrincipalId: new("federated/iam/AIDACKCEVSQ6C2EXAMPLE"), Role: &role, UserName: new("ana"),
	}
}

func BenchmarkAppendOutputDescribeUser(b *testing.B) {
	op := wire.Lookup("DescribeUser")
	out := &qs.DescribeUserResponse{User: aUser()}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		body, status := op.AppendOutput(buf[:0], out, "6a0b8ae1-5c1f-4f6e-9d1a-0123456789ab")
		if status != 200 {
			b.Fatal(status)
		}
		buf = body
	}
}

func BenchmarkAppendOutputListUsers(b *testing.B) {
	op := wire.Lookup("ListUsers")
	out := &qs.ListUsersResponse{}
	for range 100 {
		out.UserList = append(out.UserList, *aUser())
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = op.AppendOutput(buf[:0], out, "6a0b8ae1-5c1f-4f6e-9d1a-0123456789ab")
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkMatch(b *testing.B) {
	r := wire.NewRouter(wire.Operations())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := r.Match("GET", "/accounts/111122223333/namespaces/default/users/ana%2Fsession"); !ok {
			b.Fatal("no match")
		}
	}
}

// What a server pays for the contract before it can answer; that of the others
// than QuickSight, when they are first asked for.
func BenchmarkStart(b *testing.B) {
	for name, document := range map[string][]byte{"quicksight": model.QuickSight, "iam": model.IAM, "sts": model.STS, "cloudtrail": model.CloudTrail} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := wire.Parse(document)
				if err != nil {
					b.Fatal(err)
				}
				wire.NewRouter(s.Operations())
			}
		})
	}
}

const assumeRoleForm = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Freaders&RoleSessionName=botocore-session-1767225600&" +
	"DurationSeconds=3600&Tags.member.1.Key=team&Tags.member.1.Value=sales&TransitiveTagKeys.member.1=team"

func BenchmarkFormAssumeRole(b *testing.B) {
	body := []byte(assumeRoleForm)
	b.ReportAllocs()
	for b.Loop() {
		f, err := wire.ParseForm("", "application/x-www-form-urlencoded; charset=utf-8", body)
		if err != nil {
			b.Fatal(err)
		}
		_, op, err := wire.FindAction(f)
		if err != nil {
			b.Fatal(err)
		}
		var in stsapi.AssumeRoleRequest
		v, err := op.Bind(&in, wire.Request{Form: f})
		if err != nil || v.Err() != nil {
			b.Fatal(err, v.Err())
		}
	}
}

func BenchmarkAppendOutputAssumeRole(b *testing.B) {
	op := wire.Of(wire.STS).Lookup("AssumeRole")
	out := &stsapi.AssumeRoleResponse{
		AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: "arn:aws:sts::111122223333:assumed-role/readers/s", AssumedRoleId: "AROAIOSFODNN7EXAMPLE:s"},
		Credentials:     &stsapi.Credentials{AccessKeyId: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret", SessionToken: strings.Repeat("t", 400), Expiration: new(time.Unix(1767225600, 0))},
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = op.AppendOutput(buf[:0], out, "6a0b8ae1-5c1f-4f6e-9d1a-0123456789ab")
	}
}

// The largest forms that are read, made to cost as much as they can.
func BenchmarkHostileForms(b *testing.B) {
	many := func(n int, one string) []byte {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "&"+one, n-i)
		}
		return []byte(s.String())
	}
	for name, body := range map[string][]byte{
		"many members":    many(9999, "Tags.member.%d.Key=a"),
		"deep names":      many(9999, "Tags.member.%d.a.b.c.d.e.f.g.h.i.j.k.l.m=a"),
		"many violations": many(9999, "Tags.member.%d.Key="),
		"one long value":  []byte("UserName=" + strings.Repeat("a", 1<<20)),
		"one long name":   []byte("Tags" + strings.Repeat(".", 1<<20) + "=a"),
		"unknown names":   many(9999, "x%d=a"),
	} {
		b.Run(name, func(b *testing.B) {
			op := wire.Of(wire.IAM).Lookup("CreateUser")
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				f, err := wire.ParseForm("", "", body)
				if err != nil {
					b.Fatal(err)
				}
				var in iamapi.CreateUserRequest
				if v, err := op.Bind(&in, wire.Request{Form: f}); err == nil && v.Err() == nil {
					b.Fatal("it is taken")
				}
			}
		})
	}
}

// What the first request of an operation pays, here the largest.
func BenchmarkFirstUse(b *testing.B) {
	b.ReportAllocs()
	var total time.Duration
	for b.Loop() {
		s, err := wire.Parse(model.QuickSight)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if !s.Lookup("CreateDashboard").HasBody() {
			b.Fatal("no body")
		}
		total += time.Since(start)
	}
	b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs/first")
}

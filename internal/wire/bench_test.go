package wire_test

import (
	"testing"
	"time"

	"onsight/internal/qs"
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

// What a server pays for the contract before it can answer.
func BenchmarkStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := wire.Parse(model.QuickSight)
		if err != nil {
			b.Fatal(err)
		}
		wire.NewRouter(s.Operations())
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

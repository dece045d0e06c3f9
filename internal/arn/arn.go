package arn

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest ARN that Parse reads, in bytes. The longest that
// the API gives a limit for has 2048.
const MaxLength = 2048

// An ARN is a name of the form arn:partition:service:region:account:resource.
// Region and Account may be empty; the others may not.
type ARN struct {
	Partition, Service, Region, Account string
	// Resource is all that follows the account, colons and slashes included.
	Resource string
}

// Parse reads an ARN. What it returns prints as it was written.
func Parse(s string) (ARN, error) {
	if len(s) > MaxLength {
		return ARN{}, fmt.Errorf("an ARN has at most %d bytes, this one has %d", MaxLength, len(s))
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isControl) {
		return ARN{}, errors.New("an ARN holds no control characters")
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ARN{}, errors.New("an ARN has the form arn:partition:service:region:account:resource")
	}
	a := ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}
	switch {
	case a.Partition == "" || !isWord(a.Partition):
		return ARN{}, fmt.Errorf("%q is no partition of an ARN", a.Partition)
	case a.Service == "" || !isWord(a.Service):
		return ARN{}, fmt.Errorf("%q is no service of an ARN", a.Service)
	case !isWord(a.Region):
		return ARN{}, fmt.Errorf("%q is no region of an ARN", a.Region)
	// "aws" stands for the account of policies that the cloud itself owns.
	case a.Account != "" && a.Account != "aws" && !IsAccount(a.Account):
		return ARN{}, fmt.Errorf("%q is no account of an ARN", a.Account)
	case a.Resource == "":
		return ARN{}, errors.New("an ARN names a resource")
	}
	return a, nil
}

// String writes the ARN.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Split parts the resource at its first slash: the type, and what follows
// (user/default/ana gives user and default/ana). A resource without a slash is
// all type.
func (a ARN) Split() (kind, rest string) {
	kind, rest, _ = strings.Cut(a.Resource, "/")
	return kind, rest
}

// User gives the namespace and the name of the user that a names; ok is false
// where it names something else.
func (a ARN) User() (namespace, name string, ok bool) {
	kind, rest := a.Split()
	namespace, name, ok = strings.Cut(rest, "/")
	return namespace, name, ok && kind == "user"
}

// IsQuickSight says whether the ARN is of this service, in a partition that
// the service knows, and of an account.
func (a ARN) IsQuickSight() bool {
	return a.Service == "quicksight" && IsAccount(a.Account) && isPartition(a.Partition)
}

// IsRole says whether the ARN names an IAM role, of whichever account.
func (a ARN) IsRole() bool {
	kind, rest := a.Split()
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	return a.Service == "iam" && a.Region == "" && IsAccount(a.Account) && isPartition(a.Partition) &&
		kind == "role" && isRoleName(name) && !strings.ContainsFunc(rest, func(r rune) bool { return r < '!' || r > '~' })
}

// QuickSight writes the ARN of a resource of this service. The region decides
// the partition.
func QuickSight(region, account, resource string) string {
	return ARN{Partition: Partition(region), Service: "quicksight", Region: region, Account: account, Resource: resource}.String()
}

// Partition gives the partition that a region lies in.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// IsAccount says whether s is an account number: twelve digits.
func IsAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func isPartition(s string) bool { return s == "aws" || s == "aws-cn" || s == "aws-us-gov" }

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// isWord says whether s holds nothing but what names of partitions, services
// and regions are made of.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// isRoleName holds the rule of IAM for names of roles: 1 to 64 of [\w+=,.@-].
func isRoleName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_+=,.@-", rune(c)) {
			return false
		}
	}
	return true
}

package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"onsight/internal/access"
	"onsight/internal/arn"
	"onsight/internal/client"
	"onsight/internal/contract"
)

// remote are the flags of commands that ask a running server.
type remote struct {
	endpoint, data, account, region string
	json                            bool
}

func (r *remote) flags(fs *flag.FlagSet, s streams) {
	fs.StringVar(&r.endpoint, "endpoint", cmp.Or(s.getenv("AWS_ENDPOINT_URL_QUICKSIGHT"), s.getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:8920"), "`URL` of the server")
	fs.StringVar(&r.data, "data", envOr(s, "ONSIGHT_DATA", "./onsight-data"), "`folder` of the root credentials, which are used where the environment has no AWS_ACCESS_KEY_ID")
	fs.StringVar(&r.account, "account", "", "AWS `account`, 12 digits (default: that of the root credentials, where there is one)")
	fs.StringVar(&r.region, "region", cmp.Or(s.getenv("AWS_REGION"), s.getenv("AWS_DEFAULT_REGION"), "us-east-1"), "`region` of the call")
	fs.BoolVar(&r.json, "json", false, "print the answer as JSON")
}

// client gives a client with the credentials of the environment, or else with
// those of the account's root.
func (r *remote) client(s streams) (*client.Client, error) {
	if r.account != "" && !arn.IsAccount(r.account) {
		return nil, usageError{fmt.Errorf("-account %q is not an AWS account: it has 12 digits", r.account)}
	}
	c := &client.Client{
		URL: r.endpoint, Region: r.region, AccessKeyID: s.getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: contract.Secret(s.getenv("AWS_SECRET_ACCESS_KEY")), SessionToken: contract.Secret(s.getenv("AWS_SESSION_TOKEN")),
	}
	roots, err := access.OpenRoots(r.data)
	if err != nil {
		return nil, err
	}
	all := roots.All()
	if r.account == "" && len(all) == 1 {
		r.account = all[0].Account
	}
	if r.account == "" {
		return nil, usageError{errors.New("say which account with -account")}
	}
	if c.AccessKeyID != "" {
		return c, nil
	}
	root, ok := roots.Of(r.account)
	if !ok {
		return nil, fmt.Errorf("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the server's folder with -data (%s has none of account %s)",
			filepath.Clean(roots.Path()), r.account)
	}
	c.AccessKeyID, c.SecretAccessKey = root.AccessKeyID, contract.Secret(root.SecretAccessKey)
	return c, nil
}

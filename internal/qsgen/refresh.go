package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"onsight/model"
)

// refresh writes the documents below root anew from the newest botocore, or
// from wheel where that names a file, and says what they came from.
func refresh(root, wheel string) (source string, err error) {
	if wheel == "" {
		dir, err := os.MkdirTemp("", "qsgen")
		if err != nil {
			return "", err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if wheel, err = download(dir); err != nil {
			return "", err
		}
	}
	name := wheelFile.FindStringSubmatch(filepath.Base(wheel))
	if name == nil {
		return "", fmt.Errorf("the name of %s is not that of a botocore wheel", wheel)
	}
	source = "botocore " + name[1]
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", wheel, err)
	}
	defer func() { _ = archive.Close() }()
	for _, s := range services {
		if s.ours {
			continue
		}
		if err := refreshOne(root, s, archive.File, source); err != nil {
			return "", fmt.Errorf("model of %s in %s: %w", s.name, source, err)
		}
	}
	return source, nil
}

func refreshOne(root string, s service, files []*zip.File, source string) error {
	description, err := newest(files, s.name)
	if err != nil {
		return err
	}
	doc, err := facts(description)
	if err != nil {
		return err
	}
	if len(s.keep) > 0 {
		if err := reduce(doc, s.keep); err != nil {
			return err
		}
	}
	doc.Source = source
	text, err := render(doc)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, s.file()), text, 0o644) //nolint:gosec // a file of the repository
}

// download fetches the newest botocore into dir and returns the wheel's path.
func download(dir string) (string, error) {
	cmd := exec.Command("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-cache-dir", "--dest", dir, "botocore") //nolint:gosec,noctx // run by hand, in a folder of its own
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("pip download botocore: %w", err)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "botocore-*.whl"))
	if err != nil {
		return "", err
	}
	if len(wheels) != 1 {
		return "", fmt.Errorf("pip left %d wheels of botocore, expected one", len(wheels))
	}
	return wheels[0], nil
}

var (
	serviceFile = regexp.MustCompile(`^botocore/data/([^/]+)/(\d{4}-\d{2}-\d{2})/service-2\.json(\.gz)?$`)
	wheelFile   = regexp.MustCompile(`^botocore-([^-]+)-`)
)

// newest returns the newest description of a service among the files of a wheel.
func newest(files []*zip.File, service string) ([]byte, error) {
	var found *zip.File
	for _, f := range files {
		if m := serviceFile.FindStringSubmatch(f.Name); m != nil && m[1] == service && (found == nil || f.Name > found.Name) {
			found = f
		}
	}
	if found == nil {
		return nil, errors.New("the wheel holds no description of it")
	}
	r, err := found.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	var text io.Reader = r
	if strings.HasSuffix(found.Name, ".gz") {
		if text, err = gzip.NewReader(r); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(text)
}

// A description is what botocore keeps of a service. Members that are prose,
// or say nothing of the wire, are in dropped.
type description struct {
	Version  string `json:"version"`
	Metadata struct {
		APIVersion       string   `json:"apiVersion"`
		EndpointPrefix   string   `json:"endpointPrefix"`
		JSONVersion      string   `json:"jsonVersion"`
		Protocol         string   `json:"protocol"`
		Protocols        []string `json:"protocols"`
		ServiceFullName  string   `json:"serviceFullName"`
		ServiceID        string   `json:"serviceId"`
		SignatureVersion string   `json:"signatureVersion"`
		SigningName      string   `json:"signingName"`
		UID              string   `json:"uid"`
		Auth             []string `json:"auth"`
		GlobalEndpoint   string   `json:"globalEndpoint"`
		ServiceAbbrev    string   `json:"serviceAbbreviation"`
		XMLNamespace     string   `json:"xmlNamespace"`
		TargetPrefix     string   `json:"targetPrefix"`
	} `json:"metadata"`
	Documentation string `json:"documentation"`
	Operations    map[string]struct {
		Name string `json:"name"`
		HTTP struct {
			Method       string `json:"method"`
			RequestURI   string `json:"requestUri"`
			ResponseCode int    `json:"responseCode"`
		} `json:"http"`
		Input      reference   `json:"input"`
		Output     reference   `json:"output"`
		Errors     []reference `json:"errors"`
		Idempotent bool        `json:"idempotent"`
		ReadOnly   bool        `json:"readonly"`
		AuthType   string      `json:"authtype"`
		Auth       []string    `json:"auth"`
		dropped
	} `json:"operations"`
	Shapes map[string]struct {
		Type      string               `json:"type"`
		Required  []string             `json:"required"`
		Members   map[string]reference `json:"members"`
		Member    reference            `json:"member"`
		Key       reference            `json:"key"`
		Value     reference            `json:"value"`
		Enum      []string             `json:"enum"`
		Min       json.Number          `json:"min"`
		Max       json.Number          `json:"max"`
		Pattern   string               `json:"pattern"`
		Sensitive bool                 `json:"sensitive"`
		Union     bool                 `json:"union"`
		Document  bool                 `json:"document"`
		Box       bool                 `json:"box"`
		Exception bool                 `json:"exception"`
		Fault     bool                 `json:"fault"`
		Flattened bool                 `json:"flattened"`
		Error     struct {
			HTTPStatusCode int    `json:"httpStatusCode"`
			SenderFault    bool   `json:"senderFault"`
			Code           string `json:"code"`
		} `json:"error"`
		dropped
	} `json:"shapes"`
}

type reference struct {
	Shape            string `json:"shape"`
	Location         string `json:"location"`
	LocationName     string `json:"locationName"`
	Flattened        bool   `json:"flattened"`
	ResultWrapper    string `json:"resultWrapper"`
	IdempotencyToken bool   `json:"idempotencyToken"`
	Box              bool   `json:"box"`
	dropped
}

type dropped struct {
	Documentation     string `json:"documentation"`
	Deprecated        bool   `json:"deprecated"`
	DeprecatedMessage string `json:"deprecatedMessage"`
	DeprecatedSince   string `json:"deprecatedSince"`
}

// facts reads a service description and leaves the prose behind. A trait that
// it does not know stops it: that could be one that changes the wire.
func facts(service []byte) (*model.Document, error) {
	var d description
	dec := json.NewDecoder(bytes.NewReader(service))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, err
	}
	md := d.Metadata
	if !slices.Contains([]string{"rest-json", "query", "json"}, md.Protocol) {
		return nil, fmt.Errorf("its protocol is %q, which Onsight does not speak", md.Protocol)
	}
	doc := &model.Document{
		Metadata: map[string]string{
			"apiVersion": md.APIVersion, "endpointPrefix": md.EndpointPrefix, "jsonVersion": md.JSONVersion,
			"protocol": md.Protocol, "serviceId": md.ServiceID, "signatureVersion": md.SignatureVersion,
			"signingName": md.SigningName,
		},
		Operations: make(map[string]model.Operation, len(d.Operations)),
		Shapes:     make(map[string]model.Shape, len(d.Shapes)),
	}
	if md.SigningName == "" {
		doc.Metadata["signingName"] = md.EndpointPrefix
	}
	for name, value := range map[string]string{"targetPrefix": md.TargetPrefix, "xmlNamespace": md.XMLNamespace} {
		if value != "" {
			doc.Metadata[name] = value
		}
	}
	for name, op := range d.Operations {
		o := model.Operation{
			Method: op.HTTP.Method, URI: op.HTTP.RequestURI, Code: op.HTTP.ResponseCode,
			Input: op.Input.Shape, Output: op.Output.Shape, Idempotent: op.Idempotent, ReadOnly: op.ReadOnly,
			Unsigned: op.AuthType == "none",
		}
		if wrapper := op.Output.ResultWrapper; wrapper != "" && wrapper != name+"Result" {
			return nil, fmt.Errorf("operation %s has its result in %s", name, wrapper)
		}
		for _, e := range op.Errors {
			o.Errors = append(o.Errors, e.Shape)
		}
		slices.Sort(o.Errors)
		doc.Operations[name] = o
	}
	for name, sh := range d.Shapes {
		s := model.Shape{
			Type: sh.Type, Error: sh.Error.HTTPStatusCode, Code: sh.Error.Code, Fault: sh.Fault, Union: sh.Union, Document: sh.Document,
			Sensitive: sh.Sensitive, Box: sh.Box, Min: sh.Min, Max: sh.Max, Pattern: sh.Pattern, Enum: sh.Enum,
			Required: sh.Required, Member: sh.Member.Shape, Key: sh.Key.Shape, Value: sh.Value.Shape,
			Flattened: sh.Flattened, MemberName: sh.Member.LocationName, KeyName: sh.Key.LocationName, ValueName: sh.Value.LocationName,
		}
		if s.Code == name {
			s.Code = ""
		}
		if sh.Exception && s.Error == 0 {
			s.Error = 400
			if sh.Fault {
				s.Error = 500
			}
		}
		slices.Sort(s.Required)
		for member, ref := range sh.Members {
			if s.Members == nil {
				s.Members = make(map[string]model.Member, len(sh.Members))
			}
			m := model.Member{
				Shape: ref.Shape, Location: ref.Location, LocationName: ref.LocationName, Flattened: ref.Flattened,
				IdempotencyToken: ref.IdempotencyToken, Box: ref.Box,
			}
			if m.LocationName == member || m.Location == "statusCode" {
				m.LocationName = ""
			}
			s.Members[member] = m
		}
		doc.Shapes[name] = s
	}
	return doc, nil
}

// reduce leaves of a document the named operations and what they need.
func reduce(doc *model.Document, keep []string) error {
	all := doc.Shapes
	operations := make(map[string]model.Operation)
	doc.Shapes = make(map[string]model.Shape)
	var add func(shape string)
	add = func(shape string) {
		if _, ok := doc.Shapes[shape]; ok || shape == "" {
			return
		}
		s := all[shape]
		doc.Shapes[shape] = s
		for _, next := range []string{s.Member, s.Key, s.Value} {
			add(next)
		}
		for _, m := range s.Members {
			add(m.Shape)
		}
	}
	for _, name := range keep {
		op, ok := doc.Operations[name]
		if !ok {
			return fmt.Errorf("it has no operation %s", name)
		}
		operations[name] = op
		add(op.Input)
		add(op.Output)
		for _, e := range op.Errors {
			add(e)
		}
	}
	doc.Operations = operations
	return nil
}

// render writes a document with one operation or shape a line, sorted.
func render(doc *model.Document) ([]byte, error) {
	var b bytes.Buffer
	line := func(name string, value any, last bool) error {
		text, err := marshal(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&b, "%q:%s", name, text)
		if !last {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		return nil
	}
	b.WriteString("{\n")
	if err := errors.Join(line("source", doc.Source, false), line("metadata", doc.Metadata, false)); err != nil {
		return nil, err
	}
	b.WriteString("\"operations\":{\n")
	names := slices.Sorted(maps.Keys(doc.Operations))
	for i, name := range names {
		if err := line(name, doc.Operations[name], i == len(names)-1); err != nil {
			return nil, err
		}
	}
	b.WriteString("},\n\"shapes\":{\n")
	names = slices.Sorted(maps.Keys(doc.Shapes))
	for i, name := range names {
		if err := line(name, doc.Shapes[name], i == len(names)-1); err != nil {
			return nil, err
		}
	}
	b.WriteString("}\n}\n")
	return b.Bytes(), nil
}

// marshal is json.Marshal without the escapes meant for HTML.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

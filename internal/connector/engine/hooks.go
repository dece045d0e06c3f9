package engine

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"onsight/internal/connector/definition"
)

// A hook performs an action in more than one request, or changes what data
// cannot say how. It sends with Call.Send and Call.Run.
type hook func(ctx context.Context, c *Call) (*Result, error)

// hooks is closed: what data can say is no hook.
var hooks = map[string]hook{
	"confluence-update": confluenceUpdate,
	"drive-copy":        driveCopy,
	"http":              plainHTTP,
	"jira-transition":   jiraTransition,
	"salesforce-apex":   salesforceApex,
	"salesforce-list":   salesforceList,
	"salesforce-report": salesforceReport,
	"slack-download":    slackDownload,
	"slack-search":      slackSearch,
	"slack-upload":      slackUpload,
	"teams-chat":        teamsChat,
	"teams-transcripts": teamsTranscripts,
	"workbook-write":    workbookWrite,
}

// A baseHook finds the base endpoint that requests go to.
type baseHook func(ctx context.Context, c *Call) (*url.URL, error)

// baseHooks is closed too.
var baseHooks = map[string]baseHook{
	"confluence-site": atlassianSite("confluence"),
	"jira-site":       atlassianSite("jira"),
}

// An encoding makes of a value what the service takes in its place.
type encoding func(value any) (any, error)

// encodings is closed too.
var encodings = map[string]encoding{
	"adf":           document,
	"column-name":   columnName,
	"commas":        commas,
	"copy-source":   copySource,
	"escaped":       escaped,
	"expand-fields": expandFields,
	"odata":         odata,
	"query":         inQuery,
	"row-name":      rowName,
}

// hookOf gives the hook of a name; nil where there is none.
func hookOf(name string) hook { return hooks[name] }

// HasHook tells whether there is a hook of a name.
func HasHook(name string) bool { return hookOf(name) != nil }

// HasBaseHook tells whether there is a hook for base endpoints of a name.
func HasBaseHook(name string) bool { return baseHooks[name] != nil }

// HasEncoding tells whether there is an encoding of a name.
func HasEncoding(name string) bool { return encodings[name] != nil }

// odata doubles the single quotes of a text, or of each text of a list: a text
// ends at one that is not doubled (OData 4.01 URL conventions, 5.1.1.6.1).
func odata(value any) (any, error) {
	if list, ok := value.([]any); ok {
		all := make([]any, len(list))
		for i, v := range list {
			all[i] = strings.ReplaceAll(plain(v), "'", "''")
		}
		return all, nil
	}
	return strings.ReplaceAll(plain(value), "'", "''"), nil
}

// escaped puts a backslash before double quotes and backslashes, for texts that
// stand between double quotes.
func escaped(value any) (any, error) {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(value)), nil
}

// commas joins a list, for services that take one as text.
func commas(value any) (any, error) {
	return strings.Join(listed(definition.Field{Separator: ","}, value), ","), nil
}

// expandFields has Microsoft Graph tell the columns of a list's items: those that
// are named, or all.
func expandFields(value any) (any, error) {
	names, err := commas(value)
	if err != nil || names == "" {
		return "fields", err
	}
	return fmt.Sprintf("fields($select=%s)", names), nil
}

// inQuery writes an object as a query, for headers that hold one.
func inQuery(value any) (any, error) {
	object, _ := value.(map[string]any)
	query := url.Values{}
	for name, v := range object {
		query.Set(name, plain(v))
	}
	return strings.ReplaceAll(query.Encode(), "+", "%20"), nil
}

// copySource names an object of S3 in a header: what is in Bucket and Key, and
// of VersionId.
func copySource(value any) (any, error) {
	object, _ := value.(map[string]any)
	source := escape(plain(object["Bucket"]), false) + "/" + escape(plain(object["Key"]), true)
	if version := plain(object["VersionId"]); version != "" {
		source += "?versionId=" + escape(version, false)
	}
	return source, nil
}

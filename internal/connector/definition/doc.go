// Package definition reads what a service offers to connectors of its type: an
// OpenAPI document of Onsight's own, or one that a user gives. An operation of
// the document is an action; its operationId is the action's id.
//
// What OpenAPI does not say is in extensions.
//
// Of the document:
//
//	x-onsight-connector:
//	  type: JIRA_CLOUD               # of CreateActionConnector
//	  base: {append: /api/v1, unless: [/gateway/], hook: atlassian-site}
//	                                 # what the base endpoint ends with, added where it is missing
//	  hosts: [files.slack.com, "*.sharepoint.com"]
//	                                 # beside the base endpoint's, where answers may point to
//	  mcp: [/mcp]                    # a base endpoint that ends so is an MCP server's, and its tools are the actions
//	  authentication:                # by AuthenticationType; see Auth
//	    API_KEY: {scheme: basic, username: "{email}", password: "{key}"}
//	    OAUTH2_AUTHORIZATION_CODE: {scheme: bearer, scopes: [read:jira-work], clientStyle: body,
//	      authorizeParameters: {audience: api.atlassian.com, prompt: consent}}
//	    OAUTH2_CLIENT_CREDENTIALS: {scheme: bearer, scopes: ["{base}/.default"], clientStyle: body,
//	      rights: {claim: roles, wanted: [Mail.Send], advice: Ask an administrator for consent.}}
//	  headers: {Accept: application/json}   # sent with every request
//	  test: {operation: GetMyself, success: [{pointer: /accountId}]}
//	                                 # or by authentication type: {by: {OAUTH2_CLIENT_CREDENTIALS: {operation: …}}}
//	                                 # codes: [NoSuchJob] counts such an error as an answer
//	  errors: {message: [/errorMessages/0, /message], code: [/code], details: [{text: needed, pointer: /needed}],
//	    kinds: {channel_not_found: NotFound}}
//	                                 # of AWS: {shapes: true, codeHeader: X-Amzn-Errortype, xml: true, region: X-Amz-Bucket-Region}
//	  success: [{pointer: /ok, equals: true}]   # of every answer, beside its status
//	x-onsight-include: shared/graph.yaml
//	                                 # it has the paths of that document, and what x-onsight-connector says there and not here
//
// Of an operation:
//
//	x-amzn-operation-type: read      # or write; GET and HEAD read, others write
//	x-onsight-hidden: true           # for tests and hooks; no action
//	x-onsight-destructive: true      # DELETE is
//	x-onsight-idempotent: true       # may be sent again; GET, HEAD, PUT and DELETE may
//	x-onsight-authentication: [OAUTH2_AUTHORIZATION_CODE]   # with these alone
//	x-onsight-body-path: /fields     # the body's properties lie under this pointer
//	x-onsight-success: [{pointer: /ok, equals: true}]
//	x-onsight-output: /result        # the useful part of the answer
//	x-onsight-output-headers: [Location]   # are the output of an answer without a body;
//	                                 # "VersionId=X-Amz-Version-Id" has that name, also beside a body
//	x-onsight-file: true             # the answer is a file, even one of JSON
//	x-onsight-text: true             # and given as text where it is text
//	x-onsight-events: [{event: chunk, pointer: /bytes, text: base64, into: completion}, {event: trace, into: traces}]
//	                                 # what is made of a stream of events
//	x-onsight-pagination: {kind: cursor, input: cursor, next: /response_metadata/next_cursor, items: /channels}
//	x-onsight-hook: jira-transition  # one of the closed list of hooks
//	x-onsight-aws: {target: Textract.AnalyzeDocument}
//	                                 # of S3: {bucket: Bucket, md5: true}
//
// Bodies and answers of XML look as OpenAPI's xml objects say: name, namespace
// and wrapped. A list that an answer's schema requires is there, if empty; a
// member with the name of the object's own element is that element's text.
//
// Of a parameter, or a property of the body:
//
//	x-onsight-name: pageSize         # what callers call it: [A-Za-z0-9_.-]{1,64}
//	x-onsight-pointer: /project/key  # where in the body it goes, below x-onsight-body-path;
//	                                 # "" lays an object's members beside the other fields
//	x-onsight-encoding: adf          # one of the closed list of encodings
//	x-onsight-constant: true         # always sent, and no input
//	x-onsight-template: {emailAddress: {address: "{}"}}
//	                                 # what the value, or each item of a list, is put into; see below
//	x-onsight-unsent: true           # an input that only the templates of others use
//	x-onsight-when: [search]         # sent only with one of these inputs
//	x-onsight-path: {OAUTH2_AUTHORIZATION_CODE: me, OAUTH2_CLIENT_CREDENTIALS: "users/{}"}
//	                                 # of a parameter of the path: what stands in its place, by authentication
//	                                 # type; without {}, it is no input with that
//
// In the texts of a template stand for what is sent: {} the value (or item),
// {/name} what this JSON Pointer leads to in it, {name} another input, and
// {:base} the base endpoint without a slash at its end. A text that is nothing
// but one of them becomes what it stands for, with its type; where that is not
// there the member is left out. Lists at one pointer follow each other, in
// the order of the properties' names.
//
// The schema of an answer is that of its useful part (x-onsight-output).
//
// Of a path:
//
//	x-onsight-include: shared/drive.yaml   # the paths of that document lie below this one, and have its parameters
//	x-onsight-slashes: true          # of the path: slashes stay, whatever is between them
//
// A parameter in the header whose name ends with a hyphen takes an object: each
// member is a header.
//
// Of a body:
//
//	x-onsight-whole: true            # one input called body, in place of one for each property
//
// Operations with one address have paths that differ after a #, which is not
// sent.
//
// The input of an action is one object: parameters and the properties of the
// body side by side.
package definition

package action_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// A graph is a small Microsoft Graph: a drive with folders, files and workbooks,
// which remembers what is done to it. It takes a request as the reference
// describes it, and refuses what it does not know.
type graph struct {
	*httptest.Server
	mu    sync.Mutex
	roots []string // addresses of the drive
	items map[string]*driveItem
	count int
}

type driveItem struct {
	ID, Name, parent string
	folder           bool
	content          []byte
	sheets           map[string]map[string]any // name of a cell: value
	people           []string
}

func newGraph(t *testing.T, roots ...string) *graph {
	t.Helper()
	g := &graph{roots: roots, items: map[string]*driveItem{"root": {ID: "root", folder: true}}}
	g.Server = httptest.NewTLSServer(g)
	g.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(g.Close)
	return g
}

func (g *graph) client() qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{ClientCredentialsGrantMetadata: &qs.ClientCredentialsGrantMetadata{
		BaseEndpoint: g.URL,
		ClientCredentialsDetails: &qs.ClientCredentialsDetails{ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{
			ClientId: "client-1", ClientSecret: "s3cr3t", TokenEndpoint: g.URL + "/tenant/oauth2/v2.0/token",
		}},
	}}
}

func graphError(status int, code string) http.HandlerFunc {
	return says(status, fmt.Sprintf(`{"error":{"code":%q,"message":"It says %s.","innerError":{"request-id":"r1"}}}`, code, code))
}

var graphToken = "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"roles":["Files.ReadWrite.All","Sites.ReadWrite.All","User.Read.All"]}`)) + ".c2ln"

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer(r)(w, r)
}

func (g *graph) answer(r *http.Request) http.HandlerFunc {
	authorized := r.Header.Get("Authorization") == "Bearer "+graphToken
	path := r.URL.EscapedPath()
	switch {
	case path == "/tenant/oauth2/v2.0/token":
		if r.PostFormValue("client_secret") != "s3cr3t" || r.PostFormValue("scope") != g.URL+"/.default" || r.PostFormValue("grant_type") != "client_credentials" {
			return says(400, `{"error":"invalid_scope","error_description":"AADSTS70011"}`)
		}
		return says(200, `{"token_type":"Bearer","expires_in":3599,"access_token":"`+graphToken+`"}`)
	case strings.HasPrefix(path, "/monitor/"):
		if r.Header.Get("Authorization") != "" {
			return graphError(400, "tokenAtMonitor")
		}
		return says(202, `{"status":"completed","percentageComplete":100,"resourceId":"`+path[len("/monitor/"):]+`"}`)
	case !authorized:
		return graphError(401, "InvalidAuthenticationToken")
	case path == "/v1.0/users" && r.URL.Query().Get("$top") == "1":
		return says(200, `{"value":[{"id":"u1"}]}`)
	case path == "/v1.0/sites/root":
		return says(200, `{"id":"s1"}`)
	}
	for _, root := range g.roots {
		if below, ok := strings.CutPrefix(path, "/v1.0"+root); ok {
			return g.drive(r, below)
		}
	}
	return graphError(400, "BadRequest")
}

func shown(i *driveItem) map[string]any {
	m := map[string]any{"id": i.ID, "name": i.Name, "parentReference": map[string]any{"id": i.parent}}
	if i.folder {
		m["folder"] = map[string]any{}
	} else {
		m["size"] = len(i.content)
	}
	return m
}

func gives(status int, v any) http.HandlerFunc {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return says(status, string(text))
}

// drive answers below the drive.
func (g *graph) drive(r *http.Request, path string) http.HandlerFunc {
	if id, rest, ok := strings.Cut(strings.TrimPrefix(path, "/items/"), ":/"); ok && r.Method == http.MethodPut && strings.HasSuffix(rest, ":/content") {
		name, _ := url.PathUnescape(strings.TrimSuffix(rest, ":/content"))
		return g.upload(r, id, name)
	}
	if path == "/root/children" {
		path = "/items/root/children"
	}
	parts := strings.SplitN(strings.TrimPrefix(path, "/items/"), "/", 2)
	id, _ := url.PathUnescape(parts[0])
	item := g.items[id]
	if item == nil || !strings.HasPrefix(path, "/items/") {
		return graphError(404, "itemNotFound")
	}
	var in struct {
		Name            string              `json:"name"`
		Folder          *struct{}           `json:"folder"`
		Conflict        string              `json:"@microsoft.graph.conflictBehavior"`
		ParentReference struct{ ID string } `json:"parentReference"`
		Recipients      []map[string]string `json:"recipients"`
		Roles           []string            `json:"roles"`
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if r.Header.Get("Content-Type") != "application/json" {
			return graphError(415, "contentType")
		}
	}
	if len(parts) == 2 && strings.HasPrefix(parts[1], "workbook/") {
		return workbook(r, item, strings.TrimPrefix(parts[1], "workbook/worksheets"))
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	what := r.Method
	if len(parts) == 2 {
		what += " " + parts[1]
	}
	switch what {
	case "GET":
		return gives(200, shown(item))
	case "DELETE":
		delete(g.items, id)
		return says(204, "")
	case "PATCH":
		if in.Name != "" {
			item.Name = in.Name
		}
		if in.ParentReference.ID != "" {
			item.parent = in.ParentReference.ID
		}
		return gives(200, shown(item))
	case "GET children":
		return g.children(r, id)
	case "POST children":
		if in.Folder == nil || g.named(id, in.Name) != nil {
			return graphError(409, "nameAlreadyExists")
		}
		return gives(201, shown(g.add(&driveItem{Name: in.Name, parent: id, folder: true})))
	case "POST copy":
		made := *item
		made.parent = in.ParentReference.ID
		return says(202, "", "Location", g.URL+"/monitor/"+g.add(&made).ID)
	case "POST invite":
		for _, who := range in.Recipients {
			item.people = append(item.people, who["email"]+" "+strings.Join(in.Roles, "+"))
		}
		return gives(200, map[string]any{"value": []any{map[string]any{"id": "p1", "roles": in.Roles}}})
	}
	return graphError(400, "BadRequest")
}

func (g *graph) add(i *driveItem) *driveItem {
	g.count++
	i.ID = fmt.Sprintf("01!%d", g.count)
	g.items[i.ID] = i
	return i
}

func (g *graph) named(parent, name string) *driveItem {
	for _, i := range g.items {
		if i.parent == parent && strings.EqualFold(i.Name, name) {
			return i
		}
	}
	return nil
}

func (g *graph) upload(r *http.Request, parent, name string) http.HandlerFunc {
	parent, _ = url.PathUnescape(parent)
	content, _ := io.ReadAll(r.Body)
	before := g.named(parent, name)
	switch behavior := r.URL.Query().Get("@microsoft.graph.conflictBehavior"); {
	case g.items[parent] == nil:
		return graphError(404, "itemNotFound")
	case before == nil:
	case behavior == "fail":
		return graphError(409, "nameAlreadyExists")
	case behavior == "rename":
		name = "1 " + name
	default:
		before.content = content
		return gives(200, shown(before))
	}
	return gives(201, shown(g.add(&driveItem{Name: name, parent: parent, content: content, sheets: map[string]map[string]any{"Sheet1": {}}})))
}

// children has two to a page.
func (g *graph) children(r *http.Request, id string) http.HandlerFunc {
	var all []string
	for _, i := range g.items {
		if i.parent == id {
			all = append(all, i.ID)
		}
	}
	slices.Sort(all)
	from, _ := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
	to := min(from+2, len(all))
	page := map[string]any{"value": []any{}}
	for _, id := range all[from:to] {
		page["value"] = append(page["value"].([]any), shown(g.items[id]))
	}
	if to < len(all) {
		page["@odata.nextLink"] = g.URL + r.URL.EscapedPath() + "?$skiptoken=" + strconv.Itoa(to)
	}
	return gives(200, page)
}

// workbook answers below the worksheets of a file: (key)/function(argument)/verb.
func workbook(r *http.Request, file *driveItem, path string) http.HandlerFunc {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	path, err := url.PathUnescape(path)
	if err != nil || file.sheets == nil {
		return graphError(400, "InvalidArgument")
	}
	if path == "/add" && r.Method == http.MethodPost {
		name := in["name"].(string)
		file.sheets[name] = map[string]any{}
		return gives(201, map[string]any{"name": name})
	}
	if path == "" {
		return gives(200, map[string]any{"value": []any{map[string]any{"name": "Sheet1"}}})
	}
	key, rest, ok := odataText(path)
	cells := file.sheets[key]
	if !ok || cells == nil {
		return graphError(404, "ItemNotFound")
	}
	switch {
	case rest == ")" && r.Method == http.MethodDelete:
		delete(file.sheets, key)
		return says(204, "")
	case rest == ")" && r.Method == http.MethodGet:
		return gives(200, map[string]any{"name": key})
	case strings.HasPrefix(rest, ")/cell(row="):
		var row, column int
		if n, _ := fmt.Sscanf(rest, ")/cell(row=%d,column=%d)", &row, &column); n != 2 {
			return graphError(400, "InvalidArgument")
		}
		return gives(200, map[string]any{"values": []any{[]any{cells[fmt.Sprint(row, ",", column)]}}})
	case rest == ")/usedRange(valuesOnly=false)", rest == ")/usedRange(valuesOnly=true)":
		return gives(200, map[string]any{"cellCount": len(cells)})
	}
	address, rest, ok := odataText(strings.TrimPrefix(rest, ")/range(address="))
	rows, columns, known := grid(address)
	if !ok || !known {
		return graphError(400, "InvalidArgument")
	}
	switch r.Method + rest {
	case "PATCH)":
		for i, row := range in["values"].([]any) {
			for j, value := range row.([]any) {
				if value != nil {
					cells[fmt.Sprint(rows[i], ",", columns[j])] = value
				}
			}
		}
		return gives(200, map[string]any{"address": address})
	case "GET)":
		var table []any
		for _, row := range rows {
			var values []any
			for _, column := range columns {
				values = append(values, cells[fmt.Sprint(row, ",", column)])
			}
			table = append(table, values)
		}
		return gives(200, map[string]any{"values": table})
	case "POST)/clear":
		for _, row := range rows {
			for _, column := range columns {
				delete(cells, fmt.Sprint(row, ",", column))
			}
		}
		return says(204, "")
	}
	return graphError(400, "BadRequest")
}

// odataText reads a text between single quotes, after a bracket or at the begin.
func odataText(s string) (text, rest string, ok bool) {
	s, _ = strings.CutPrefix(s, "(")
	if s, ok = strings.CutPrefix(s, "'"); !ok {
		return "", "", false
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\'' {
			text += s[i : i+1]
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			text, i = text+"'", i+1
			continue
		}
		return text, s[i+1:], true
	}
	return "", "", false
}

// grid gives the rows and columns of a range, by counting to them.
func grid(address string) (rows, columns []int, ok bool) {
	from, to, ok := strings.Cut(address, ":")
	if !ok {
		to = from
	}
	where := func(cell string) (row, column int) {
		for name, n := "A", 0; n < 1000; name, n = after(name), n+1 {
			if r, err := strconv.Atoi(strings.TrimPrefix(cell, name)); err == nil && strings.HasPrefix(cell, name) {
				return r - 1, n
			}
		}
		return -1, -1
	}
	r1, c1 := where(from)
	r2, c2 := where(to)
	for r := r1; r <= r2; r++ {
		rows = append(rows, r)
	}
	for c := c1; c <= c2; c++ {
		columns = append(columns, c)
	}
	return rows, columns, r1 >= 0 && r2 >= 0
}

// after is the name of the next column.
func after(name string) string {
	if name == "" {
		return "A"
	}
	if last := name[len(name)-1]; last < 'Z' {
		return name[:len(name)-1] + string(last+1)
	}
	return after(name[:len(name)-1]) + "A"
}

func servers(graphs map[string]*graph) (all []*httptest.Server) {
	for _, g := range graphs {
		all = append(all, g.Server)
	}
	return all
}

// TestDrive works with files and workbooks of a small Graph, as an application:
// in the drive of somebody, and in that of a site.
func TestDrive(t *testing.T) {
	t.Parallel()
	graphs := make(map[string]*graph) // one for each database: a drive has a name once
	for _, dialect := range storetest.Dialects {
		graphs[dialect] = newGraph(t, "/users/ana@contoso.com/drive", "/sites/contoso.sharepoint.com%2C1%2C2/drive")
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		g := graphs[srv.Dialect()]
		srv.Subscribe(t)
		makeConnector(t, srv, "mine", "MICROSOFT_ONEDRIVE", "OAUTH2_CLIENT_CREDENTIALS", g.client(), "CREATION_SUCCESSFUL")
		makeConnector(t, srv, "site", "MICROSOFT_SHAREPOINT", "OAUTH2_CLIENT_CREDENTIALS", g.client(), "CREATION_SUCCESSFUL")
		who := map[string]string{"mine": `{"userId":"ana@contoso.com"`, "site": `{"siteId":"contoso.sharepoint.com,1,2"`}
		do := func(connector, action, input, want string, change ...func(*onsightapi.InvokeActionRequest)) *onsightapi.InvokeActionResponse {
			t.Helper()
			if input != "" {
				input = "," + input
			}
			out, err := invoke(t, srv, connector, action, who[connector]+input+"}", change...)
			if err != nil {
				t.Fatalf("%s: %v", action, err)
			}
			if got := body(out); got != want && want != "*" {
				t.Errorf("%s: %s, want %s", action, got, want)
			}
			return out
		}
		id := func(out *onsightapi.InvokeActionResponse) string {
			var item struct{ ID string }
			if err := json.Unmarshal([]byte(body(out)), &item); err != nil || item.ID == "" {
				t.Fatalf("no id in %s", body(out))
			}
			return item.ID
		}
		fails := func(what, connector, action, input, code, part string) {
			t.Helper()
			_, err := invoke(t, srv, connector, action, who[connector]+","+input+"}")
			wantFault(t, what, err, code, part)
		}

		folder := id(do("mine", "CreateFolder", `"name":"Büro & 100% #1"`, "*"))
		fails("a folder twice", "mine", "CreateFolder", `"name":"Büro & 100% #1"`, "ActionFailedException", "nameAlreadyExists")
		book := id(do("mine", "UploadFile", `"parentId":"`+folder+`","filename":"it's 5% & more.xlsx","content":{"content":"`+base64.StdEncoding.EncodeToString([]byte("PK\x03\x04"))+`"}`, "*"))
		do("mine", "GetItem", `"itemId":"`+book+`"`, `{"id":"`+book+`","name":"it's 5% & more.xlsx","parentReference":{"id":"`+folder+`"},"size":4}`)
		fails("a file twice", "mine", "UploadFile", `"parentId":"`+folder+`","filename":"it's 5% & more.xlsx","content":"a","conflictBehavior":"fail"`, "ActionFailedException", "nameAlreadyExists")
		for _, name := range []string{"a.txt", "b.txt"} {
			do("mine", "UploadFile", `"parentId":"`+folder+`","filename":"`+name+`","content":"text"`, "*")
		}
		first := do("mine", "ListChildFolders", `"itemId":"`+folder+`"`, "*")
		if first.NextToken == nil {
			t.Fatalf("the first page has no next one: %s", body(first))
		}
		second := do("mine", "ListChildFolders", `"itemId":"`+folder+`"`, "*", func(in *onsightapi.InvokeActionRequest) { in.NextToken = first.NextToken })
		if second.NextToken != nil || !strings.Contains(body(second), `"b.txt"`) || strings.Contains(body(first), `"b.txt"`) {
			t.Errorf("pages: %s, %s", body(first), body(second))
		}
		var copied struct{ Status, ResourceID string }
		if err := json.Unmarshal([]byte(body(do("mine", "CopyItem", `"itemId":"`+book+`","parentId":"root"`, "*"))), &copied); err != nil || copied.Status != "completed" {
			t.Errorf("copy: %+v, %v", copied, err)
		}
		do("mine", "UpdateItem", `"itemId":"`+copied.ResourceID+`","name":"copy.xlsx","parentId":"`+folder+`"`,
			`{"id":"`+copied.ResourceID+`","name":"copy.xlsx","parentReference":{"id":"`+folder+`"},"size":4}`)
		do("mine", "AddPermissions", `"itemId":"`+book+`","recipients":[{"email":"bo@contoso.com"}],"roles":["read"]`, `[{"id":"p1","roles":["read"]}]`)

		// The site sees the same drive.
		do("site", "AddSheet", `"itemId":"`+book+`","name":"Joe's 50% (a)"`, `{"name":"Joe's 50% (a)"}`)
		sheet := `"itemId":"` + book + `","sheet":"Joe's 50% (a)"`
		do("mine", "ReadSheet", sheet, `{"name":"Joe's 50% (a)"}`)
		do("site", "WriteCell", sheet+`,"row":4,"column":27,"value":7`, `{"address":"AB5"}`)
		do("mine", "ReadCell", sheet+`,"row":4,"column":27`, `{"values":[[7]]}`)
		do("mine", "WriteRange", sheet+`,"address":"AA4:AB5","values":[["a",true],[1.5,null]]`, `{"address":"AA4:AB5"}`)
		fails("too many rows", "mine", "WriteRange", sheet+`,"address":"A1","values":[[1],[2]]`, "InvalidParameterValueException", "/values has 2 rows, and the range A1 has 1 row")
		do("site", "ReadRange", sheet+`,"address":"AA4:AB5"`, `{"values":[["a",true],[1.5,7]]}`)
		do("site", "ClearRange", sheet+`,"address":"AA4:AA5"`, "")
		do("site", "GetUsedRange", sheet, `{"cellCount":2}`)
		do("site", "DeleteSheet", sheet, "")
		fails("no sheet", "mine", "ReadSheet", sheet, "ActionFailedException", "ItemNotFound")
		do("mine", "DeleteItem", `"itemId":"`+folder+`"`, "")
		fails("no folder", "mine", "GetItem", `"itemId":"`+folder+`"`, "ActionFailedException", "itemNotFound")
		_, err := invoke(t, srv, "mine", "GetDrive", `{}`)
		wantFault(t, "whose", err, "InvalidParameterValueException", `lacks "userId"`)
	}, testkit.Near(t, servers(graphs)...))
}

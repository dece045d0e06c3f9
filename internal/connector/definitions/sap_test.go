package definitions_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"onsight/internal/connector/definitions"
	"onsight/internal/connector/engine"
)

// gateway is an SAP system with one service below a path, of which the client
// is a part of the address.
func gateway(t *testing.T, next func(host string) string) (base *url.URL, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.RequestURI)
		w.Header().Set("Content-Type", "application/json")
		d := map[string]any{"results": []any{map[string]any{"Material": "M"}}}
		if len(*asked) == 1 {
			d["__next"] = next("http://" + r.Host)
		}
		text, _ := json.Marshal(map[string]any{"d": d})
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL + "/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV;v=2/?sap-client=100")
	if err != nil {
		t.Fatal(err)
	}
	return base, asked
}

// Pages go on where the service says, below the base endpoint and nowhere else,
// and with the base endpoint's query.
func TestSAPPages(t *testing.T) {
	t.Parallel()
	const root = "/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV;v=2/"
	for name, c := range map[string]struct {
		next, second, refused string
	}{
		"absolute":           {"{host}" + root + "MaterialBOMItem?$skiptoken='A''B%2f'", root + "MaterialBOMItem?$skiptoken='A''B%2f'&sap-client=100", ""},
		"written otherwise":  {"{host}/sap/opu/odata/SAP/API_BILL_OF_MATERIAL_SRV;v=0002/MaterialBOMItem?sap-client=100&$skip=1", "/sap/opu/odata/SAP/API_BILL_OF_MATERIAL_SRV;v=0002/MaterialBOMItem?sap-client=100&$skip=1", ""},
		"from the root":      {"MaterialBOMItem?$skiptoken=7", root + "MaterialBOMItem?$skiptoken=7&sap-client=100", ""},
		"from the host":      {root + "MaterialBOMItem", root + "MaterialBOMItem?sap-client=100", ""},
		"another host":       {"https://sap.example.org" + root + "MaterialBOMItem", "", "the next page is at sap.example.org, which is not the service's own address."},
		"another scheme":     {"ftp:{host}" + root, "", "the next page is at , which is not the service's own address."},
		"another service":    {"{host}/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner", "", "which is not below the base endpoint."},
		"a longer name":      {"{host}/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV_2/MaterialBOMItem", "", "which is not below the base endpoint."},
		"up":                 {"../../admin?x=1", "", "which is not below the base endpoint."},
		"up, written apart":  {"{host}" + root + "%2e%2e/%2E%2E/admin", "", "which is not below the base endpoint."},
		"somebody's account": {"http://me:secret@sap.example.org/", "", "the next page is at sap.example.org, which is not the service's own address."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, asked := gateway(t, func(host string) string { return strings.ReplaceAll(c.next, "{host}", host) })
			d, _ := definitions.Of("SAP_BILLOFMATERIALS")
			o := d.Operations["getMaterialBOMItem"]
			input, err := o.Check([]byte(`{"filter": "Plant eq '1010'"}`))
			if err != nil {
				t.Fatal(err)
			}
			call := &engine.Call{Definition: d, Operation: o, Base: base, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Input: input}
			first, err := call.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := root + "MaterialBOMItem?%24filter=Plant%20eq%20%271010%27&%24format=json&%24top=100&sap-client=100"; (*asked)[0] != want {
				t.Errorf("the first request is %s, want %s", (*asked)[0], want)
			}
			call.Next = first.Next
			second, err := call.Do(t.Context())
			if c.refused != "" {
				if err == nil || !strings.HasSuffix(err.Error(), c.refused) || len(*asked) != 1 {
					t.Errorf("%v after %q, want %s", err, *asked, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (*asked)[1] != c.second || second.Next != "" {
				t.Errorf("the second request is %s, want %s; then %q", (*asked)[1], c.second, second.Next)
			}
		})
	}
}

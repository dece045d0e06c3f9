package app_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/testkit"
)

// service is a connector's service on loopback, and a server that reaches it.
func service(b *testing.B) (s *server, vendor *httptest.Server) {
	b.Helper()
	answer := []byte(`{"data":[` + strings.Repeat(`{"id":12345,"name":"a sheet","permalink":"https://app.example.org/sheets/abc"},`, 9) + `{"id":1}]}`)
	vendor = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	vendor.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.Cleanup(vendor.Close)
	profiles := testkit.Profiles(b, vendor)
	s = open(b, func(c *config.Config) { c.NetworkProfiles = profiles })
	made := s.request("POST", "/accounts/111122223333/action-connectors", `{"ActionConnectorId":"sheets","Name":"Sheets","Type":"SMARTSHEET","AuthenticationConfig":{
		"AuthenticationType":"API_KEY","AuthenticationMetadata":{"ApiKeyConnectionMetadata":{"BaseEndpoint":"`+vendor.URL+`","ApiKey":"k"}}}}`)
	if status := s.send(made); status != 200 {
		b.Fatal(status)
	}
	s.signer.Service = "onsight"
	return s, vendor
}

const invokePath = "/_onsight/accounts/111122223333/action-connectors/sheets/actions/ListSheets/invoke"

// BenchmarkInvokeOverhead is one call after the other: what an action costs
// beside the request that it is about.
func BenchmarkInvokeOverhead(b *testing.B) {
	s, vendor := service(b)
	r := s.request("POST", invokePath, `{"Input":{}}`)
	body := []byte(`{"Input":{}}`)
	direct := func() {
		res, err := vendor.Client().Get(vendor.URL + "/sheets?page=1")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	invoke := func() {
		r.Body = io.NopCloser(bytes.NewReader(body))
		if status := s.send(r); status != 200 {
			b.Fatal(status)
		}
	}
	for range 50 {
		direct()
		invoke()
	}
	var alone, whole time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		direct()
		between := time.Now()
		invoke()
		alone, whole = alone+between.Sub(began), whole+time.Since(between)
		n++
	}
	b.ReportMetric(float64(alone.Microseconds())/float64(n), "direct-µs/op")
	b.ReportMetric(float64((whole-alone).Microseconds())/float64(n), "overhead-µs/op")
}

// BenchmarkInvokeRate compares how many actions go through the server with how
// many requests go through a reverse proxy of net/http, with 64 clients each, in
// turns of the same run.
func BenchmarkInvokeRate(b *testing.B) {
	s, vendor := service(b)
	onsight := httptest.NewServer(s.handler)
	b.Cleanup(onsight.Close)
	to, err := url.Parse(vendor.URL)
	if err != nil {
		b.Fatal(err)
	}
	transport := vendor.Client().Transport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // as outbound has it
	proxy := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	b.Cleanup(proxy.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	signed := s.request("POST", onsight.URL+invokePath, `{"Input":{}}`)
	turn := func(what string, send func() (*http.Response, error)) (n, busy float64) {
		var done atomic.Int64
		before := processorTime(b)
		end := time.Now().Add(time.Second)
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for time.Now().Before(end) {
					res, err := send()
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					if res.StatusCode != http.StatusOK {
						b.Errorf("%s answers %d", what, res.StatusCode)
						return
					}
					done.Add(1)
				}
			})
		}
		all.Wait()
		return float64(done.Load()), processorTime(b) - before
	}
	plain := func() (*http.Response, error) { return client.Get(proxy.URL + "/sheets?page=1") }
	acting := func() (*http.Response, error) {
		r := signed.Clone(b.Context())
		r.RequestURI = ""
		r.Body = io.NopCloser(strings.NewReader(`{"Input":{}}`))
		return client.Do(r)
	}
	var proxied, acted, proxying, working float64
	n := 0.0
	for b.Loop() {
		p, busy := turn("the proxy", plain)
		proxied, proxying = proxied+p, proxying+busy
		a, busy := turn("Onsight", acting)
		acted, working = acted+a, working+busy
		n++
	}
	b.ReportMetric(proxied/n, "proxied/s")
	b.ReportMetric(acted/n, "actions/s")
	b.ReportMetric(100*acted/proxied, "%-of-proxy")
	// What the rate comes to where processors are all that it waits for, client
	// and service included.
	b.ReportMetric(100*(proxying/proxied)/(working/acted), "%-of-proxy-by-processor")
	b.ReportMetric(1e6*working/acted, "processor-µs/action")
}

// processorTime is the time that processors have given to this process, in seconds.
func processorTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

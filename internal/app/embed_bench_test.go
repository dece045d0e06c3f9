//go:build unix

package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkEmbed makes the URL of a user and redeems its code, with all
// processors: two durable writes each time.
func BenchmarkEmbed(b *testing.B) {
	s := open(b)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, s.request("POST", users, `{"IdentityType":"QUICKSIGHT","Email":"a@b","UserRole":"READER","UserName":"ana"}`))
	var made struct{ User struct{ Arn string } }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		b.Fatal(err)
	}
	account, _, _ := strings.Cut(strings.TrimPrefix(users, "/accounts/"), "/")
	ask := `{"UserArn":"` + made.User.Arn + `","AllowedDomains":["https://portal.example.com"],"ExperienceConfiguration":{"QuickSightConsole":{}}}`
	b.ResetTimer()
	before := processor(b)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, s.request("POST", "/accounts/"+account+"/embed-url/registered-user", ask))
			var out struct{ EmbedUrl string }
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
				b.Errorf("%d %s", w.Code, w.Body)
				return
			}
			_, path, _ := strings.Cut(out.EmbedUrl, "/embedding/")
			w = httptest.NewRecorder()
			s.handler.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/embedding/"+path, nil))
			if w.Code != http.StatusOK {
				b.Errorf("%d %s", w.Code, w.Body)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/(processor(b)-before), "entries/s/core")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

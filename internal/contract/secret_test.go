package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"onsight/internal/contract"
)

func TestSecretShowsNowhere(t *testing.T) {
	t.Parallel()
	const text = "hunter2"
	s := contract.Secret(text)
	if got := s.Reveal(); got != text {
		t.Errorf("Reveal() = %q, want %q", got, text)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "secret", s, "in", struct{ A contract.Secret }{s})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "secret", s, "in", struct{ A []contract.Secret }{[]contract.Secret{s}})
	shown := []string{s.String(), s.GoString(), log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%5.1f"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, struct{ A []contract.Secret }{[]contract.Secret{s}}))
	}
	for _, got := range shown {
		if strings.Contains(got, text) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", text)) {
			t.Errorf("a secret shows in %q", got)
		}
	}
	if b, err := json.Marshal(s); err == nil {
		t.Errorf("json.Marshal gave %s, want an error", b)
	}
}

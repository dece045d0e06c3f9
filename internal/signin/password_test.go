package signin

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	near := names(Person{Name: "ana.lindholm", Email: "ana.lindholm@fjordbank.example"}, "fjordbank")
	for password, want := range map[string]string{
		"":                                "password.missing",
		"Ab1-":                            "password.short",
		strings.Repeat("Ab1-", 33):        "password.long",
		"abcdefgh-ijk":                    "password.classes",
		"Aa1\tbcdefgh":                    "password.control",
		"Password1!":                      "password.common",
		"P@ssw0rd2024":                    "password.common",
		"Qwerty123456":                    "password.common",
		"Aaaaaaaa1":                       "password.common",
		"Lindholm-1":                      "password.near",
		"Fjordbank2026!":                  "password.near",
		"F1ordbank!Lindh0lm is my harbor": "",
		"Correct7horse-staple":            "",
		"Ängström-värld":                  "",
		"пароль-Длинный":                  "",
	} {
		got := ""
		if p := judge(normal(password), near...); p != nil {
			got = p.Key
		}
		if got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

func TestHasher(t *testing.T) {
	t.Parallel()
	old := NewHasher(Cost{Memory: 64, Passes: 1}, time.Now, nil)
	kept, err := old.Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	h := NewHasher(Cost{Memory: 64, Passes: 2}, time.Now, nil)
	right, stale, err := h.Verify(t.Context(), kept, "secret")
	if err != nil || !right || !stale {
		t.Errorf("a hash of another cost: right %v, stale %v, %v", right, stale, err)
	}
	if right, _, _ := h.Verify(t.Context(), kept, "Secret"); right {
		t.Error("another password is right")
	}
	if right, stale, err := h.Verify(t.Context(), "", "secret"); right || stale || err != nil {
		t.Errorf("of nobody: right %v, stale %v, %v", right, stale, err)
	}
	for _, broken := range []string{"x", "$argon2id$v=19$m=64,t=1,p=1$AAAA", "$argon2id$v=19$m=99999999,t=1,p=1$AAAA$" + strings.Repeat("A", 43), strings.Replace(kept, "argon2id", "argon2i", 1)} {
		if right, _, err := h.Verify(t.Context(), broken, "secret"); right || err == nil {
			t.Errorf("%s: right %v, %v", broken, right, err)
		}
	}
	h.waiting.Store(h.most)
	if _, err := h.Hash(t.Context(), "secret"); !errors.Is(err, ErrBusy) {
		t.Errorf("a full queue: %v", err)
	}
}

// While many calls come in, hashes keep their distance.
func TestPace(t *testing.T) {
	t.Parallel()
	now, calls := time.Unix(1000, 0), uint64(0)
	p := pace{now: func() time.Time { return now }, calls: func() uint64 { return calls }, processors: 2}
	p.took(20 * time.Millisecond)
	if d := p.pause(); d != 0 {
		t.Errorf("the first waits %s", d)
	}
	for range 3 {
		now = now.Add(100 * time.Millisecond)
		calls += 1000
		p.pause()
	}
	if d := p.pause(); d < 50*time.Millisecond {
		t.Errorf("a hash waits %s while there are 10,000 calls a second", d)
	}
	now = now.Add(10 * time.Second)
	if d := p.pause(); d != 0 {
		t.Errorf("after a pause: %s", d)
	}
}

package deflate_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"onsight/internal/deflate"
)

func TestWhatIsPackedOpens(t *testing.T) {
	t.Parallel()
	c := deflate.New("the quick brown fox")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		packed := c.Append([]byte("head"), text)
		if !bytes.HasPrefix(packed, []byte("head")) {
			t.Fatalf("Append changed what was there: %q", packed)
		}
		got, err := c.Open(packed[4:], len(text))
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("Open = %q, %v; want %q", got, err, text)
		}
		if len(text) == 0 {
			return
		}
		if _, err := c.Open(packed[4:], len(text)-1); !errors.Is(err, deflate.ErrTooLong) {
			t.Fatalf("with one byte less: %v, want %v", err, deflate.ErrTooLong)
		}
	})
}

func TestTheDictionaryHelps(t *testing.T) {
	t.Parallel()
	text := []byte(`{"Version":"2012-10-17","Statement":[]}`)
	with, without := deflate.New(string(text)).Append(nil, text), deflate.New("").Append(nil, text)
	if len(with) >= len(without)/2 {
		t.Errorf("%d bytes with a dictionary, %d without; want less than half", len(with), len(without))
	}
	if got, err := deflate.New("").Open(with, 1<<10); err == nil && bytes.Equal(got, text) {
		t.Error("opens without its dictionary")
	}
}

// TestABombIsBounded makes sure that little cannot become much.
func TestABombIsBounded(t *testing.T) {
	t.Parallel()
	c := deflate.New("")
	bomb := c.Append(nil, []byte(strings.Repeat("0", 50<<20)))
	if _, err := c.Open(bomb, 1<<10); !errors.Is(err, deflate.ErrTooLong) {
		t.Errorf("Open: %v, want %v", err, deflate.ErrTooLong)
	}
	if _, err := c.Open([]byte("no such thing"), 1<<10); err == nil || errors.Is(err, deflate.ErrTooLong) {
		t.Errorf("what was not packed: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c := deflate.New("abc")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				text := []byte(strings.Repeat(string(rune('a'+i)), n))
				if got, err := c.Open(c.Append(nil, text), n); err != nil || !bytes.Equal(got, text) {
					t.Errorf("%q: got %q, %v", text, got, err)
				}
			}
		})
	}
	wg.Wait()
}

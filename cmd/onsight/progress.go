package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// progress tells how far something is: on a terminal as a bar that moves, else
// as a line now and then.
type progress struct {
	out      io.Writer
	what     string
	total    int64 // 0 where nobody knows
	begun    time.Time
	terminal bool

	mu      sync.Mutex
	done    int64
	printed time.Time
	told    int64 // in the last line
}

// barEvery is how often the bar is drawn.
const barEvery = 100 * time.Millisecond

func newProgress(s streams, what string, total int64) *progress {
	p := &progress{out: s.err, what: what, total: total, begun: time.Now()}
	if f, ok := s.err.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0 && s.getenv("TERM") != "dumb"
		}
	}
	return p
}

// add tells that n more are done.
func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.print()
}

// at tells how many are done.
func (p *progress) at(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = n
	p.print()
}

func (p *progress) print() {
	if p.terminal {
		if now := time.Now(); now.Sub(p.printed) >= barEvery {
			p.printed = now
			fmt.Fprint(p.out, "\r"+p.bar()+"\x1b[K")
		}
		return
	}
	step := max(p.total/10, 5000)
	if p.done/step != p.told/step {
		p.told = p.done
		fmt.Fprintln(p.out, p.line())
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *progress) line() string {
	if p.total == 0 {
		return thousands(p.done) + " " + p.what
	}
	return fmt.Sprintf("%s of %s %s", thousands(p.done), thousands(p.total), p.what)
}

func (p *progress) bar() string {
	if p.total == 0 {
		return p.line()
	}
	const width = 30
	full := int(width * p.done / p.total)
	text := "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "] " + p.line()
	if took := time.Since(p.begun); p.done > 0 && took > time.Second {
		left := time.Duration(float64(took) / float64(p.done) * float64(p.total-p.done)).Round(time.Second)
		text += fmt.Sprintf(", %s left", left)
	}
	return text
}

package mail

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
)

// serve is as much of an SMTP server as it takes to see what is sent, and to
// refuse it: answer is what it says to a recipient. The browser suite has a
// real one.
func serve(t *testing.T, answer string) (url string, letters <-chan string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go converse(c, answer, got)
		}
	}()
	return "smtp://" + l.Addr().String(), got
}

func converse(c net.Conn, answer string, got chan<- string) {
	defer func() { _ = c.Close() }()
	say := func(s string) { _, _ = fmt.Fprint(c, s+"\r\n") }
	say("220 here")
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		switch word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); word {
		case "RCPT":
			say(answer)
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for lines.Scan() && lines.Text() != "." {
				text.WriteString(lines.Text() + "\n")
			}
			got <- text.String()
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

var message = Message{
	To: "ana@example.org", Lang: "de", Subject: "Ihre Einladung", Title: "Willkommen", Paragraphs: []string{"Für <Sie>"},
	Action: "Annehmen", Link: "https://onsight.example.org/inviteuser?token=abc&lang=de", After: []string{"Ende"},
}

func TestSend(t *testing.T) {
	t.Parallel()
	url, letters := serve(t, "250 fine")
	s, err := New(Config{URL: url, From: "Onsight <bi@example.org>"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	text := <-letters
	for _, want := range []string{
		"From: \"Onsight\" <bi@example.org>", "To: <ana@example.org>", "Subject: Ihre Einladung", "Content-Language: de", "Auto-Submitted: auto-generated",
		"multipart/alternative", "text/plain", "text/html", "&lt;Sie&gt;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the letter lacks %q:\n%s", want, text)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for answer, permanent := range map[string]bool{"550 5.1.1 nobody": true, "451 4.3.0 later": false} {
		url, _ := serve(t, answer)
		s, err := New(Config{URL: url, From: "bi@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(context.Background(), message); err == nil || Permanent(err) != permanent {
			t.Errorf("%s: %v, permanent %v", answer, err, Permanent(err))
		}
	}
	s, err := New(Config{URL: "smtp://127.0.0.1:1", From: "bi@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), message); err == nil || Permanent(err) {
		t.Errorf("nobody listens: %v", err)
	}
	wrong := message
	wrong.To = "ana\r\nBcc: all@example.org"
	if err := s.Send(t.Context(), wrong); err == nil || !Permanent(err) {
		t.Errorf("an address with a line break: %v", err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"smtp://mail.example.org": true, "smtps://mail.example.org:465": true, "smtp://u@mail.example.org": false, "smtp://u:secret@mail.example.org": false,
		"http://mail.example.org": false, "mail.example.org:25": false, "smtp://mail.example.org/path": false,
	} {
		if _, err := New(Config{URL: url, From: "bi@example.org"}); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := New(Config{URL: "smtp://u@h", Password: "p", From: "bi@example.org"}); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{URL: "smtp://h", From: "nobody"}); err == nil {
		t.Error("a sender without an address was taken")
	}
}

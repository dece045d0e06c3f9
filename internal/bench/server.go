package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"onsight/internal/access"
)

// server is a server under load, in a process of its own.
type server struct {
	name  string
	addr  string
	start time.Duration // from its start to its first answer
	cmd   *exec.Cmd
	roots *access.Roots
}

// startOnsight starts the binary in its normal mode: signed, durable.
func startOnsight(binary, dir string) (s *server, err error) {
	s = &server{name: "Onsight"}
	if s, err = await(s, binary, "serve", "-listen", "127.0.0.1:0", "-data", dir); err == nil {
		s.roots, err = access.OpenRoots(dir)
	}
	return s, err
}

// await starts a program that prints where it is ready. Its log goes where a
// service's goes: into a file, which costs it something.
func await(s *server, binary string, args ...string) (*server, error) {
	log, err := os.CreateTemp("", "onsight-bench-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(log.Name()) }() // the program keeps it open
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "onsight: ready on http://"); ok {
			s.start, s.addr = time.Since(begin), addr
			return s, nil
		}
	}
	return nil, errors.Join(errors.New(s.name+" ended without its ready line"), s.cmd.Wait())
}

// startMoto starts moto's server, which keeps everything in memory.
func startMoto(binary string) (*server, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(addr)
	s := &server{name: "moto", addr: addr, cmd: exec.Command(binary, "-H", host, "-p", port)}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(begin) < time.Minute {
		if c, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr); err == nil {
			s.start = time.Since(begin)
			return s, c.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, errors.Join(errors.New("moto does not answer"), s.stop())
}

// memory is the resident set of the process, in bytes.
func (s *server) memory() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			return kb << 10, nil
		}
	}
	return 0, errors.New("the system tells no VmRSS")
}

// cpu is the processor time that the process has used so far.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold anything; times follow as the 12th and
	// 13th field behind it, in hundredths of a second (proc(5)).
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("the system tells no processor time")
	}
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, err
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := s.cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok && s.roots == nil {
		return nil // moto ends by the signal
	}
	return err
}

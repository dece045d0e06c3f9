package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// maxStatements bounds the statements that a connection keeps prepared.
	maxStatements = 300
	// statementTimeout is how long PostgreSQL works at one statement. One of
	// the store's takes milliseconds; what takes longer waits for a lock.
	statementTimeout = 15 * time.Second
	// silence is how long the network may say nothing while an answer is due.
	silence = statementTimeout + 5*time.Second
	// connectTimeout bounds a connection attempt, unless the URL does.
	connectTimeout = 5 * time.Second
)

// A command is a statement without parameters that belongs to transactions.
type command int

// The commands, and their text.
const (
	beginSerializable command = iota
	beginCommitted
	beginRead
	savepoint
	release
	undo
	transactionID
	commit
	rollback
)

var commands = [...]string{
	beginSerializable: "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
	beginCommitted:    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
	beginRead:         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	savepoint:         "SAVEPOINT member",
	release:           "RELEASE SAVEPOINT member",
	undo:              "ROLLBACK TO SAVEPOINT member",
	transactionID:     "SELECT txid_current()",
	commit:            "COMMIT",
	rollback:          "ROLLBACK",
}

// A Mode is a kind of transaction.
type Mode command

// The modes.
const (
	Serializable = Mode(beginSerializable) // to write
	Committed    = Mode(beginCommitted)    // to claim with SKIP LOCKED
	ReadOnly     = Mode(beginRead)         // one snapshot
)

// ParseConfig reads a postgres:// URL.
func ParseConfig(url string) (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, err // pgconn leaves the password out of it
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if _, ok := config.RuntimeParams["application_name"]; !ok {
		config.RuntimeParams["application_name"] = "onsight"
	}
	return config, nil
}

// Conn is one connection.
type Conn struct {
	pc      *pgconn.PgConn
	descs   [len(commands)]*pgconn.StatementDescription
	stmts   map[string]*Stmt
	serial  int       // of the last statement's name
	pending []command // go out before the next statement
	begun   bool      // BEGIN went out
	xid     string    // of the transaction, once it writes
	fresh   bool      // no statement yet
}

// Connect opens a connection whose commits are durable when they return.
func Connect(ctx context.Context, config *pgconn.Config) (*Conn, error) {
	config = config.Copy()
	config.RuntimeParams["statement_timeout"] = strconv.FormatInt(statementTimeout.Milliseconds(), 10)
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &timed{nc}, nil
	}
	pc, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	c := &Conn{pc: pc, stmts: map[string]*Stmt{}, fresh: true}
	if err := c.setup(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// setup prepares the commands, and sees to it that a commit waits for the disk.
func (c *Conn) setup() error {
	p := c.pc.StartPipeline(context.Background())
	for i, text := range commands {
		p.SendPrepare("c"+strconv.Itoa(i), text, nil)
	}
	p.SendQueryParams("SELECT set_config('synchronous_commit', 'on', false)"+
		" WHERE current_setting('synchronous_commit') = 'off'", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		return errors.Join(err, p.Close())
	}
	for i := range commands {
		r, err := p.GetResults()
		if err != nil {
			return errors.Join(err, p.Close())
		}
		d, ok := r.(*pgconn.StatementDescription)
		if !ok {
			return errors.Join(fmt.Errorf("pg: %T instead of a description", r), p.Close())
		}
		d.Name = "c" + strconv.Itoa(i)
		c.descs[i] = d
	}
	return p.Close()
}

// Close ends the connection.
func (c *Conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.pc.Close(ctx)
}

// Dead tells whether the connection is lost.
func (c *Conn) Dead() bool { return c.pc.IsClosed() }

// Fresh tells whether nothing has been asked of the connection yet.
func (c *Conn) Fresh() bool { return c.fresh }

// Begin starts a transaction; it goes out with the first statement.
func (c *Conn) Begin(m Mode) {
	c.pending = append(c.pending[:0], command(m))
	c.begun, c.xid = false, ""
}

// Savepoint marks a place to come back to with Undo.
func (c *Conn) Savepoint() { c.pending = append(c.pending, savepoint) }

// Release forgets the last savepoint and keeps what was done since.
func (c *Conn) Release() { c.pending = append(c.pending, release) }

// Undo goes back to the last savepoint, and forgets it.
func (c *Conn) Undo() { c.pending = append(c.pending, undo, release) }

// XID is the number of the transaction, or "" when it has not written. See Fate.
func (c *Conn) XID() string { return c.xid }

// Commit ends the transaction and keeps it.
func (c *Conn) Commit() error {
	if !c.begun {
		c.pending = c.pending[:0]
		return nil
	}
	tag, err := c.run(commit)
	if err == nil && tag != "COMMIT" {
		err = fmt.Errorf("pg: %s instead of COMMIT", tag)
	}
	return err
}

// Rollback ends the transaction and drops it. There may be none, for it has
// not begun, or a Commit has failed.
func (c *Conn) Rollback() error {
	c.pending = c.pending[:0]
	if c.Idle() {
		return nil
	}
	_, err := c.run(rollback)
	return err
}

// Idle tells whether no transaction is open on the server.
func (c *Conn) Idle() bool { return !c.begun && c.pc.TxStatus() == 'I' }

// run sends what is pending and cmd, and gives the tag of cmd.
func (c *Conn) run(cmd command) (string, error) {
	c.begun = false
	p := c.pc.StartPipeline(context.Background())
	c.sendPending(p)
	p.SendQueryStatement(c.descs[cmd], nil, nil, nil)
	if err := p.Sync(); err != nil {
		return "", errors.Join(err, p.Close())
	}
	err := c.takePending(p)
	if err != nil {
		return "", errors.Join(err, p.Close())
	}
	r, err := p.GetResults()
	if err != nil {
		return "", errors.Join(err, p.Close())
	}
	rr, ok := r.(*pgconn.ResultReader)
	if !ok {
		return "", errors.Join(fmt.Errorf("pg: %T instead of a result", r), p.Close())
	}
	tag, err := rr.Close()
	if err != nil {
		return "", errors.Join(err, p.Close())
	}
	return tag.String(), p.Close()
}

// flush sends what is pending in a transaction that has begun. A statement
// that cannot be prepared ends the transaction, or what was done since the
// savepoint, so the savepoint has to be there.
func (c *Conn) flush() error {
	if !c.begun || len(c.pending) == 0 {
		return nil
	}
	p := c.pc.StartPipeline(context.Background())
	c.sendPending(p)
	if err := p.Sync(); err != nil {
		return errors.Join(err, p.Close())
	}
	return errors.Join(c.takePending(p), p.Close())
}

func (c *Conn) sendPending(p *pgconn.Pipeline) {
	for _, cmd := range c.pending {
		p.SendQueryStatement(c.descs[cmd], nil, nil, nil)
	}
}

// takePending reads the answers to what was pending.
func (c *Conn) takePending(p *pgconn.Pipeline) error {
	defer func() { c.pending = c.pending[:0] }()
	for _, cmd := range c.pending {
		r, err := p.GetResults()
		if err != nil {
			return err
		}
		rr, ok := r.(*pgconn.ResultReader)
		if !ok {
			return fmt.Errorf("pg: %T instead of a result", r)
		}
		if cmd == transactionID && rr.NextRow() {
			c.xid = string(rr.Values()[0])
		}
		if _, err := rr.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Fate tells what became of a transaction whose connection was lost:
// "committed", "aborted", "in progress", or "" when it is too long ago.
func (c *Conn) Fate(xid string) (string, error) {
	rr := c.pc.ExecParams(context.Background(), "SELECT txid_status($1::bigint)", [][]byte{[]byte(xid)}, nil, nil, nil).Read()
	if rr.Err != nil {
		return "", rr.Err
	}
	return string(rr.Rows[0][0]), nil
}

// Prepare gives the statement for query, which stays prepared.
func (c *Conn) Prepare(query string) (*Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		for _, s := range c.stmts {
			if err := c.pc.Deallocate(context.Background(), s.desc.Name); err != nil {
				return nil, err
			}
		}
		clear(c.stmts)
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	c.serial++
	desc, err := c.pc.Prepare(context.Background(), "s"+strconv.Itoa(c.serial), query, nil)
	if err != nil {
		return nil, err
	}
	s := newStmt(c, query, desc)
	c.stmts[query] = s
	return s, nil
}

// timed is a network connection that does not wait for ever: a Read or Write
// happens only while an answer is due.
type timed struct{ net.Conn }

// Read reads, until silence has lasted too long.
func (t *timed) Read(b []byte) (int, error) {
	if err := t.SetReadDeadline(deadline()); err != nil {
		return 0, err
	}
	return t.Conn.Read(b)
}

// Write writes, until silence has lasted too long.
func (t *timed) Write(b []byte) (int, error) {
	if err := t.SetWriteDeadline(deadline()); err != nil {
		return 0, err
	}
	return t.Conn.Write(b)
}

func deadline() time.Time {
	return time.Now().Add(silence) //nolint:forbidigo // the network goes by the real clock
}

package pg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Stmt is a prepared statement: set its parameters, Step while there are rows, End.
type Stmt struct {
	c       *Conn
	desc    *pgconn.StatementDescription
	columns []string
	writes  bool

	values  [][]byte
	formats []int16 // of the values
	results []int16 // formats of the columns
	scratch []byte  // numbers among the values

	pipe     *pgconn.Pipeline
	rows     *pgconn.ResultReader
	affected int64
}

// The two formats of values on the wire.
const (
	asText   = 0
	asBinary = 1
)

func newStmt(c *Conn, query string, desc *pgconn.StatementDescription) *Stmt {
	s := &Stmt{
		c: c, desc: desc,
		values: make([][]byte, len(desc.ParamOIDs)), formats: make([]int16, len(desc.ParamOIDs)),
		columns: make([]string, len(desc.Fields)), results: make([]int16, len(desc.Fields)),
	}
	first, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	s.writes = !strings.EqualFold(strings.TrimSpace(first), "SELECT")
	for i, f := range desc.Fields {
		s.columns[i] = f.Name
		switch f.DataTypeOID {
		case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID, pgtype.BoolOID, pgtype.ByteaOID, pgtype.TextOID, pgtype.VarcharOID:
			s.results[i] = asBinary
		default:
			s.results[i] = asText
		}
	}
	return s
}

// Params is the number of parameters.
func (s *Stmt) Params() int { return len(s.values) }

// Columns are the names of the columns of a row.
func (s *Stmt) Columns() []string { return s.columns }

// Writes tells whether the statement may change the database.
func (s *Stmt) Writes() bool { return s.writes }

// SetInt64 sets parameter $i, counted from one.
func (s *Stmt) SetInt64(i int, v int64) {
	at := len(s.scratch)
	if s.desc.ParamOIDs[i-1] == pgtype.Int8OID {
		s.scratch = binary.BigEndian.AppendUint64(s.scratch, uint64(v))
		s.formats[i-1] = asBinary
	} else {
		s.scratch = strconv.AppendInt(s.scratch, v, 10)
		s.formats[i-1] = asText
	}
	s.values[i-1] = s.scratch[at:]
}

// SetBool sets parameter $i.
func (s *Stmt) SetBool(i int, v bool) {
	if s.desc.ParamOIDs[i-1] != pgtype.BoolOID {
		var n int64
		if v {
			n = 1
		}
		s.SetInt64(i, n)
		return
	}
	at := len(s.scratch)
	b := byte(0)
	if v {
		b = 1
	}
	s.scratch = append(s.scratch, b)
	s.values[i-1], s.formats[i-1] = s.scratch[at:], asBinary
}

// SetText sets parameter $i to a text of UTF-8.
func (s *Stmt) SetText(i int, v string) {
	if v == "" {
		s.SetBytes(i, []byte{})
		return
	}
	s.SetBytes(i, unsafe.Slice(unsafe.StringData(v), len(v)))
}

// SetBytes sets parameter $i to a text or, where the parameter is one, to a blob.
func (s *Stmt) SetBytes(i int, v []byte) {
	if v == nil {
		v = []byte{}
	}
	s.values[i-1], s.formats[i-1] = v, asText
	if s.desc.ParamOIDs[i-1] == pgtype.ByteaOID {
		s.formats[i-1] = asBinary
	}
}

// SetNull sets parameter $i to NULL.
func (s *Stmt) SetNull(i int) { s.values[i-1], s.formats[i-1] = nil, asText }

// Step goes to the next row; false when there is none. The first Step runs the statement.
func (s *Stmt) Step() (bool, error) {
	if s.rows == nil {
		if err := s.send(); err != nil {
			return false, err
		}
	}
	if s.rows.NextRow() {
		return true, nil
	}
	tag, err := s.rows.Close()
	s.affected = tag.RowsAffected()
	return false, err
}

func (s *Stmt) send() error {
	c := s.c
	if s.writes && c.xid == "" {
		c.pending = append(c.pending, transactionID)
	}
	s.pipe = c.pc.StartPipeline(context.Background())
	c.sendPending(s.pipe)
	s.pipe.SendQueryStatement(s.desc, s.values, s.formats, s.results)
	if err := s.pipe.Sync(); err != nil {
		return err
	}
	c.begun, c.fresh = true, false
	if err := c.takePending(s.pipe); err != nil {
		return err
	}
	r, err := s.pipe.GetResults()
	if err != nil {
		return err
	}
	rows, ok := r.(*pgconn.ResultReader)
	if !ok {
		return fmt.Errorf("pg: %T instead of a result", r)
	}
	s.rows = rows
	return nil
}

// End ends the run and makes the statement ready for the next. The parameters
// are forgotten. It gives the number of rows that the statement changed; an
// error that Step has given comes again.
func (s *Stmt) End() (affected int64, err error) {
	if s.pipe != nil {
		err = s.pipe.Close()
	}
	if s.writes {
		affected = s.affected
	}
	s.pipe, s.rows, s.affected, s.scratch = nil, nil, 0, s.scratch[:0]
	clear(s.values)
	return affected, err
}

// Null tells whether column i of the current row, counted from zero, is NULL.
func (s *Stmt) Null(i int) bool { return s.rows.Values()[i] == nil }

// ErrType says that a column has another type than the one asked for.
var ErrType = errors.New("has another type")

// Int64 is column i of the current row: a number, or a boolean as 1 or 0.
func (s *Stmt) Int64(i int) (int64, error) {
	b := s.rows.Values()[i]
	switch s.desc.Fields[i].DataTypeOID {
	case pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(b)), nil
	case pgtype.Int4OID:
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	case pgtype.Int2OID:
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case pgtype.BoolOID:
		return int64(b[0]), nil
	case pgtype.NumericOID: // sum() of BIGINT
		return strconv.ParseInt(string(b), 10, 64)
	}
	return 0, ErrType
}

// Bytes is column i of the current row, a text or a blob, valid until the next
// Step or End.
func (s *Stmt) Bytes(i int) ([]byte, error) {
	switch s.desc.Fields[i].DataTypeOID {
	case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID, pgtype.BoolOID:
		return nil, ErrType
	}
	return s.rows.Values()[i], nil
}

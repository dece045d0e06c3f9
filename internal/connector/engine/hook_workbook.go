package engine

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// workbookWrite writes a range of a workbook, when what is to be written has as
// many rows and columns as the range: the service would write one value
// everywhere, or refuse the others without saying where they are wrong.
func workbookWrite(ctx context.Context, c *Call) (*Result, error) {
	address, _ := c.Input["address"].(string)
	rows, columns, err := extent(address)
	if err != nil {
		return nil, err
	}
	given := false
	for _, name := range []string{"values", "formulas", "numberFormat"} {
		table, ok := c.Input[name].([]any)
		if !ok {
			continue
		}
		given = true
		if len(table) != rows {
			return nil, invalid("/%s has %s, and the range %s has %s", name, count(len(table), "row"), address, count(rows, "row"))
		}
		for i, row := range table {
			if row, _ := row.([]any); len(row) != columns {
				return nil, invalid("/%s/%d has %s, and the range %s has %s", name, i, count(len(row), "column"), address, count(columns, "column"))
			}
		}
	}
	if !given {
		return nil, invalid("Give values, formulas or numberFormat: there is nothing to write")
	}
	return c.Send(ctx, c.Operation, c.Input)
}

// corner is a cell's name, in capital letters.
var corner = regexp.MustCompile(`^\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})$`)

// The size of a worksheet.
const (
	sheetRows    = 1 << 20
	sheetColumns = 1 << 14
)

// extent says how many rows and columns a range has, such as A1:B2.
func extent(address string) (rows, columns int, err error) {
	from, to, ok := strings.Cut(strings.ToUpper(address), ":")
	if !ok {
		to = from
	}
	a, b := corner.FindStringSubmatch(from), corner.FindStringSubmatch(to)
	if a == nil || b == nil {
		return 0, 0, invalid("/address is no range of cells, such as A1:B2")
	}
	row := func(m []string) int {
		n, _ := strconv.Atoi(m[2]) // it is seven digits at most
		return n
	}
	column := func(m []string) (n int) {
		for _, letter := range m[1] {
			n = n*26 + int(letter-'A') + 1
		}
		return n
	}
	if max(row(a), row(b)) > sheetRows || max(column(a), column(b)) > sheetColumns {
		return 0, 0, invalid("/address leads beyond the last cell, XFD1048576")
	}
	return abs(row(a)-row(b)) + 1, abs(column(a)-column(b)) + 1, nil
}

func abs(n int) int { return max(n, -n) }

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// columnName gives the letters of a column that is counted from 0: 26 is AA.
func columnName(value any) (any, error) {
	n, err := strconv.Atoi(plain(value))
	if err != nil || n < 0 || n >= sheetColumns {
		return nil, invalid("a column is a number from 0 to %d", sheetColumns-1)
	}
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name, nil
}

// rowName gives the name of a row that is counted from 0, which is one more.
func rowName(value any) (any, error) {
	n, err := strconv.Atoi(plain(value))
	if err != nil || n < 0 || n >= sheetRows {
		return nil, invalid("a row is a number from 0 to %d", sheetRows-1)
	}
	return strconv.Itoa(n + 1), nil
}

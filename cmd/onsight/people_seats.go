package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const seatsAbout = `Counts the seats of an account by role: those in use, those that are idle, those whose invitation waits,
and those that are deactivated. A deactivated user holds no seat.

With -prices FILE it says what the seats cost a month. The file is JSON, and every price in it is yours:

  {
    "currency": "USD",
    "editions": {
      "ENTERPRISE": {
        "AUTHOR": {"month": 24},
        "READER": {"session": 0.30, "monthMax": 5}
      }
    }
  }

A role costs a sum a month for each seat, or a sum for each session, up to one a month. Sessions are not
counted, so a role with a price for sessions is shown with the most that it can cost.`

// prices is a file with prices.
type prices struct {
	Currency string                          `json:"currency"`
	Editions map[string]map[string]rolePrice `json:"editions"`
}

// rolePrice is what a seat costs: Month, or Session up to MonthMax.
type rolePrice struct {
	Month    *price `json:"month"`
	Session  *price `json:"session"`
	MonthMax *price `json:"monthMax"`
}

// price is an exact sum.
type price struct{ big.Rat }

// UnmarshalJSON reads a number as it is written.
func (p *price) UnmarshalJSON(text []byte) error {
	if _, ok := p.SetString(string(text)); !ok || p.Sign() < 0 || strings.ContainsAny(string(text), `"/`) {
		return fmt.Errorf("%s is not a price", text)
	}
	return nil
}

func readPrices(file string) (*prices, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var p prices
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for edition, roles := range p.Editions {
		for role, price := range roles {
			if (price.Month == nil) == (price.Session == nil) || (price.Session == nil) != (price.MonthMax == nil) {
				return nil, fmt.Errorf("%s: the price of %s in edition %s is either a month, or a session and a monthMax", file, role, edition)
			}
		}
	}
	if p.Currency == "" {
		return nil, fmt.Errorf("%s names no currency", file)
	}
	return &p, nil
}

// A seatLine is what one role has.
type seatLine struct {
	Role        string
	Seats       int64 // that are held: active, idle and invited
	Active      int64
	Idle        int64
	Invited     int64
	Deactivated int64
	NeverSeen   int64
	// What follows is with prices only. The sums are decimal numbers.
	PriceMonth string `json:",omitempty"`
	Month      string `json:",omitempty"`
	IdleMonth  string `json:",omitempty"`
	AtMost     bool   `json:",omitempty"`

	sum, idle *big.Rat
}

// A bill is the seats of an account.
type bill struct {
	Account  string
	Edition  string
	IdleDays int64
	Currency string `json:",omitempty"`
	Roles    []*seatLine
	Total    *seatLine
}

func peopleSeats(ctx context.Context, args []string, s streams) error {
	var r remote
	var idle days
	fs := peopleFlags("seats", "", seatsAbout, &r, s)
	format := fs.String("format", "table", "`format`: table, json or csv")
	namespace := fs.String("namespace", "", "only this `namespace`")
	pricesFile := fs.String("prices", "", "`file` with prices")
	fs.Var(&idle, "idle", "a seat is idle that was not used for so many `days` (default 30d)")
	if _, err := parsePeople(fs, args, "", 0, 0); err != nil {
		return err
	}
	if r.json {
		*format = "json"
	}
	if !slices.Contains([]string{"table", "json", "csv"}, *format) {
		return usageError{fmt.Errorf("-format %q is not one of table, json and csv", *format)}
	}
	var p *prices
	var err error
	if *pricesFile != "" {
		if p, err = readPrices(*pricesFile); err != nil {
			return err
		}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.DescribeSeats, onsightapi.DescribeSeatsRequest{AwsAccountId: r.account, Namespace: set[string](*namespace), IdleDays: idle.days()})
	if err != nil {
		return err
	}
	b, err := newBill(r.account, out, p)
	if err != nil {
		return err
	}
	if *format == "json" {
		return json.MarshalWrite(s.out, b, jsontext.Multiline(true), jsontext.WithIndent("  "))
	}
	return b.print(s, *format, p != nil)
}

// newBill adds the seats of all namespaces up, by role.
func newBill(account string, out *onsightapi.DescribeSeatsResponse, p *prices) (*bill, error) {
	b := &bill{Account: account, Edition: *out.Edition, IdleDays: *out.IdleDays, Total: &seatLine{Role: "TOTAL", sum: new(big.Rat), idle: new(big.Rat)}}
	lines := map[string]*seatLine{}
	for _, seats := range out.Seats {
		line := lines[*seats.Role]
		if line == nil {
			line = &seatLine{Role: *seats.Role}
			lines[*seats.Role] = line
		}
		for _, l := range []*seatLine{line, b.Total} {
			l.Active += *seats.Active
			l.Idle += *seats.Idle
			l.Invited += *seats.Invited
			l.Deactivated += *seats.Deactivated
			l.NeverSeen += *seats.NeverSeen
			l.Seats = l.Active + l.Idle + l.Invited
		}
	}
	for _, role := range slices.Sorted(maps.Keys(lines)) {
		b.Roles = append(b.Roles, lines[role])
	}
	if p == nil {
		return b, nil
	}
	b.Currency = p.Currency
	for _, line := range b.Roles {
		price, ok := p.Editions[b.Edition][line.Role]
		if !ok {
			return nil, fmt.Errorf("the prices have none for %s in edition %s", line.Role, b.Edition)
		}
		month := cmp.Or(price.Month, price.MonthMax)
		line.AtMost = price.Month == nil
		line.sum = new(big.Rat).Mul(&month.Rat, new(big.Rat).SetInt64(line.Seats))
		line.idle = new(big.Rat).Mul(&month.Rat, new(big.Rat).SetInt64(line.Idle))
		line.PriceMonth, line.Month, line.IdleMonth = month.FloatString(2), line.sum.FloatString(2), line.idle.FloatString(2)
		b.Total.sum.Add(b.Total.sum, line.sum)
		b.Total.idle.Add(b.Total.idle, line.idle)
		b.Total.AtMost = b.Total.AtMost || line.AtMost
	}
	b.Total.Month, b.Total.IdleMonth = b.Total.sum.FloatString(2), b.Total.idle.FloatString(2)
	return b, nil
}

func (b *bill) print(s streams, format string, priced bool) error {
	columns := []string{"ROLE", "SEATS", "ACTIVE", "IDLE", "INVITED", "DEACTIVATED", "NEVER SEEN"}
	fields := []string{"role", "seats", "active", "idle", "invited", "deactivated", "never_seen"}
	if priced {
		columns = append(columns, "A MONTH EACH", b.Currency+" A MONTH", "OF WHICH IDLE")
		fields = append(fields, "month_each", "month", "month_idle", "at_most", "currency")
	}
	out, err := newReport(format, s.out, columns, fields)
	if err != nil {
		return err
	}
	if format == "table" {
		fmt.Fprintf(s.out, "Account %s, edition %s; idle is who was not seen for %s\n\n", b.Account, b.Edition, many(b.IdleDays, "day", "days"))
	}
	for _, l := range append(slices.Clone(b.Roles), b.Total) {
		var numbers []string
		for _, n := range []int64{l.Seats, l.Active, l.Idle, l.Invited, l.Deactivated, l.NeverSeen} {
			numbers = append(numbers, fmt.Sprint(n))
		}
		cells, values := append([]string{l.Role}, numbers...), append([]string{l.Role}, numbers...)
		if priced {
			most := ""
			if l.AtMost {
				most = "at most "
			}
			each := l.PriceMonth
			if l == b.Total {
				each = ""
			}
			cells = append(cells, each, most+l.Month, most+l.IdleMonth)
			values = append(values, each, l.Month, l.IdleMonth, fmt.Sprint(l.AtMost), b.Currency)
		}
		if err := out.row(l, cells, values); err != nil {
			return err
		}
	}
	return errors.Join(out.end())
}

// Command opsdoc writes docs/operations.md: which operations of the APIs this
// version answers, read from the server itself.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"onsight/internal/app"
	"onsight/internal/config"
	"onsight/internal/wire"
)

const introduction = `# Operations

Every operation of the APIs is routed, signed and validated. Those that are not answered yet get HTTP 501 with the error code
` + "`NotImplementedException`, or `NotImplemented` in IAM and STS" + `. This page is generated (` + "`make generate`" + `).
`

// services are those of the page, with their headings.
var services = []struct{ name, heading string }{
	{wire.QuickSight, "QuickSight"}, {wire.IAM, "IAM"}, {wire.STS, "STS"}, {wire.CloudTrail, "CloudTrail, as much as is served"},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: opsdoc FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "opsdoc:", err)
		os.Exit(1)
	}
}

func write(file string) error {
	ctx := context.Background()
	a, err := app.Open(ctx, config.Config{Dev: true, Memory: true}, app.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		return err
	}
	if err := a.Close(ctx); err != nil {
		return err
	}
	page := []byte(introduction)
	for _, s := range services {
		page = append(page, "\n## "+s.heading+"\n\n"...)
		page = append(page, wire.Coverage(wire.Of(s.name), a.Operations[s.name])...)
	}
	return os.WriteFile(file, page, 0o644) //nolint:gosec // a page of the documentation
}

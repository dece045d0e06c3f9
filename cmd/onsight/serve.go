package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"onsight/internal/app"
	"onsight/internal/config"
)

// drain is how long requests that are under way may take to end after a
// signal. Orchestrators as a rule wait 30 seconds before they kill.
const drain = 20 * time.Second

// serve answers the API until the context ends.
func serve(ctx context.Context, args []string, s streams) (err error) {
	c, err := config.Parse(args, s.getenv, s.err)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if err != nil {
		return usageError{err}
	}
	if s.getenv("GOGC") == "" {
		// What a request leaves behind is much next to what the server keeps, so
		// with Go's own setting the collector runs all the time: a third of the
		// processor under load. This way it takes memory, while there is load.
		debug.SetGCPercent(400)
	}
	log := c.Logger(s.err)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	here := c.Scheme() + "://" + listener.Addr().String()
	if c.PublicURL == "" {
		c.PublicURL = here
	}
	if c.Exposed() {
		log.Warn("people reach this server by plain HTTP: passwords and sessions can be read on the way; use TLS, here (-tls-cert) or at a proxy (-public-url https://…)", "public_url", c.PublicURL)
	}
	a, err := app.Open(context.WithoutCancel(ctx), c, app.Options{Log: log, Now: time.Now})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	closeMetrics, err := serveMetrics(ctx, c, a, log)
	if err != nil {
		return errors.Join(err, listener.Close(), a.Close(context.WithoutCancel(ctx)))
	}
	server := &http.Server{
		Handler: a.Handler, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	greet(s, c, a)
	fmt.Fprintln(s.out, "onsight: ready on "+here)

	ended := make(chan error, 1)
	go func() {
		if c.TLSCert != "" {
			ended <- server.ServeTLS(listener, c.TLSCert, c.TLSKey)
		} else {
			ended <- server.Serve(listener)
		}
	}()
	select {
	case err = <-ended:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		log.Info("stopping: requests under way may end", "within", drain)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return errors.Join(err, server.Shutdown(stopping), closeMetrics(), a.Close(stopping))
}

// serveMetrics lets Prometheus read what the server counts, at an address of its
// own: whoever can reach that needs no signature.
func serveMetrics(ctx context.Context, c config.Config, a *app.App, log *slog.Logger) (closing func() error, err error) {
	if c.MetricsListen == "" {
		return func() error { return nil }, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for metrics: %w", c.MetricsListen, err)
	}
	server := &http.Server{
		Handler: app.MetricsHandler(a.Metrics), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve metrics", "error", err.Error())
		}
	}()
	log.Info("metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	return server.Close, nil
}

// greet prints what to paste into a shell whose clients are to use the server.
func greet(s streams, c config.Config, a *app.App) {
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }
	if c.Dev {
		p("onsight: DEVELOPMENT MODE: NO SIGNATURE IS CHECKED AND EVERYONE IS LET IN. NOT FOR PRODUCTION.")
	}
	p("")
	p("  export AWS_ENDPOINT_URL_QUICKSIGHT=%s", c.PublicURL)
	p("  export AWS_REGION=%s AWS_DEFAULT_REGION=%[1]s", c.Region)
	root, ok := a.Roots.Of(c.Account)
	switch {
	case c.Dev:
		p("  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test")
	case ok && a.RootMade:
		p("  export AWS_ACCESS_KEY_ID=%s", root.AccessKeyID)
		p("  export AWS_SECRET_ACCESS_KEY=%s", root.SecretAccessKey)
		p("")
		p("  # These are the root credentials of account %s, shown this once and kept in", c.Account)
		p("  # %s; \"%s credentials\" prints them again.", a.Roots.Path(), os.Args[0])
	case c.RootAccessKeyID != "":
		p("  # and the root credentials of account %s, which the server has from its environment", c.Account)
	default:
		p(`  eval "$(%s credentials -account %s -data %s)"`, os.Args[0], c.Account, c.Data)
	}
	p("")
}

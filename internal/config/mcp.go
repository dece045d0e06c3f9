package config

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
)

// Agents are the settings of the Model Context Protocol.
type Agents struct {
	// MCP lets agents use connectors as tools.
	MCP bool
	// MCPListed is how many tools are listed one by one.
	MCPListed int
	// MCPOrigins are those of web pages whose scripts may use the tools.
	MCPOrigins WebOrigins
}

func (c *Agents) flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.MCP, "mcp", true, "let agents use the connectors of people as tools, by the Model Context Protocol at /mcp")
	fs.IntVar(&c.MCPListed, "mcp-listed-tools", 100, "how many tools are listed for an agent one by one; for more it gets tools to search and to call them")
	fs.TextVar(&c.MCPOrigins, "mcp-origins", WebOrigins(nil), "`origins` of web pages whose scripts may use /mcp, such as https://agent.example.com")
}

func (c *Agents) complete() error {
	if c.MCPListed < 0 {
		return errors.New("-mcp-listed-tools must not be negative")
	}
	return nil
}

// WebOrigins are origins of web pages.
type WebOrigins []string

// MarshalText writes the origins.
func (o WebOrigins) MarshalText() ([]byte, error) { return []byte(strings.Join(o, ",")), nil }

// UnmarshalText reads the origins.
func (o *WebOrigins) UnmarshalText(text []byte) error {
	*o = nil
	for one := range strings.SplitSeq(string(text), ",") {
		one = strings.TrimSpace(one)
		u, err := url.Parse(one)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != one || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%q is not an origin, such as https://agent.example.com", one)
		}
		*o = append(*o, one)
	}
	return nil
}

package connector

import (
	"net/netip"
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/outbound"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ // want: part of the reason, or empty
		"https://api.example.com":                          "",
		"https://api.example.com/v1/":                      "",
		"https://host.example:8443/sap/opu/odata;v=2":      "",
		"https://host.example/token?sap-client=100":        "",
		"https://xn--bcher-kva.example/":                   "",
		"https://93.184.216.34/":                           "",
		"https://[2606:2800:220:1:248:1893:25c8:1946]/":    "",
		"https://API.Example.COM.":                         "",
		"https://a_b.example/":                             "",
		"https://7f000001.example/":                        "",
		"http://api.example.com":                           "scheme",
		"HTTP://api.example.com":                           "scheme",
		"//api.example.com":                                "scheme",
		"https:api.example.com":                            "no host",
		"https://":                                         "no host",
		"https:///path":                                    "no host",
		"https://:443/":                                    "no host",
		"https://api.example.com:":                         "no port",
		"https://api.example.com:0/":                       "port",
		"https://api.example.com:65536/":                   "port",
		"https://api.example.com:44a/":                     "isn't a URL",
		"https://user@api.example.com":                     "user name",
		"https://user:pass@api.example.com":                "user name",
		"https://@api.example.com":                         "user name",
		"https://api.example.com/#":                        "fragment",
		"https://api.example.com/a#b":                      "fragment",
		"https://api.example.com/%zz":                      "isn't a URL",
		`https://api.example.com\@10.0.0.1/`:               "backslash",
		"https://api.example.com/a b":                      "space",
		"https://api.example.com/\t":                       "control",
		"https://api.example.com/\u0085":                   "control",
		"https://api.example.com\x00":                      "control",
		"https://a..example":                               "1 to 63",
		"https://.example":                                 "1 to 63",
		"https://.":                                        "1 to 63",
		"https://" + strings.Repeat("a", 64) + ".example":  "1 to 63",
		"https://" + strings.Repeat("a.", 127) + "example": "253",
		"https://bücher.example/":                          "xn--",
		"https://１２７.0.0.1/":                               "xn--",
		"https://127.0.0。1/":                               "xn--",
		"https://a%62c.example/":                           "isn't a URL", // net/url takes no escaped ASCII in hosts
		"https://a*b.example/":                             "ASCII letters",
		"https://127.0.0.1":                                "loopback",
		"https://127.0.0.1./":                              "loopback",
		"https://127.255.1.2:8443/":                        "loopback",
		"https://0.0.0.0/":                                 "loopback",
		"https://10.1.2.3/":                                "loopback",
		"https://100.64.0.1/":                              "loopback",
		"https://169.254.169.254/latest/meta-data":         "loopback",
		"https://172.31.255.255/":                          "loopback",
		"https://192.168.0.1/":                             "loopback",
		"https://198.19.0.1/":                              "loopback",
		"https://224.0.0.1/":                               "loopback",
		"https://255.255.255.255/":                         "loopback",
		"https://168.63.129.16/":                           "loopback",
		"https://[::1]/":                                   "loopback",
		"https://[::]/":                                    "loopback",
		"https://[::ffff:127.0.0.1]/":                      "loopback",
		"https://[::ffff:a9fe:a9fe]/":                      "loopback",
		"https://[::127.0.0.1]/":                           "loopback",
		"https://[64:ff9b::7f00:1]/":                       "loopback",
		"https://[2002:7f00:1::]/":                         "loopback",
		"https://[2001::1]/":                               "loopback",
		"https://[fe80::1]/":                               "loopback",
		"https://[fe80::1%25eth0]/":                        "IPv6",
		"https://[fd00:ec2::254]/":                         "loopback",
		"https://[fec0::1]/":                               "loopback",
		"https://[ff02::1]/":                               "loopback",
		"https://[127.0.0.1]/":                             "isn't a URL",
		"https://[::1/":                                    "isn't a URL",
		"https://127.1/":                                   "number",
		"https://2130706433/":                              "number",
		"https://0x7f000001/":                              "number",
		"https://0x7f.1/":                                  "number",
		"https://0177.0.0.1/":                              "number",
		"https://127.0.0.1.5/":                             "number",
		"https://256.0.0.1/":                               "number",
		"https://a.0X7F/":                                  "number",
		"https://localhost/":                               "loopback",
		"https://LOCALHOST.:8443/":                         "loopback",
		"https://a.localhost/":                             "loopback",
		"https://metadata.google.internal/":                "loopback",
		"https://metadata.google.internal./":               "loopback",
	} {
		err := Endpoints{}.check("BaseEndpoint", raw)
		if want == "" {
			if err != nil {
				t.Errorf("check(%q) = %v, want no error", raw, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("check(%q) = nil, want an error with %q", raw, want)
			continue
		}
		f := fault.Of(err)
		if f.Code != "InvalidParameterValueException" || !strings.Contains(f.Message, want) || !strings.Contains(f.Message, "BaseEndpoint") {
			t.Errorf("check(%q) = %v, want InvalidParameterValueException with %q", raw, err, want)
		}
		if strings.Contains(raw, "pass") && strings.Contains(f.Message, "pass@") {
			t.Errorf("check(%q) gives the URL away: %s", raw, f.Message)
		}
	}
}

// What an operator allows may be named, but never what hands out credentials.
func TestEndpointsAllowed(t *testing.T) {
	t.Parallel()
	e := Endpoints{Allowed: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fd00::/8"),
	}}
	for raw, want := range map[string]bool{
		"https://10.1.2.3/":                true,
		"https://[::ffff:10.1.2.3]/":       true,
		"https://10.2.0.1/":                false,
		"https://localhost:9000/":          true,
		"https://127.0.0.1/":               true,
		"https://[fd12::1]/":               true,
		"https://169.254.1.1/":             true,
		"https://169.254.169.254/":         false,
		"https://[::ffff:169.254.169.254]": false,
		"https://[fd00:ec2::254]/":         false,
	} {
		if err := e.check("BaseEndpoint", raw); (err == nil) != want {
			t.Errorf("check(%q) = %v, want allowed %t", raw, err, want)
		}
	}
}

// Whatever passes is a plain https URL of a host that no other program reads
// as something else.
func FuzzEndpoints(f *testing.F) {
	for _, s := range []string{
		"https://api.example.com:8443/a?b=c", "https://user@h/", "https://[::1]/", "https://2130706433/", `https://a\@b/`, "https://h/#x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if (Endpoints{}).check("BaseEndpoint", raw) != nil {
			return
		}
		rest, ok := strings.CutPrefix(strings.ToLower(raw), "https://")
		if !ok {
			t.Fatalf("%q passes without https://", raw)
		}
		host, _, _ := strings.Cut(strings.Map(func(r rune) rune {
			if r == '/' || r == '?' {
				return '\n'
			}
			return r
		}, rest), "\n")
		if host == "" || strings.ContainsAny(host, "@\\# %") {
			t.Fatalf("%q passes with the host %q", raw, host)
		}
		if addr, err := netip.ParseAddrPort(host); err == nil && outbound.Ranges(nil).Check(addr.Addr()) != "" {
			t.Fatalf("%q passes and names %s", raw, addr)
		}
		if addr, err := netip.ParseAddr(strings.Trim(host, "[].")); err == nil && outbound.Ranges(nil).Check(addr) != "" {
			t.Fatalf("%q passes and names %s", raw, addr)
		}
	})
}

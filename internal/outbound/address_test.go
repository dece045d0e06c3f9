package outbound

import (
	"net/netip"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Refusal{
		"93.184.216.34": "", "2606:2800:220:1::1": "", "::ffff:93.184.216.34": "", "172.32.0.1": "", "100.128.0.1": "", "11.0.0.1": "",
		"127.0.0.1": loopback, "127.255.255.254": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback,
		"0.0.0.0": nobody, "0.1.2.3": nobody, "::": nobody, "::ffff:0.0.0.0": nobody, "255.255.255.255": nobody, "224.0.0.1": nobody, "ff02::1": nobody,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "100.64.0.1": private, "fd12:3456::1": private,
		"::ffff:10.0.0.1": private, "::ffff:a00:1": private,
		"169.254.1.1": linkLocal, "fe80::1": linkLocal, "fe80::1%eth0": linkLocal,
		"169.254.169.254": metadata, "::ffff:169.254.169.254": metadata, "fd00:ec2::254": metadata, "100.100.100.200": metadata, "168.63.129.16": metadata,
		"64:ff9b::a9fe:a9fe": metadata, "2002:a9fe:a9fe::1": metadata, "::169.254.169.254": metadata, "64:ff9b:1::a9fe:a9fe": metadata,
		"2001:0:1::5601:5601": metadata, // Teredo turns the bits
		"64:ff9b::a00:1":      translated, "64:ff9b::5db8:d822": translated, "2002:7f00:1::": translated, "2001:0:4136:e378:8000:63bf:3fff:fdd2": translated,
		"::7f00:1": translated, "::ffff:0:7f00:1": translated, "2606:2800:220:1:0:5efe:7f00:1": translated, "2606:2800:220:1:200:5efe:a00:1": translated,
		"192.0.2.1": reserved, "198.18.0.1": reserved, "198.51.100.1": reserved, "203.0.113.1": reserved, "240.0.0.1": reserved, "192.0.0.8": reserved,
		"192.88.99.1": reserved, "2001:db8::1": reserved, "3fff::1": reserved, "fec0::1": reserved, "100::1": reserved, "4000::1": reserved, "2001:20::1": reserved,
	} {
		if got := Ranges(nil).Check(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := (Ranges{}).Check(netip.Addr{}); got != nobody {
		t.Errorf("no address: %q", got)
	}
}

// An operator opens what is theirs. Nothing opens credentials, nobody's
// addresses, and what is behind a translation.
func TestAllowed(t *testing.T) {
	t.Parallel()
	all := Ranges(prefixes("0.0.0.0/0 ::/0"))
	for text, want := range map[string]Refusal{
		"10.0.0.1": "", "127.0.0.1": "", "::1": "", "169.254.1.1": "", "fd00::1": "", "64:ff9b::a00:1": "",
		"169.254.169.254": metadata, "fd00:ec2::254": metadata, "64:ff9b::a9fe:a9fe": metadata, "0.0.0.0": nobody, "::": nobody,
		"64:ff9b::1": nobody, // 0.0.0.1
	} {
		if got := all.Check(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s with everything allowed: %q, want %q", text, got, want)
		}
	}
	nat := Ranges(prefixes("64:ff9b::/96 10.1.0.0/16"))
	for text, want := range map[string]Refusal{
		"64:ff9b::5db8:d822": "", "64:ff9b::a01:203": "", "64:ff9b::a02:1": private, "64:ff9b::7f00:1": loopback, "10.1.2.3": "", "::ffff:10.1.2.3": "",
		"10.2.0.1": private,
	} {
		if got := nat.Check(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s behind NAT64: %q, want %q", text, got, want)
		}
	}
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]Refusal{
		"example.com": "", "93.184.216.34": "", "localhost": loopback, "LOCALHOST.": loopback, "a.localhost": loopback, "127.0.0.1.": loopback,
		"metadata.google.internal": metadata, "Metadata.Google.Internal.": metadata, "localhost.example.com": "",
	} {
		if got := Ranges(nil).CheckHost(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	if got := LoopbackRanges().CheckHost("localhost"); got != "" {
		t.Errorf("localhost, allowed: %q", got)
	}
}

// Whatever is let through is an address of the internet in each of its forms,
// and no range opens what must stay shut.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:a00:1::", "2001:0:1::", "fe80::1", "93.184.216.34", "2606:4700::1111"} {
		a := netip.MustParseAddr(s)
		f.Add(a.AsSlice())
	}
	all := Ranges(prefixes("0.0.0.0/0 ::/0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		shut, opened := Ranges(nil).Check(a), all.Check(a)
		if shut == "" && opened != "" {
			t.Errorf("%s: allowing more refuses it as %s", a, opened)
		}
		if opened == "" && (a.Unmap().IsUnspecified() || a.Unmap().IsMulticast() || a.Unmap() == metadataAddresses[0]) {
			t.Errorf("%s is let through by an allowed range", a)
		}
		if a.Is4() {
			mapped := netip.AddrFrom16(a.As16())
			if Ranges(nil).Check(mapped) != shut {
				t.Errorf("%s and %s are judged differently", a, mapped)
			}
			four := a.As4()
			nat := netip.MustParseAddr("64:ff9b::").As16()
			copy(nat[12:], four[:])
			six := [16]byte{0x20, 0x02, four[0], four[1], four[2], four[3]}
			teredo := [16]byte{0x20, 0x01, 12: ^four[0], ^four[1], ^four[2], ^four[3]}
			for _, form := range [][16]byte{nat, six, teredo} {
				if Ranges(nil).Check(netip.AddrFrom16(form)) == "" {
					t.Errorf("%s is let through", netip.AddrFrom16(form))
				}
			}
		}
		if shut != "" {
			return
		}
		if u := a.Unmap(); !u.IsGlobalUnicast() || u.IsPrivate() || u.IsLoopback() || u.IsLinkLocalUnicast() || u.IsMulticast() {
			t.Errorf("%s is let through", a)
		}
	})
}

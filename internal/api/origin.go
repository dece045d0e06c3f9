package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// OriginOf finds out where a request came from. Headers of proxies are
// believed of trusted proxies only: anyone can send them.
func OriginOf(r *http.Request, proxies []netip.Prefix) Origin {
	o := Origin{UserAgent: strings.ToValidUTF8(r.UserAgent(), "\uFFFD"), Referer: strings.ToValidUTF8(r.Referer(), "\uFFFD"), Secure: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		o.Address = r.RemoteAddr
		return o
	}
	client := peer.Addr().Unmap()
	if trusts(proxies, client) {
		o.Secure = strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
		// The last address that no proxy of ours has written is the client's.
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) {
			next, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if client = next.Unmap().WithZone(""); !trusts(proxies, client) {
				break
			}
		}
	}
	o.Address = client.String()
	return o
}

// Network is the address as one attacker has it: of IPv6, the network of 64 bits.
// What is no address stays as it is.
func (o Origin) Network() string {
	a, err := netip.ParseAddr(o.Address)
	if err != nil {
		return o.Address
	}
	if a = a.WithZone(""); a.Is6() && !a.Is4In6() {
		if network, err := a.Prefix(64); err == nil {
			return network.String()
		}
	}
	return a.String()
}

func trusts(proxies []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

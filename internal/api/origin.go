package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// originOf finds out where a request came from. Headers of proxies are
// believed of trusted proxies only: anyone can send them.
func (s *Server) originOf(r *http.Request) Origin {
	o := Origin{UserAgent: r.UserAgent(), Referer: r.Referer(), Secure: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		o.Address = r.RemoteAddr
		return o
	}
	client := peer.Addr().Unmap()
	if len(s.proxies) > 0 && s.trusts(client) {
		o.Secure = strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
		// The last address that no proxy of ours has written is the client's.
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) {
			next, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if client = next.Unmap(); !s.trusts(client) {
				break
			}
		}
	}
	o.Address = client.String()
	return o
}

func (s *Server) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

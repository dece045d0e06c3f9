// Package outbound makes the connections that leave the house: for every
// address that somebody else had a say in, and that is nearly all of them.
//
// A Profile says from where and to where; a Client keeps to it. The address is
// checked when the connection is made, after the name was looked up, so a name
// that leads somewhere else the second time gains nothing. A private, loopback,
// link-local or otherwise reserved address is refused unless the profile allows
// its range, and the addresses at which clouds hand out credentials are refused
// always.
//
//	client := outbound.New(outbound.Config{Profile: profile})
//	res, err := client.Do(request)
//
// Redirects are not followed unless the caller asks (Follow), and then without
// credentials as soon as they lead to another origin. Answers are limited in
// size and time. What goes wrong is an *Error: it names the target without path
// and query, and no secret.
package outbound

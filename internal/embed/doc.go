// Package embed lets users of an account into a frame of another site.
//
// # The way in
//
// An application asks the API for a URL (GenerateEmbedUrlForRegisteredUser and
// its kin) and hands it to its page, which puts it into a frame. The URL has a
// code, which works once and for five minutes; redeemed, it begins a session
// that belongs to the frame alone.
//
// # Who may have the frame
//
// A URL is for the domains that it was made for, else for those of the account.
// The browser is told them by frame-ancestors; and a site that says itself, by
// the embedding SDK or the Referer, that it is another one is refused before the
// code is used up.
//
// # What the host learns
//
// The page talks to its host in the events of the embedding SDK, and to an
// allowed origin only: that it is there, or why it can't be.
package embed

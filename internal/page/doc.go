// Package page makes the tokens between the pages of a list.
//
// A token holds the key of the last item of a page, so that the next page
// starts after it whatever comes and goes in between. It is sealed and bound to
// the list it was made for: operation, account and filters. A token of another
// list, one that is altered, and one that is older than 24 hours is answered
// with InvalidNextTokenException, and never with the first page again.
//
//	p, err := tokens.Page(page.Scope("ListUsers", account, namespace), in.NextToken, in.MaxResults, page.Usual)
//	… read up to p.Limit+1 rows after p.After(0)
//	if page.Cut(p, &rows) {
//		out.NextToken = p.Next(rows[len(rows)-1].Name)
//	}
package page

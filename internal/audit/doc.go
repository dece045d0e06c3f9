// Package audit keeps the trail: who did what, when, from where, and who was
// refused. Its events are CloudTrail records.
//
// # Writing
//
// A Trail hooks into the store: the event of a call that changes something is
// written in the transaction of the change, so that neither is there without
// the other. The call itself is found in the context that was given to Write.
// No operation mentions the trail, except that one whose answer is worth
// keeping (a new id) tells it with api.Result inside of its transaction.
//
// Calls that change nothing, because policies refused them or because they
// failed, leave an event too. These are written behind the call's back, from a
// queue with an end: what does not fit is dropped, counted and logged, and no
// call waits or fails for it. Callers who cannot be authenticated leave nothing.
//
// Where temporary credentials are given out the event is durable before the
// credentials are.
//
// # What is stored
//
// An event is a row: a number, the account, and a JSON object with the members
// of a CloudTrail record that do not follow from the rest. The number is made
// from the time in microseconds and grows; time and id of the event follow from
// it. Append writes the whole record.
//
// # Sealing
//
// Every few seconds what is new is sealed, account by account, in batches whose
// hash covers the batch before. The hashes are sealed with the key file's key,
// so who can write to the database alone cannot make ones that fit. Verify
// recomputes them and tells what does not.
package audit

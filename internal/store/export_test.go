package store

// Waiting is the number of callers that wait for their turn to write.
func (db *DB) Waiting() int {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return len(db.writer.waiting)
}

// Break has the store behave as after an error of the disk.
func (db *DB) Break(why error) { db.writer.end(why) }

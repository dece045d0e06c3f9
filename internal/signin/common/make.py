"""Makes passwords.bin of a list of words, one on each line, on standard input."""

import hashlib
import sys

words = {line.strip().lower() for line in sys.stdin if line.strip()}
sys.stdout.buffer.write(b"".join(sorted({hashlib.sha256(w.encode()).digest()[:5] for w in words})))

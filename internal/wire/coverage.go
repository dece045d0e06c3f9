package wire

import (
	"bytes"
	"fmt"
)

// Coverage writes a table in Markdown of which operations are answered, by
// name, for docs/operations.md. The rest is routed, signed and validated, and
// gets a NotImplementedException.
func Coverage(ops []*Operation, answered map[string]bool) []byte {
	var table bytes.Buffer
	count := 0
	for _, op := range ops {
		mark := ""
		if answered[op.Name] {
			mark = "yes"
			count++
		}
		fmt.Fprintf(&table, "| %s | %s | `%s` | %s |\n", op.Name, op.Method, op.Path, mark)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d of %d operations are answered.\n\n", count, len(ops))
	b.WriteString("| operation | method | path | answered |\n| --- | --- | --- | --- |\n")
	b.Write(table.Bytes())
	return b.Bytes()
}

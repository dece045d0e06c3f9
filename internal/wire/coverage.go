package wire

import (
	"bytes"
	"fmt"
	"slices"
)

// Coverage writes a table in Markdown of which operations of a service are
// answered, by name, for docs/operations.md. The rest is routed, signed and
// validated, and gets a NotImplementedException. Methods and paths are left out
// where all operations have the same.
func Coverage(s *Service, answered []string) []byte {
	var table bytes.Buffer
	count := 0
	for _, op := range s.operations {
		mark := ""
		if slices.Contains(answered, op.Name) {
			mark = "yes"
			count++
		}
		if s.protocol == RestJSON {
			fmt.Fprintf(&table, "| %s | %s | `%s` | %s |\n", op.Name, op.Method, op.Path, mark)
		} else {
			fmt.Fprintf(&table, "| %s | %s |\n", op.Name, mark)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d of %d operations are answered.\n\n", count, len(s.operations))
	if s.protocol == RestJSON {
		b.WriteString("| operation | method | path | answered |\n| --- | --- | --- | --- |\n")
	} else {
		b.WriteString("| operation | answered |\n| --- | --- |\n")
	}
	b.Write(table.Bytes())
	return b.Bytes()
}

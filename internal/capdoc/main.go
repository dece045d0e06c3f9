// Command capdoc writes docs/capabilities.md: every capability that custom
// permissions can take away, what stands above it and what asks for it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"onsight/internal/capability"
)

const introduction = `# Capabilities

What custom permissions can take away, made from the table in internal/capability (` + "`make generate`" + `). A profile that denies a
capability denies all that stand under it. A profile that governs the category AI (` + "`DENY_BY_DEFAULT`" + `) denies what it does not
` + "`ALLOW`" + ` there. [access.md](access.md#custom-permissions) says whom a profile binds, and
[decisions/identity.md](decisions/identity.md) what we chose where the service is silent.
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: capdoc FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], page(), 0o644); err != nil { //nolint:gosec // a page of the documentation
		fmt.Fprintln(os.Stderr, "capdoc:", err)
		os.Exit(1)
	}
}

// families are those whose members are alike: name is what the names of their
// capabilities end with, prefixes what they begin with.
var families = []struct {
	heading, name string
	prefixes      []string
}{
	{"Connectors", "Action", []string{"", "CreateAndUpdate", "Share", "Use"}},
	{"Knowledge bases", "KnowledgeBase", []string{"", "CreateAndUpdate", "Share", "Use"}},
	{"Data sources", "DataSource", []string{"", "Create", "Update", "Share"}},
}

func page() []byte {
	b := bytes.NewBufferString(introduction)
	table := capability.Table()
	fmt.Fprintf(b, "\nThe model has %d.\n", len(table))
	inFamily := make(map[string]bool)
	var tail bytes.Buffer
	for _, f := range families {
		heads := make([]string, len(f.prefixes))
		for i, prefix := range f.prefixes {
			heads[i] = "`" + prefix + "…" + f.name + "`"
		}
		fmt.Fprintf(&tail, "\n## %s\n\nWhat the operations ask for, by the type of what they are about:\n\n| Type | %s |\n|%s\n", f.heading,
			strings.Join(heads, " | "), strings.Repeat(" --- |", len(heads)+1))
		for i, prefix := range f.prefixes {
			heads[i] = ""
			for _, c := range table {
				if strings.HasPrefix(c.Name, prefix) && strings.HasSuffix(c.Name, f.name) && len(c.Sorts) > 0 && (prefix != "" || member(c.Name, f.name, f.prefixes)) {
					heads[i] = strings.Join(c.Operations, ", ")
					break
				}
			}
		}
		fmt.Fprintf(&tail, "| asked by | %s |\n", strings.Join(heads, " | "))
		for _, c := range table {
			stem, ok := strings.CutSuffix(c.Name, f.name)
			if !ok || !member(c.Name, f.name, f.prefixes) {
				continue
			}
			sort := strings.Join(c.Sorts, ", ")
			if sort == "" {
				sort = "later: " + c.Later
			}
			row := make([]string, len(f.prefixes))
			for i, prefix := range f.prefixes {
				row[i] = "`" + prefix + stem + f.name + "`"
				inFamily[prefix+stem+f.name] = true
			}
			fmt.Fprintf(&tail, "| %s | %s |\n", sort, strings.Join(row, " | "))
		}
	}
	b.WriteString("\n## Single capabilities\n\n| Capability | Under | Category | People may | Asked by |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range table {
		if inFamily[c.Name] {
			continue
		}
		by := strings.Join(c.Operations, ", ")
		if by == "" {
			by = "later: " + c.Later
		}
		if len(c.Sorts) > 0 {
			by += " (" + strings.Join(c.Sorts, ", ") + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", c.Name, strings.Join(c.Parents, ", "), c.Category, c.Does, by)
	}
	b.WriteString(`
Each connector's capabilities stand under its own, the first of its line, and that under ` + "`Action`" + `; knowledge bases stand under
` + "`KnowledgeBase`" + ` in the same way, and under ` + "`CreateAndUpdateKnowledgeBases`" + ` and ` + "`ShareKnowledgeBases`" + `; data sources under
` + "`CreateAndUpdateDataSources`" + ` and ` + "`ShareDataSources`" + `. All of connectors and of knowledge bases is of the category AI.
`)
	b.Write(tail.Bytes())
	return b.Bytes()
}

// member tells whether a name is that of a member of a family as a whole: one
// that stands above the others of its line.
func member(name, family string, prefixes []string) bool {
	if name == family {
		return false
	}
	for _, prefix := range prefixes[1:] {
		if _, ok := capability.Find(prefix + name); !ok {
			return false
		}
	}
	return true
}

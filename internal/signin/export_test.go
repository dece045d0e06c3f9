package signin

// Patterns are the patterns of all pages, for tests that walk through them.
func (s *Service) Patterns() (all []string) {
	for pattern := range s.pages() {
		all = append(all, pattern)
	}
	return all
}

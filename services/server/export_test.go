package server

// SizeHeaders returns how many lines of what is read in these parts begin as a Content-Length does.
func SizeHeaders(parts ...[]byte) int64 {
	var s headerScan
	for _, p := range parts {
		s.read(p)
	}
	return s.seen.Load()
}

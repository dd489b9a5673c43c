package crash

// Idle reports whether nothing waits to be sent, and nothing is on its way.
func (r *Reporter) Idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.idle == nil
}

package rpc

// turns are how many large messages are decoded at the same time: as many as there are processors but
// one, which is left to what is small. More would be no faster, but each takes memory of many times its
// size. Nil turns are without end.
type turns chan struct{}

func newTurns(processors int) turns { return make(turns, max(processors-1, 1)) }

// take waits for a turn to decode so many bytes, where they are many, and returns how to give it
// back.
func (t turns) take(size int) (done func()) {
	if t == nil || size <= uncountedBytes {
		return func() {}
	}
	t <- struct{}{}
	return func() { <-t }
}

// Package drive asks servers without pause. It costs little, since it shares a machine with them:
// each request is encoded once, and each answer has to be, byte for byte, the first one, which
// alone is looked into.
package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// Row is the row that is asked about.
var Row = [...]float64{5.1, 3.5, 1.4, 0.2}

// Class is the class of Row.
const Class = "setosa"

// Columns is how many features the model has.
const Columns = len(Row)

// Load asks the server at address until ctx ends, and adds the predictions that it was given to
// done. An error says what was wrong with an answer.
type Load func(ctx context.Context, address string, done *atomic.Uint64) error

// encode returns a message as bytes.
func encode(m proto.Message) []byte {
	body, err := proto.Marshal(m)
	if err != nil {
		// A message with text that is no UTF-8, of which there is none here.
		return nil
	}
	return body
}

func predictRequest() *predictionv1.PredictRequest {
	return &predictionv1.PredictRequest{Features: Row[:]}
}

// checked compares answers with the first, which it has looked at.
type checked struct {
	check func(answer []byte) error
	mu    sync.Mutex
	first atomic.Pointer[[]byte]
}

func (c *checked) add(answer []byte) error {
	first := c.first.Load()
	if first == nil {
		return c.look(answer)
	}
	if !bytes.Equal(*first, answer) {
		return fmt.Errorf("the answers differ: %q, and at first %q", short(answer), short(*first))
	}
	return nil
}

func (c *checked) look(answer []byte) error {
	if err := c.check(answer); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first.Load() == nil {
		kept := bytes.Clone(answer)
		c.first.Store(&kept)
	}
	return nil
}

func short(text []byte) []byte { return text[:min(len(text), 200)] }

// checkPrediction looks into the answer to Row.
func checkPrediction(r *predictionv1.PredictResponse) error {
	if r.GetPrediction() != Class || r.GetConfidence() < 0.9 || len(r.GetScores()) != 3 {
		return fmt.Errorf("the answer is %v, expected %s with 3 scores", r, Class)
	}
	return nil
}

func checkPredict(answer []byte) error {
	var r predictionv1.PredictResponse
	if err := proto.Unmarshal(answer, &r); err != nil {
		return err
	}
	return checkPrediction(&r)
}

// workers runs n workers until ctx ends or one fails, and returns the error of the first that
// did, unless the end of ctx is why.
func workers(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := work(inner, i); err != nil && inner.Err() == nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil
	}
	if err := context.Cause(inner); err != nil {
		return err
	}
	return errors.New("the load ended by itself")
}

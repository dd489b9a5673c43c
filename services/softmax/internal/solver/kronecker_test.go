package solver

import (
	"context"
	"testing"
)

// Of two classes, the approximation is the Hessian itself.
func TestKroneckerOfTwoClassesIsExact(t *testing.T) {
	t.Parallel()
	for _, sh := range []shape{{rows: 200, features: 6, classes: 2, weighted: true}, {rows: 3000, features: 60, classes: 2}} {
		p := problem(t, config(sh))
		p.keep = true
		x := point(p, 1, 0.5)
		evaluate(t, p, x)
		k, err := newKronecker(context.Background(), p, 1<<20)
		if err == nil {
			err = k.refresh(context.Background(), x)
		}
		if err != nil {
			t.Fatal(err)
		}
		want, product, got := point(p, 2, 1), make([]float64, p.Size()), make([]float64, p.Size())
		if err := p.Product(context.Background(), product, want); err != nil {
			t.Fatal(err)
		}
		if k.apply(got, product); farthest(got, want) > 1e-8 {
			t.Errorf("%v: solved to %v off", sh, farthest(got, want))
		}
	}
}

// At weights of 0 every row has the same probabilities, and the Hessian is a Kronecker product.
func TestKroneckerIsExactAtZero(t *testing.T) {
	t.Parallel()
	p := problem(t, config(shape{rows: 200, features: 6, classes: 5, weighted: true}))
	p.keep = true
	x := make([]float64, p.Size())
	evaluate(t, p, x)
	k, err := newKronecker(context.Background(), p, 1<<20)
	if err == nil {
		err = k.refresh(context.Background(), x)
	}
	if err != nil {
		t.Fatal(err)
	}
	want, product, got := point(p, 2, 1), make([]float64, p.Size()), make([]float64, p.Size())
	if err := p.Product(context.Background(), product, want); err != nil {
		t.Fatal(err)
	}
	k.apply(got, product)
	p.centreClasses(got)
	if farthest(got, want) > 1e-8 {
		t.Errorf("solved to %v off", farthest(got, want))
	}
}

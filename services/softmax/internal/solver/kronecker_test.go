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
			err = k.renew(context.Background(), x)
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
		err = k.renew(context.Background(), x)
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

// Where a matrix takes as long as many passes, the first steps do without.
func TestKroneckerIsMadeOnceItIsWorthIt(t *testing.T) {
	t.Parallel()
	p := problem(t, config(shape{rows: 200, features: 150, classes: 3}))
	p.keep = true
	x := point(p, 1, 0.5)
	evaluate(t, p, x)
	k, err := newKronecker(context.Background(), p, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	worth := k.worth()
	if worth < 2 {
		t.Fatalf("a matrix is worth %v passes, expected some", worth)
	}
	r, got := point(p, 2, 1), make([]float64, p.Size())
	for made := 0; made < 2; {
		due, before := p.passes-k.since >= k.worth(), k.since
		if err := k.refresh(context.Background(), x); err != nil {
			t.Fatal(err)
		}
		if due != (k.since != before) {
			t.Fatalf("after %v passes since the last, each matrix worth %v: made %t", p.passes-before, k.worth(), !due)
		}
		if due {
			made++
		}
		if k.apply(got, r); (farthest(got, r) == 0) != (made == 0) {
			t.Fatalf("%d matrices made, but the identity applied: %t", made, farthest(got, r) == 0)
		}
		evaluate(t, p, x)
	}
}

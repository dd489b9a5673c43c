package drift

import "math"

// gridCells is how many cells a grid has, of the same width from the first edge to the last.
const gridCells = 64

// grid finds the bin of a value by a division, and the comparison with the two edges that may lie
// in the value's cell.
type grid struct {
	first, scale float64
	// below is how many edges lie in the cells before each. A value is not below those.
	below [gridCells]uint8
}

// newGrid returns nil where edges are too few to be worth it, too many, or more than two of them lie
// in one cell.
func newGrid(edges []float64) *grid {
	if len(edges) < 3 || len(edges) > math.MaxUint8 {
		return nil
	}
	g := &grid{first: edges[0]}
	g.scale = gridCells / (edges[len(edges)-1] - g.first)
	if g.scale-g.scale != 0 || g.scale == 0 {
		return nil
	}
	var within [gridCells]uint8
	for _, edge := range edges {
		within[g.cell(edge)]++
	}
	var below uint8
	for i, n := range within {
		if n > 2 {
			return nil
		}
		g.below[i] = below
		below += n
	}
	return g
}

// cell returns the cell of a value, which is finite. It grows with the value: what lies in a cell
// before that of an edge is below the edge.
func (g *grid) cell(v float64) int {
	x := (v - g.first) * g.scale
	if !(x > 0) {
		return 0
	}
	if x >= gridCells {
		return gridCells - 1
	}
	return int(x)
}

// countColumn counts the bins of a feature's values, which begin at values[0] and are columns apart,
// all of them finite.
func (f *feature) countColumn(cells []uint32, values []float64, columns int) {
	own := cells[f.at : f.at+firstBin+f.bins]
	if f.grid == nil {
		for i := 0; i < len(values); i += columns {
			own[f.bin(values[i])]++
		}
	} else {
		g, edges := f.grid, f.edges
		for i := 0; i < len(values); i += columns {
			v := values[i]
			at := int(g.below[g.cell(v)&(gridCells-1)])
			own[firstBin+at+notBelow(v, edges[at])+notBelow(v, edges[at+1])]++
		}
	}
	var outside uint32
	for i := 0; i < len(values); i += columns {
		if v := values[i]; v < f.least || v > f.most {
			outside++
		}
	}
	own[1] += outside
}

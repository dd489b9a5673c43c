package report

// heat is the drawing of a confusion matrix.
type heat struct {
	Size, Width, Height float64
	Edge                float64 // where names end
	Cells               []cell
	Names               []heatName
	Many                int // classes, where there are too many to draw
}

type cell struct {
	X, Y, TextX, TextY, Opacity float64
	Count                       uint32
	True, Predicted             string
	Right, Strong               bool
}

type heatName struct {
	Name, Full string
	At         float64
}

const nameRoom = 112 // of the name of a class

// confusionHeat shades each cell by its share of the rows of its true class.
func confusionHeat(classes []string, counts []uint32) *heat {
	k := len(classes)
	if k > maxClasses {
		return &heat{Many: k}
	}
	size := max(28, min(64, 420/float64(k)))
	longest := 0.0
	for _, name := range classes {
		longest = max(longest, widthOf(clipped(name, nameRoom)))
	}
	margin := 44 + longest
	out := &heat{Size: size, Edge: margin - 8, Width: max(160, margin+size*float64(k)+60), Height: margin + size*float64(k) + 10}
	for i, name := range classes {
		out.Names = append(out.Names, heatName{Name: clipped(name, nameRoom), Full: name, At: margin + (float64(i)+0.5)*size})
		var total uint32
		for j := range k {
			total += counts[i*k+j]
		}
		for j := range k {
			c := cell{
				X: margin + float64(j)*size, Y: margin + float64(i)*size,
				Count: counts[i*k+j], True: name, Predicted: classes[j], Right: i == j,
			}
			c.TextX, c.TextY = c.X+size/2, c.Y+size/2+5
			if total > 0 {
				c.Opacity = float64(c.Count) / float64(total)
			}
			c.Strong = c.Opacity > 0.6
			out.Cells = append(out.Cells, c)
		}
	}
	return out
}

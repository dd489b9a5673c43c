package dataset

// What a column of a source with types is for: the position of a feature, or one of these.
const (
	unusedRole = -1 - iota
	labelRole
	weightRole
)

// roles returns the role of each of n columns of the source.
func (b *builder) roles(n int) []int {
	roles := make([]int, n)
	for i := range roles {
		switch i {
		case b.labelAt:
			roles[i] = labelRole
		case b.weightAt:
			roles[i] = weightRole
		default:
			roles[i] = unusedRole
		}
	}
	for j, at := range b.at {
		roles[at] = j
	}
	return roles
}

// takesText reports whether a column of that role is given as text, whatever its type.
func (b *builder) takesText(role int) bool {
	return role == labelRole || role >= 0 && b.features[role].categorical
}

// declareNumbers says that a column of that role holds numbers by its type.
func (b *builder) declareNumbers(role int) {
	if role >= 0 && !b.features[role].categorical {
		b.features[role].numeric = true
	}
}

// declareTexts says that a column of that role holds texts by its type, which are categories
// even if they read as numbers.
func (b *builder) declareTexts(role int) {
	if role >= 0 && b.features[role].fixed == nil {
		b.features[role].categorical = true
	}
}

// addText takes a text of a row, or null if it is nil, and returns what is to stand there.
func (b *builder) addText(role, row int, text []byte) (value float64, err error) {
	var failure *Error
	switch at := row + 1; {
	case role == labelRole:
		failure = b.addLabel(text, at)
	case role == weightRole:
		failure = b.addWeightText(text, at)
	case text == nil:
		value, failure = b.features[role].miss(nil, row, at)
	default:
		value, failure = b.features[role].add(trim(text), row, at)
	}
	if failure != nil {
		return 0, b.inFile(failure)
	}
	return value, nil
}

// addNumber takes a number of a row, where the role does not take texts, and returns what is to
// stand there.
func (b *builder) addNumber(role, row int, number float64) (value float64, err error) {
	var failure *Error
	if role == weightRole {
		failure = b.addWeight(number, row+1)
	} else {
		value, failure = b.features[role].addNumber(number, row, row+1)
	}
	if failure != nil {
		return 0, b.inFile(failure)
	}
	return value, nil
}

// columnar is a builder of a table of known length that is given column by column.
type columnar struct {
	*builder
	role   []int
	values []float64 // rows × features
}

func newColumnar(b *builder, rows, columns int) *columnar {
	b.reserve(rows)
	b.n = rows
	return &columnar{builder: b, role: b.roles(columns), values: b.store.addAll(rows)}
}

// putText takes the text that a row has in a column, null if it is nil.
func (c *columnar) putText(column, row int, text []byte) error {
	role := c.role[column]
	value, err := c.addText(role, row, text)
	if err == nil && role >= 0 {
		c.values[row*c.store.width+role] = value
	}
	return err
}

// putNumber takes the number that a row has in a column that does not take texts.
func (c *columnar) putNumber(column, row int, number float64) error {
	role := c.role[column]
	value, err := c.addNumber(role, row, number)
	if err == nil && role >= 0 {
		c.values[row*c.store.width+role] = value
	}
	return err
}

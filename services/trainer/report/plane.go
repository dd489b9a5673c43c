package report

import "fmt"

func (s *sheet) heat(h *heat) {
	if h == nil {
		return
	}
	s.card("Confusion matrix", func() {
		if h.Many > 0 {
			s.put("<p>The matrix of ", count(h.Many), " classes is too large to draw.</p>")
			return
		}
		s.drawHeat(h)
	})
}

func (s *sheet) drawHeat(h *heat) {
	s.begin(px(h.Width), px(h.Height), "Confusion matrix",
		"Rows of each true class, downwards, by predicted class, to the right; shaded by the share of the true class.")
	for _, n := range h.Names {
		name := text(n.Name) + "<title>" + text(n.Full) + "</title></text>\n"
		s.put(`<text class="end" x="`, px(h.Edge), `" y="`, px(n.At), `" dy="4">`, name,
			`<text transform="translate(`, px(n.At), " ", px(h.Edge), `) rotate(-60)" dx="2">`, name)
	}
	s.put(`<text class="soft" x="4" y="14">true ↓ predicted →</text>`, "\n")
	for _, c := range h.Cells {
		place := `x="` + px(c.X) + `" y="` + px(c.Y) + `" width="` + px(h.Size) + `" height="` + px(h.Size) + `"/>` + "\n"
		s.put("<g><title>", text(fmt.Sprintf("%d rows of %s predicted as %s", c.Count, c.True, c.Predicted)), "</title>\n",
			`<rect class="frame" `, place,
			`<rect class="bar`, pick(c.Right, "", " minus"), `" fill-opacity="`, px(c.Opacity), `" `, place,
			`<text class="middle`, pick(c.Strong, " on", ""), `" x="`, px(c.TextX), `" y="`, px(c.TextY), `">`, count(int(c.Count)), "</text></g>\n")
	}
	s.end()
}

func (s *sheet) chart(c *chart) {
	if c == nil {
		return
	}
	s.card(c.Title, func() {
		s.begin("440", "360", text(c.Title), text(c.Describe))
		s.axes(c)
		s.curves(c)
		s.end()
		s.put("\n", `<ul class="keys">`)
		for _, l := range c.Lines {
			if l.Label != "" {
				s.put(`<li><span class="key s`, count(l.Colour), `"></span>`, text(l.Label), "</li>")
			}
		}
		s.put("</ul>")
		if c.Note != "" {
			s.put("\n<p>", text(c.Note), "</p>")
		}
	})
}

func (s *sheet) axes(c *chart) {
	for _, t := range c.XTicks {
		s.put(`<line class="tick" x1="`, px(t.At), `" x2="`, px(t.At), `" y1="10" y2="310"/><text class="soft middle" x="`, px(t.At), `" y="326">`,
			text(t.Text), "</text>\n")
	}
	for _, t := range c.YTicks {
		s.put(`<line class="tick" x1="70" x2="420" y1="`, px(t.At), `" y2="`, px(t.At), `"/><text class="soft end" x="64" y="`, px(t.At), `" dy="4">`,
			text(t.Text), "</text>\n")
	}
	s.put(`<rect class="frame" x="70" y="10" width="350" height="300"/>`, "\n",
		`<text class="soft middle" x="245" y="350">`, text(c.XName), "</text>\n",
		`<text class="soft middle" transform="translate(12 160) rotate(-90)">`, text(c.YName), "</text>\n")
}

func (s *sheet) curves(c *chart) {
	for _, r := range c.Rects {
		s.rect("area", r)
	}
	for _, l := range c.Lines {
		s.put(`<path class="`, pick(l.Colour < 0, "diagonal", "curve s"+count(l.Colour)), `" d="`, l.Path, `"/>`, "\n")
	}
	for _, m := range c.Marks {
		s.put("<g><title>", text(m.Title), "</title>", `<line class="whisker" x1="`, px(m.X), `" x2="`, px(m.X), `" y1="`, px(m.Low), `" y2="`, px(m.High), `"/>`, "\n",
			`<circle class="dot`, pick(m.Chosen, " chosen", ""), `" cx="`, px(m.X), `" cy="`, px(m.Y), `" r="`, pick(m.Chosen, "6", "4"), `"/></g>`, "\n")
	}
}

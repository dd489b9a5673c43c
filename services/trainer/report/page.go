package report

import "fmt"

func (s *sheet) page(v *view) {
	name := text(v.Model) + " " + text(v.Version)
	s.put(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>`, name, `: training report</title>
<style>
`, style, `</style>
</head>
<body>
<main>
<h1>`, name, "</h1>\n")
	s.put("<p>", count(v.Rows), " rows of ", count(v.Features), " features from ", text(v.Path), "</p>\n<p>sha256:", text(v.Digest), "</p>\n")
	for _, note := range v.Notes {
		s.put("<p><strong>Note:</strong> ", text(note), "</p>\n")
	}
	s.section("Data and fit", "", func() {
		s.card("Fit", func() { s.facts(v.Fit) })
		s.bars(v.Classes)
	})
	if v.HoldOut != nil {
		s.section("Rows held out", "", func() {
			s.card("Metrics", func() { s.facts(v.HoldOut) })
			s.heat(v.Confusion)
			s.chart(v.ROC)
			s.chart(v.Reliability)
		})
	}
	if v.Cross != nil || v.Tuning != nil {
		s.section("Cross-validation", "", func() {
			if v.Cross != nil {
				s.card("Metrics, as fitted", func() { s.facts(v.Cross) })
			}
			s.chart(v.Tuning)
		})
	}
	if v.Weights != nil {
		s.section("Largest weights", "What the logit of a class gains when a column grows by its standard deviation over the rows.", func() {
			for _, b := range v.Weights {
				s.bars(b)
			}
		})
	}
	s.features(v)
	s.put("</main>\n</body>\n</html>\n")
}

func (s *sheet) features(v *view) {
	if v.Histograms == nil {
		return
	}
	s.section("Features", "The training rows as the reference profile has them, which drift is measured against. Of numbers, areas are shares.", func() {
		for _, h := range v.Histograms {
			s.histogram(h)
		}
	})
	if v.MoreFeatures > 0 {
		s.put("<p>", count(v.MoreFeatures), " more features are not drawn.</p>\n")
	}
}

// section writes cards under a headline, with what there is to say of them.
func (s *sheet) section(headline, says markup, cards func()) {
	s.put("\n<h2>", headline, "</h2>\n")
	if says != "" {
		s.put("<p>", says, "</p>\n")
	}
	s.put(`<div class="grid">`, "\n")
	cards()
	s.put("</div>\n")
}

func (s *sheet) facts(facts []fact) {
	s.put("<table>")
	for _, f := range facts {
		s.put(`<tr><th scope="row">`, text(f.Name), "</th><td>", text(f.Value), "</td></tr>")
	}
	s.put("</table>")
}

func (s *sheet) bars(b *bars) {
	if b == nil {
		return
	}
	s.card(b.Title, func() { s.drawBars(b) })
}

func (s *sheet) drawBars(b *bars) {
	s.begin(count(barsWidth), px(b.Height), text(b.Title), text(b.Describe))
	for _, l := range b.Lines {
		s.put(`<g transform="translate(0 `, px(l.Y), `)"><title>`, text(l.Full), ": ", text(l.Value), "</title>\n",
			`<text class="end" x="172" y="15">`, text(l.Label), "</text>\n",
			`<rect class="bar`, pick(l.Negative, " minus", ""), `" x="`, px(l.X), `" y="3" width="`, px(l.Width), `" height="16"/>`, "\n",
			`<text class="soft" x="`, px(l.Text), `" y="15">`, text(l.Value), "</text></g>\n")
	}
	s.put(`<line class="tick" x1="`, px(b.Zero), `" x2="`, px(b.Zero), `" y1="0" y2="`, px(b.Height), `"/>`, "\n")
	s.end()
	if b.More > 0 {
		s.put("<p>", count(b.More), " more are not drawn.</p>")
	}
}

func (s *sheet) histogram(h *histogram) {
	s.card(h.Name, func() {
		if h.Bars != nil {
			s.drawBars(h.Bars)
		} else {
			s.drawHistogram(h)
		}
		if h.Missing != "" {
			s.put("<p>", text(h.Missing), "</p>")
		}
	})
}

func (s *sheet) drawHistogram(h *histogram) {
	s.begin("260", "112", text(h.Name), text(fmt.Sprintf("Distribution of the training rows from %s to %s.", h.Low, h.High)))
	for _, r := range h.Rects {
		s.rect("bar", r)
	}
	s.put(`<line class="tick" x1="0" x2="260" y1="90.5" y2="90.5"/>`, "\n",
		`<text class="soft" x="0" y="107">`, text(h.Low), `</text><text class="soft end" x="260" y="107">`, text(h.High), "</text>\n")
	s.end()
}

func (s *sheet) rect(class markup, r rect) {
	s.put(`<rect class="`, class, `" x="`, px(r.X), `" y="`, px(r.Y), `" width="`, px(r.Width), `" height="`, px(r.Height), `"><title>`,
		text(r.Title), "</title></rect>\n")
}

package capacity

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// rates are the loads that tables are made for, in predictions per second.
var rates = []float64{10_000, 100_000, 1_000_000}

// WriteTables writes what follows from a report and a plan, as Markdown.
func WriteTables(w io.Writer, r *report.Report, p Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	figures, err := Figures(r)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s, %s, %s.\n\n", r.Machine.CPU, r.Machine.OS, r.Machine.Go)
	writeCosts(&b, figures, p)
	writeReplicas(&b, figures, p)
	writeWaits(&b, figures[0], p)
	writeOpenLoop(&b, r, figures[0])
	writeMemory(&b, r)
	_, err = io.WriteString(w, b.String())
	return err
}

func writeCosts(b *strings.Builder, figures []Figure, p Plan) {
	b.WriteString("| a prediction by | processor time | per core and second | price of a million | Python: time | per core and second | price of a million |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range figures {
		fmt.Fprintf(b, "| %s | %s | %s | %s |", f.Name, short(f.Ours), count(1/f.Ours.Seconds()), money(p.PerMillion(f.Ours)))
		if f.Python > 0 {
			fmt.Fprintf(b, " %s | %s | %s |\n", short(f.Python), count(1/f.Python.Seconds()), money(p.PerMillion(f.Python)))
		} else {
			b.WriteString(" | | |\n")
		}
	}
	fmt.Fprintf(b, "\nThe price is that of processors at %s an hour, of whose time predictions take %.0f %%.\n\n", money(p.Price), 100*p.Utilisation)
}

func writeReplicas(b *strings.Builder, figures []Figure, p Plan) {
	b.WriteString("| predictions a second | by | cores busy | replicas | price of a month | Python: cores busy | replicas |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, rate := range rates {
		for _, f := range figures {
			n := p.Replicas(rate, f.Ours)
			month := float64(n*p.Cores) * p.Price * 730
			fmt.Fprintf(b, "| %s | %s | %s | %d | %.0f |", count(rate), f.Name, cores(Busy(rate, f.Ours)), n, month)
			if f.Python > 0 {
				fmt.Fprintf(b, " %s | %d |\n", cores(Busy(rate, f.Python)), p.Replicas(rate, f.Python))
			} else {
				b.WriteString(" | |\n")
			}
		}
	}
	fmt.Fprintf(b, "\nA replica has %d cores, busy for %.0f %% with %d of the replicas gone. A month has 730 hours.\n\n", p.Cores, 100*p.Utilisation, p.Spare)
}

// writeWaits says what queueing alone adds, for the replica of the plan.
func writeWaits(b *strings.Builder, f Figure, p Plan) {
	fmt.Fprintf(b, "| %s: cores busy for | wait at all | wait on average | 99 %% answered within |\n| --- | --- | --- | --- |\n", f.Name)
	for _, utilisation := range []float64{0.3, 0.6, 0.8, 0.9, 0.95} {
		q := Queue{Servers: p.Cores, Service: f.Ours, Utilisation: utilisation}
		fmt.Fprintf(b, "| %.0f %% | %.0f %% | %s | %s |\n", 100*utilisation, 100*q.Waits(), short(q.MeanWait()), short(q.Percentile(0.99)))
	}
}

// openLoop is the load of the line of a report that the theory is compared with, on one processor.
const (
	openLoop     = "open loop, 10 000 gRPC Predict a second"
	openLoopRate = 10_000
)

// writeOpenLoop compares what queueing theory says with what was measured, where it was.
func writeOpenLoop(b *strings.Builder, r *report.Report, f Figure) {
	for _, l := range r.Lines {
		busy := Busy(openLoopRate, f.Ours)
		if !strings.HasPrefix(l.Name, openLoop) || !strings.HasSuffix(l.Name, ": 99th percentile") || l.Unit != "ms" || l.Ours == nil || busy >= 1 {
			continue
		}
		q := Queue{Servers: 1, Service: f.Ours, Utilisation: busy}
		measured := time.Duration(*l.Ours * float64(time.Millisecond))
		fmt.Fprintf(b, "\nThe benchmark's %s, on one core: busy for %.0f %%, 99 %% within %s by these formulas; measured: %s.\n",
			openLoop, 100*busy, short(q.Percentile(0.99)), short(measured))
	}
}

// writeMemory says how much of it a server took.
func writeMemory(b *strings.Builder, r *report.Report) {
	var parts []string
	for _, l := range r.Lines {
		if strings.HasPrefix(l.Name, "resident memory") && l.Unit == "MB" && l.Ours != nil {
			parts = append(parts, fmt.Sprintf("%s: %.0f MB", strings.Replace(l.Name, "in that open loop", "in the open loop", 1), *l.Ours))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "\nA server's %s.\n", strings.Join(parts, "; "))
	}
}

// short is a time with three digits.
func short(d time.Duration) string {
	us := float64(d) / float64(time.Microsecond)
	if us >= 1000 {
		return digits(us/1000) + " ms"
	}
	return digits(us) + " µs"
}

func digits(v float64) string {
	if v <= 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(v)))
	return strconv.FormatFloat(v, 'f', max(decimals, 0), 64)
}

// count is a number to three digits, in thousands where it is one of many.
func count(v float64) string {
	scale := math.Pow(10, math.Floor(math.Log10(v))-2)
	whole := strconv.FormatFloat(math.Round(v/scale)*scale, 'f', 0, 64)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "\u00a0" + whole[i:]
	}
	return whole
}

func cores(v float64) string { return digits(v) }

// money has two digits, however small they are.
func money(v float64) string {
	if v <= 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', max(1-int(math.Floor(math.Log10(v))), 0), 64)
}

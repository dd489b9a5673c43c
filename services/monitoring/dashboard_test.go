package monitoring_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// panel is a part of a dashboard, as far as it matters here.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
	GridPos struct{ X, Y, W, H int }
}

type dashboard struct {
	Panels     []panel
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
	Annotations struct{ List []struct{ Expr string } }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	content, err := os.ReadFile("grafana/dashboards/sepal.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// plain fills the dashboard's variables in, as Grafana does.
func plain(expression string) string {
	return strings.NewReplacer("$__rate_interval", "30s", "$job", ".*", "$model", ".*", "$version", ".*").Replace(expression)
}

// TestPanelsDoNotOverlap shows that each panel has a place of its own.
func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	taken := map[[2]int]string{}
	for _, p := range readDashboard(t).Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, is := taken[[2]int{x, y}]; is || x >= 24 {
					t.Fatalf("%q and %q overlap at %d, %d, or the row is full", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

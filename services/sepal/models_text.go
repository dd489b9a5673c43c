package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// textTable writes lines whose cells, which tabs separate, stand below each other.
type textTable struct{ *tabwriter.Writer }

// write writes to standard output, all at once.
func (r *registryClient) write(lines func(*textTable)) error { return writeCells(r.stdout, lines) }

// writeCells writes lines, all at once.
func writeCells(w io.Writer, lines func(*textTable)) error {
	var text bytes.Buffer
	out := &textTable{tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)}
	lines(out)
	if err := out.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func (t *textTable) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// percentOf returns a weight as "5 %" or "0.25 %".
func percentOf(weight uint32) string {
	return strconv.FormatFloat(float64(weight)/100, 'f', -1, 64) + " %"
}

// stableWeight returns what the variants leave, in hundredths of a percent.
func stableWeight(r *registryv1.Rollout) uint32 {
	left := uint32(10000)
	for _, v := range r.GetVariants() {
		left -= min(left, v.GetWeight())
	}
	return left
}

func moment(t *timestamppb.Timestamp) string {
	if !t.IsValid() || t.AsTime().IsZero() {
		return "-"
	}
	return t.AsTime().Format(time.DateTime)
}

func shortDigest(digest string) string {
	if digest == "" {
		return "-"
	}
	return "sha256:" + printable(digest[:min(len(digest), 12)])
}

// rollout writes one line per version that the rollout names, and what is wrong with it.
func (t *textTable) rollout(response *registryv1.GetRolloutResponse) {
	r := response.GetRollout()
	if r.GetStable() == "" {
		t.line("no version answers")
	} else {
		t.line("role\tname\tversion\tshare")
		t.line("stable\t\t%s\t%s", printable(r.GetStable()), percentOf(stableWeight(r)))
	}
	for _, v := range r.GetVariants() {
		name, weight := "", percentOf(v.GetWeight())
		if variantName(v) != v.GetVersion() {
			name = printable(v.GetName())
		}
		if v.GetWeight() == 0 {
			weight += ", for those who ask for it"
		}
		t.line("variant\t%s\t%s\t%s", name, printable(v.GetVersion()), weight)
	}
	for _, version := range r.GetShadows() {
		t.line("shadow\t\t%s\t-", printable(version))
	}
	for _, name := range slices.Sorted(maps.Keys(r.GetLabels())) {
		t.line("label\t%s\t%s", printable(name), printable(r.GetLabels()[name]))
	}
	if r.GetPinned() != "" {
		t.line("pinned\t\t%s\tanswers in place of all this on this server (MODEL_VERSION)", printable(r.GetPinned()))
	}
	if response.GetProblem() != "" {
		t.line("")
		t.problem(response.GetProblem())
	}
}

// problem writes what is not in force; a cell would make its column too wide.
func (t *textTable) problem(text string) { t.line("problem: %s", printableLine(text)) }

// agreements writes how each shadow agrees with what answers, which only a server knows.
func (t *textTable) agreements(response *registryv1.GetRolloutResponse, server bool) {
	shadows := response.GetRollout().GetShadows()
	if len(shadows) == 0 {
		return
	}
	t.line("")
	if !server {
		t.line("how the shadows agree, each server knows for itself: see --server")
		return
	}
	t.line("shadow\tbeside\trows\tsame class\tapart by\tat most\tnot scored")
	for _, shadow := range shadows {
		found := false
		for _, a := range response.GetAgreements() {
			if a.GetShadow() == shadow && a.GetRows()+a.GetFailed() > 0 {
				t.agreement(a)
				found = true
			}
		}
		if !found {
			t.line("%s\t-\t0\t-\t-\t-\t0", printable(shadow))
		}
	}
}

func (t *textTable) agreement(a *registryv1.ShadowAgreement) {
	same, mean, most := "-", "-", "-"
	if a.GetRows() > 0 {
		same = fmt.Sprintf("%.2f %%", 100*float64(a.GetAgreed())/float64(a.GetRows()))
		mean, most = fmt.Sprintf("%.4g", a.GetMeanDifference()), fmt.Sprintf("%.4g", a.GetMaxDifference())
	}
	t.line("%s\t%s\t%d\t%s\t%s\t%s\t%d", printable(a.GetShadow()), printable(a.GetVersion()), a.GetRows(), same, mean, most, a.GetFailed())
}

// rolesOf says what a version does in a rollout.
func rolesOf(version string, r *registryv1.Rollout) string {
	var roles []string
	if r.GetPinned() == version && version != "" {
		roles = append(roles, "pinned")
	}
	if r.GetStable() == version {
		roles = append(roles, "stable "+percentOf(stableWeight(r)))
	}
	for _, v := range r.GetVariants() {
		if v.GetVersion() != version {
			continue
		}
		name := "variant"
		if variantName(v) != version {
			name = printable(v.GetName())
		}
		roles = append(roles, name+" "+percentOf(v.GetWeight()))
	}
	if slices.Contains(r.GetShadows(), version) {
		roles = append(roles, "shadow")
	}
	for _, name := range slices.Sorted(maps.Keys(r.GetLabels())) {
		if r.GetLabels()[name] == version {
			roles = append(roles, "label "+printable(name))
		}
	}
	if len(roles) == 0 {
		return "-"
	}
	return strings.Join(roles, ", ")
}

func accuracyOf(v *registryv1.ModelVersion) string {
	switch t := v.GetTraining(); {
	case t.GetHoldOut() != nil:
		return fmt.Sprintf("%.4f", t.GetHoldOut().GetAccuracy())
	case t.GetCrossValidation() != nil:
		return fmt.Sprintf("%.4f", t.GetCrossValidation().GetAccuracyMean())
	}
	return "-"
}

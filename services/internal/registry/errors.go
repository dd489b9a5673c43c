package registry

import (
	"fmt"
	"strings"
)

// NotFoundError says that there is no such model, or no such version of it.
type NotFoundError struct {
	Model string
	// Version is empty when the model itself is unknown.
	Version string
	// Exist names the models, or the versions of the model, that there are.
	Exist []string
	// Labels names the labels that would have done in place of a version.
	Labels []string
}

func (e *NotFoundError) Error() string {
	// What a client asks for may be of any length.
	switch {
	case e.Version != "" && len(e.Labels) > 0:
		return fmt.Sprintf("model %q has no version or label %.80q; it has: %s; labels: %s", e.Model, e.Version, some(e.Exist), some(e.Labels))
	case e.Version != "":
		return fmt.Sprintf("model %q has no version %.80q; it has: %s", e.Model, e.Version, some(e.Exist))
	case len(e.Exist) == 0:
		return "there is no model here yet; publish one"
	default:
		return fmt.Sprintf("there is no model %.80q; there are: %s", e.Model, some(e.Exist))
	}
}

// some joins names, of many the first few.
func some(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// UnavailableError says that a version exists but could not be loaded.
type UnavailableError struct {
	Model string
	// Version is empty where the model has none that could answer.
	Version string
}

func (e *UnavailableError) Error() string {
	if e.Version == "" {
		return fmt.Sprintf("model %q has no version that could answer; `sepal models list` says why", e.Model)
	}
	return fmt.Sprintf("version %q of model %q could not be loaded; the server's log says why", e.Version, e.Model)
}

// ExistsError says that a version is there already.
type ExistsError struct {
	Model, Version string
}

func (e *ExistsError) Error() string {
	return fmt.Sprintf("model %q has a version %q already, and versions never change; publish it as another one", e.Model, e.Version)
}

// InvalidFileError says that a file cannot be published as it is.
type InvalidFileError struct {
	// Reason is what is wrong with it, and what to do.
	Reason string
}

func (e *InvalidFileError) Error() string { return e.Reason }

// NotLoadedError says that a rollout names a version that is not there or could not be loaded.
type NotLoadedError struct {
	Model, Version string
	// Reason is why it could not be loaded; empty if there is no such version.
	Reason string
}

func (e *NotLoadedError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the rollout names version %q, which model %q does not have", e.Version, e.Model)
	}
	return fmt.Sprintf("the rollout names version %q of model %q, which could not be loaded: %s", e.Version, e.Model, e.Reason)
}

// RequestIDError says that a request id was used before, for something else.
type RequestIDError struct {
	RequestID string
	// Summary is what the request with this id did.
	Summary string
}

func (e *RequestIDError) Error() string {
	return fmt.Sprintf("the request id %q was used for another change: %s; take a new id for each", e.RequestID, e.Summary)
}

// SecondModelError says that a registry would hold a second model though its servers take the only
// one for requests that name none.
type SecondModelError struct {
	Model, Default string
}

func (e *SecondModelError) Error() string {
	return fmt.Sprintf("model %q would be a second one beside %q, which answers requests that name no model because it is the only one: "+
		"servers could not start again without knowing. Start them with SEPAL_DEFAULT_MODEL=%s, or force it", e.Model, e.Default, e.Default)
}

// RolloutFileError says that a rollout cannot be changed since its file makes no sense.
type RolloutFileError struct {
	// Place is the file.
	Place string
	Err   error
}

func (e *RolloutFileError) Error() string {
	return fmt.Sprintf("%s: %v; repair or remove the file", e.Place, e.Err)
}

func (e *RolloutFileError) Unwrap() error { return e.Err }

// StoreError says that a store could not be read or written.
type StoreError struct {
	// Place is the store, or the file in it.
	Place string
	Err   error
}

func (e *StoreError) Error() string { return e.Place + ": " + e.Err.Error() }

func (e *StoreError) Unwrap() error { return e.Err }

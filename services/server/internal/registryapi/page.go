package registryapi

import (
	"slices"

	"github.com/sepal-ml/sepal/services/internal/rpc"
)

const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

type pageRequest interface {
	GetPageSize() uint32
	GetPageToken() string
}

// page returns the part of the list that the request asks for, and the token of the next one: the
// key of the last element of this one, so that what is added meanwhile moves nothing.
func page[T any](all []T, key func(T) string, request pageRequest) (part []T, next string, err error) {
	start := 0
	if token := request.GetPageToken(); token != "" {
		at := slices.IndexFunc(all, func(element T) bool { return key(element) == token })
		if at < 0 {
			return nil, "", rpc.Invalid(rpc.Violation{Field: "page_token", Description: "is not the token of a page of this list, expected the next_page_token of the page before, or none for the first page"})
		}
		start = at + 1
	}
	size := int(min(request.GetPageSize(), maxPageSize))
	if size == 0 {
		size = defaultPageSize
	}
	end := min(start+size, len(all))
	part = all[start:end]
	if end < len(all) {
		next = key(all[end-1])
	}
	return part, next, nil
}

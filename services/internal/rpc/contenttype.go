package rpc

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

const contentTypes = "application/json, application/proto, application/grpc or application/grpc-web"

// ContentType answers a POST whose content type no protocol reads with status 415 and a JSON
// body, in Connect's form of an error, that says which ones are read.
func ContentType(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || readable(r.Header.Get("Content-Type")) {
			next.ServeHTTP(w, r)
			return
		}
		message := fmt.Sprintf("content type %q is not read here: send %s", r.Header.Get("Content-Type"), contentTypes)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnsupportedMediaType)
		// A client that has gone away is all that can go wrong here.
		_ = json.NewEncoder(w).Encode(map[string]string{
			"code":    connect.CodeInvalidArgument.String(),
			"message": message,
		})
	})
}

func readable(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch mediaType {
	case "application/json", "application/proto", "application/connect+json", "application/connect+proto":
		return true
	}
	kind, codec, _ := strings.Cut(mediaType, "+")
	return (kind == "application/grpc" || kind == "application/grpc-web") &&
		(codec == "" || codec == "proto" || codec == "json")
}

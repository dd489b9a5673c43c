package rpc

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

const contentTypes = "application/json, application/proto, application/grpc or application/grpc-web, without parameters other than charset=utf-8 of JSON"

// ContentType answers a POST whose content type no protocol reads with status 415 and a JSON
// body, in Connect's form of an error, that says which ones are read.
func ContentType(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || readable(r.Header.Get("Content-Type")) {
			next.ServeHTTP(w, r)
			return
		}
		message := fmt.Sprintf("content type %.100q is not read here: send %s", r.Header.Get("Content-Type"), contentTypes)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnsupportedMediaType)
		// A client that has gone away is all that can go wrong here.
		_ = json.NewEncoder(w).Encode(map[string]string{
			"code":    connect.CodeInvalidArgument.String(),
			"message": message,
		})
	})
}

// readable reports whether a protocol takes the content type. Connect compares parameters too,
// and answers what it does not know without a word: of parameters, JSON may say that it is
// UTF-8, and that is all.
func readable(contentType string) bool {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	protocol, codec, suffixed := strings.Cut(mediaType, "+")
	switch protocol {
	case "application/json", "application/proto":
		if suffixed {
			return false
		}
		codec = strings.TrimPrefix(protocol, "application/")
	case "application/grpc", "application/grpc-web":
		if !suffixed {
			codec = "proto"
		}
	case "application/connect":
	default:
		return false
	}
	switch codec {
	case "json":
		return len(parameters) == 0 || len(parameters) == 1 && strings.EqualFold(parameters["charset"], "utf-8")
	case "proto":
		return len(parameters) == 0
	}
	return false
}

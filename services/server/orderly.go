package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
)

// maxHeaders is how many headers a request may have that differ in name. Browsers behind several
// proxies send thirty.
const maxHeaders = 256

var (
	errAmbiguous = errors.New("the request has both a Content-Length and a Transfer-Encoding: where it ends is not clear; send one of them")
	errHeaders   = fmt.Errorf("the request has more than %d headers; send fewer", maxHeaders)
)

// orderly refuses requests whose bounds are not clear or too wide, and with them their connections,
// before anything else may: whoever refuses a request alone leaves what follows to be answered.
func orderly(next http.Handler) http.Handler {
	writer := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var refused *connect.Error
		switch {
		case r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 && ambiguous(r):
			refused = connect.NewError(connect.CodeInvalidArgument, errAmbiguous)
		case len(r.Header) > maxHeaders:
			refused = connect.NewError(connect.CodeResourceExhausted, errHeaders)
		default:
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		// A client that has gone away is all that can go wrong here.
		_ = writer.Write(w, r, refused)
	})
}

// largestMessage returns the size of the largest message of a request.
func (o Options) largestMessage(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, "/"+registryv1connect.RegistryServiceName+"/") {
		return int64(max(o.MaxMessageBytes, maxPublishBytes))
	}
	return int64(o.MaxMessageBytes)
}

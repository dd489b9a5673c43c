// Package sepal is the Go client of a Sepal server: it dials, bounds calls in time, retries
// those that may succeed on another try, and turns every failure into a typed [*Error].
//
//	client, err := sepal.Dial("localhost:50051")
//	if err != nil {
//		return err // the target or an option makes no sense; nothing was sent yet
//	}
//	defer client.Close()
//	answer, err := client.Predict(ctx, sepal.Features(5.1, 3.5, 1.4, 0.2))
//	if err != nil {
//		return err // a *sepal.Error: code, refused fields, request id
//	}
//	fmt.Println(answer.GetPrediction(), answer.GetConfidence())
//
// For many rows there are [Client.BatchPredict], [Client.BatchPredictStream], which gets its
// answer in chunks, and [Client.ClassifyTable], which splits a table into as many calls as it
// takes. [Client.PredictStream] and [Client.ClassifyAll] classify rows as they come.
//
// [Client.SetRollout], [Client.PublishVersion] and the like change the server's registry. They are
// sent with a request id, so that trying them again changes it once.
//
// [Client.GetDriftReport] and [Client.GetActivity] say what the server has been answering lately.
//
// It speaks gRPC unless [WithProtocol] says otherwise, over HTTP/2 in clear text or TLS. The
// messages are the generated ones of gen/go/sepal/prediction/v1, gen/go/sepal/registry/v1 and
// gen/go/sepal/monitoring/v1. The package needs nothing of the server's code.
//
// A [Client] may be used by any number of goroutines at once. A request message is only read;
// the caller must not change it until the call returns.
package sepal

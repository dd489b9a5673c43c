"""The Python service that Sepal is compared with: grpcio and scikit-learn, ten threads.

python3 service.py IMAGE serves on a free port of the loopback interface, and says on standard
error, as a line of JSON, where. IMAGE is a FileDescriptorSet of the contract: message classes
are made of it when the service starts.
"""

import concurrent.futures
import json
import logging
import os
import sys

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

PACKAGE = "sepal.prediction.v1"
THREADS = 10
MODEL, VERSION, VARIANT = "iris", "v1.0.0", "stable"

# Lines of the log go nowhere: only what it costs to make them counts.
logging.basicConfig(
    level=logging.INFO,
    filename=os.devnull,
    format="%(asctime)s %(levelname)s %(name)s %(message)s",
)
log = logging.getLogger("service")


def messages(image):
    """Returns a function from the name of a message to its class."""
    pool = descriptor_pool.DescriptorPool()
    with open(image, "rb") as file:
        for descriptor in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(descriptor)
    # Before protobuf 4.22, a factory had this as a method.
    class_of = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    return lambda name: class_of(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


class Service:
    """Answers with a logistic regression that was fitted to iris."""

    def __init__(self, message):
        self.message = message
        self.PredictResponse = message("PredictResponse")
        self.PredictStreamResponse = message("PredictStreamResponse")
        self.BatchPredictResponse = message("BatchPredictResponse")
        iris = load_iris()
        self.classes = [str(name) for name in iris.target_names]
        self.model = LogisticRegression(max_iter=1000).fit(iris.data, iris.target)

    def predict(self, request):
        row = np.array([request.features])
        predicted = int(self.model.predict(row)[0])
        probabilities = self.model.predict_proba(row)[0]
        response = self.PredictResponse(
            prediction=self.classes[predicted],
            confidence=probabilities[predicted],
            model_version=VERSION,
            model=MODEL,
            variant=VARIANT,
        )
        for k in np.argsort(-probabilities, kind="stable"):
            response.scores.add(**{"class": self.classes[k]}, probability=probabilities[k])
        log.info("prediction=%s confidence=%.4f", response.prediction, response.confidence)
        return response

    def Predict(self, request, context):
        return self.predict(request)

    def BatchPredict(self, request, context):
        rows = np.array(request.matrix.values).reshape(-1, request.matrix.columns)
        predicted = self.model.predict(rows)
        probabilities = self.model.predict_proba(rows)
        response = self.BatchPredictResponse(
            model_version=VERSION, model=MODEL, variant=VARIANT
        )
        response.matrix.classes.extend(self.classes)
        response.matrix.class_indices.extend(predicted.tolist())
        response.matrix.confidences.extend(
            probabilities[np.arange(len(rows)), predicted].tolist()
        )
        log.info("rows=%d", len(rows))
        return response

    def PredictStream(self, requests, context):
        for request in requests:
            yield self.PredictStreamResponse(response=self.predict(request.request))

    def handler(self):
        """Returns what a generated file would have for the service."""

        def of(make, name):
            return make(
                getattr(self, name),
                request_deserializer=self.message(f"{name}Request").FromString,
                response_serializer=self.message(f"{name}Response").SerializeToString,
            )

        return grpc.method_handlers_generic_handler(
            f"{PACKAGE}.PredictionService",
            {
                "Predict": of(grpc.unary_unary_rpc_method_handler, "Predict"),
                "BatchPredict": of(grpc.unary_unary_rpc_method_handler, "BatchPredict"),
                "PredictStream": of(grpc.stream_stream_rpc_method_handler, "PredictStream"),
            },
        )


def main():
    service = Service(messages(sys.argv[1]))
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=THREADS))
    server.add_generic_rpc_handlers((service.handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), file=sys.stderr, flush=True)
    server.wait_for_termination()


main()

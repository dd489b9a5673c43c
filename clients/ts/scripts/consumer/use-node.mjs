// Calls a server of its own over each kind of transport, and reads an error's violations.
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { create, toBinary } from "@bufbuild/protobuf";
import { createSepalClient, describeError, HealthResponseSchema } from "@sepal-ml/client";
import { createSepalClient as createNodeClient } from "@sepal-ml/client/node";

const violation = { field: "features", description: "is empty" };
const field = (number, bytes) => [(number << 3) | 2, bytes.length, ...bytes];
const text = (value) => [...new TextEncoder().encode(value)];
const badRequest = field(1, [
  ...field(1, text(violation.field)),
  ...field(2, text(violation.description)),
]);

const server = createServer((request, response) => {
  request.resume();
  response.setHeader("x-request-id", "r-1");
  if (request.url === "/sepal.prediction.v1.PredictionService/Health") {
    response.setHeader("content-type", "application/proto");
    response.end(toBinary(HealthResponseSchema, create(HealthResponseSchema, { status: "ok" })));
    return;
  }
  const value = Buffer.from(badRequest).toString("base64").replace(/=+$/, "");
  response.writeHead(400, { "content-type": "application/json" });
  response.end(
    JSON.stringify({
      code: "invalid_argument",
      message: "features is empty",
      details: [{ type: "google.rpc.BadRequest", value }],
    }),
  );
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const options = { baseUrl: `http://127.0.0.1:${server.address().port}`, protocol: "connect" };
try {
  for (const client of [
    createSepalClient(options),
    createNodeClient({ ...options, httpVersion: "1.1" }),
  ]) {
    assert.equal((await client.health()).status, "ok");
    const error = await client.predict({}).catch((e) => e);
    const { code, message, violations, requestId } = describeError(error);
    assert.deepEqual(
      { code, message, requestId, violations: violations.map((v) => ({ ...v })) },
      {
        code: "invalid_argument",
        message: "features is empty",
        requestId: "r-1",
        violations: [{ $typeName: "sepal.prediction.v1.FieldViolation", ...violation }],
      },
    );
  }
} finally {
  server.close();
  server.closeAllConnections();
}

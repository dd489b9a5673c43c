import { type ClientOptions, createSepalClient as createFetchClient } from "@sepal-ml/client";
import { createSepalClient, type NodeClientOptions, type SepalClient } from "@sepal-ml/client/node";

const fetchOptions: ClientOptions = { baseUrl: "http://127.0.0.1:50051", retry: false };
const nodeOptions: NodeClientOptions = { ...fetchOptions, protocol: "grpc", httpVersion: "2" };
const clients: SepalClient[] = [createFetchClient(fetchOptions), createSepalClient(nodeOptions)];

export const confidences: Promise<number[]> = Promise.all(
  clients.map(async (client) => (await client.predict({ inputs: { width: 1.5 } })).confidence),
);

export async function* predictions(rows: AsyncIterable<number[]>): AsyncGenerator<string> {
  const client = createSepalClient(nodeOptions);
  async function* requests() {
    for await (const features of rows) yield { features };
  }
  for await (const { result } of client.predictStream(requests(), { timeoutMs: 60_000 })) {
    if (result.case === "response") yield result.value.prediction;
  }
}

// @ts-expect-error browsers do not speak gRPC
createFetchClient({ baseUrl: "", protocol: "grpc" });

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type ClientOptions, createGrpcWebClient, createSepalClient } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";

const secret = "sepal_Open-Sesame.0123";

/** A client whose requests end here; the values of their Authorization headers. */
function recording(options: Partial<ClientOptions>) {
  const sent: (string | null)[] = [];
  const client = createSepalClient({
    baseUrl: "http://127.0.0.1:50051",
    protocol: "connect",
    useBinaryFormat: false,
    retry: { baseDelayMs: 0 },
    ...options,
    fetch: async (_, init) => {
      sent.push(new Headers(init?.headers).get("authorization"));
      const headers = { "content-type": "application/json" };
      return sent.length === 1
        ? new Response(JSON.stringify({ code: "unavailable" }), { status: 503, headers })
        : new Response(JSON.stringify({ status: "ok" }), { headers });
    },
  });
  return { client, sent };
}

test("the client of gRPC-Web alone sends it too, and speaks that", async () => {
  const sent: Headers[] = [];
  const client = createGrpcWebClient({
    baseUrl: "http://127.0.0.1:50051",
    token: secret,
    fetch: async (_, init) => {
      sent.push(new Headers(init?.headers));
      const trailers = "grpc-status: 16\r\ngrpc-message: no\r\n";
      const body = new Uint8Array([0x80, 0, 0, 0, trailers.length, ...Buffer.from(trailers)]);
      return new Response(body, { headers: { "content-type": "application/grpc-web+proto" } });
    },
  });
  await expect(client.health()).rejects.toMatchObject({ code: Code.Unauthenticated });
  expect(sent.map((headers) => headers.get("authorization"))).toEqual([`Bearer ${secret}`]);
  expect(sent[0]?.get("content-type")).toBe("application/grpc-web+proto");
  expect(() => createGrpcWebClient({ baseUrl: "http://sepal.test", token: secret })).toThrow(
    "in clear text",
  );
});

test("a token is on every attempt", async () => {
  const { client, sent } = recording({ token: secret });
  await client.health();
  expect(sent).toEqual([`Bearer ${secret}`, `Bearer ${secret}`]);
});

test("a function is asked before every attempt, and may have none", async () => {
  const tokens = [undefined, "b", "c"];
  const { client, sent } = recording({ token: async () => tokens.shift() });
  await client.health();
  await client.health({}, { headers: { Authorization: "Bearer another" } });
  expect(sent).toEqual([null, "Bearer b", "Bearer c"]);
});

test("no interceptor sees the token, before the call or after", async () => {
  const seen: string[] = [];
  const spy: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } finally {
      seen.push(JSON.stringify([...request.header]));
    }
  };
  const { client, sent } = recording({ token: secret, interceptors: [spy] });
  await client.health();
  expect(sent).toHaveLength(2);
  expect(seen).toHaveLength(2);
  expect(seen.join()).not.toContain(secret);
});

test.each([
  ["throws", () => Promise.reject(new Error("the vault is sealed")), "the vault is sealed"],
  ["returns an empty text", () => "", "it is empty"],
  ["returns a header", () => "Bearer secret", "it has a character at 6"],
])("a function that %s fails the call, and nothing is sent", async (_, token, why) => {
  const { client, sent } = recording({ token });
  const error = await client.health().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConnectError);
  const { code, rawMessage } = error as ConnectError;
  expect(code).toBe(Code.Unauthenticated);
  expect(rawMessage).toContain(`there is no token to send: ${why}`);
  expect(rawMessage).not.toContain("secret");
  expect(sent).toEqual([]);
});

test("a function may say that it is worth another try", async () => {
  let asked = 0;
  const { client, sent } = recording({
    token: () => {
      if (asked++ === 0) throw new ConnectError("the vault is away", Code.Unavailable);
      return "b";
    },
  });
  await client.health();
  expect(sent).toEqual(["Bearer b", "Bearer b"]);
});

test.each(["http://192.0.2.1:50051", "http://sepal.example.com", "http://localhost.example.com"])(
  "a token does not travel to %s unless told to",
  (baseUrl) => {
    for (const create of [createSepalClient, createNodeClient]) {
      for (const token of [secret, () => secret]) {
        const options = { baseUrl, token };
        expect(() => create(options)).toThrow(/^token: it would travel to .* in clear text/);
        expect(() => create(options)).not.toThrow(secret);
        expect(() => create({ ...options, clearTextToken: true })).not.toThrow();
      }
    }
  },
);

test.each([
  "https://sepal.example.com",
  "http://localhost:50051",
  "http://a.localhost",
  "http://127.1.2.3:1",
  "http://[::1]:1",
])("a token travels to %s", (baseUrl) => {
  for (const create of [createSepalClient, createNodeClient]) {
    expect(() => create({ baseUrl, token: secret })).not.toThrow();
  }
});

test("a text that is no token is refused without showing it", () => {
  for (const token of ["", "secret\n", "Bearer secret", "secrét"]) {
    const make = () => createSepalClient({ baseUrl: "https://localhost", token });
    expect(make).toThrow(/^token: it (?:is empty|has a character at \d+)/);
    expect(make).not.toThrow("secr");
  }
});

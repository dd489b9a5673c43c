import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "./repository.js";

const startLimitMs = 90_000;
const stopLimitMs = 60_000;

/** A server process of this test run. */
export interface Server {
  readonly baseUrl: string;
  /** Asks the server to stop and resolves to its exit code; null when it had to be killed. */
  stop(): Promise<number | null>;
}

/** Runs with a server of its own, which nothing was asked before. */
export async function withServer(
  modelPath: string,
  run: (server: Server) => Promise<void>,
): Promise<void> {
  const server = await startServer(modelPath);
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

/** The folder of the test models. */
export const testModels = join(repository, "testdata", "models");

/** Starts the built server on a free port and waits until it serves the models of a folder. */
export async function startServer(
  modelPath = testModels,
  environment: Record<string, string> = {},
): Promise<Server> {
  const bin = process.env.SEPAL_BIN || join(repository, "bin", "sepal");
  if (!existsSync(bin)) {
    throw new Error(
      `there is no server at ${bin}: run "go build -o bin/sepal ./services/sepal" at the root of the repository, or set SEPAL_BIN`,
    );
  }
  const child = spawn(bin, ["serve"], {
    cwd: repository,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: "0",
      MODEL_PATH: modelPath,
      SEPAL_DEFAULT_MODEL: "iris",
      SEPAL_LOG_FORMAT: "json",
      SEPAL_MAX_QUEUE_TIME: "0s", // however busy the machine of the tests is
      ...environment,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const address = await servingAddress(child);
    const scheme = environment.SEPAL_TLS_CERT ? "https" : "http";
    return { baseUrl: `${scheme}://${address}`, stop: () => stop(child) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function servingAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    const fail = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`the server ${what}; its log:\n${log.join("\n")}`));
    };
    const timer = setTimeout(() => fail(`was not serving after ${startLimitMs} ms`), startLimitMs);
    child.once("error", (error) => fail(`did not start: ${error.message}`));
    child.once("close", (code, signal) => fail(`ended with ${code ?? signal}`));
    if (!child.stderr) {
      return fail("has no log");
    }
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const address = addressIn(line);
      if (address !== undefined) {
        clearTimeout(timer);
        resolve(address);
      }
    });
  });
}

function addressIn(line: string): string | undefined {
  try {
    const entry = JSON.parse(line);
    return entry.message === "serving" ? entry.address : undefined;
  } catch {
    return undefined;
  }
}

function stop(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      return resolve(child.exitCode);
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), stopLimitMs);
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
    child.kill("SIGINT");
  });
}

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = new URL("../../../../", import.meta.url);
const binary = process.env.SEPAL_BIN || fileURLToPath(new URL("bin/sepal", root));

/** A folder of the repository's test data. */
export function testdata(path: string): string {
  return fileURLToPath(new URL(`testdata/${path}`, root));
}

/** Runs another verb of the binary to its end. */
export function runSepal(...args: string[]): void {
  execFileSync(built(), args, { stdio: ["ignore", "ignore", "pipe"] });
}

function built(): string {
  if (existsSync(binary)) return binary;
  throw new Error(
    `there is no server at ${binary}: run "go build -o bin/sepal ./services/sepal" at the ` +
      "root of the repository, or set SEPAL_BIN",
  );
}

/** A server that runs as people run it. */
export interface Sepal {
  /** Its URL, such as "http://127.0.0.1:41234". */
  url: string;
  port: number;
  stop(): Promise<void>;
}

/** Starts `sepal serve` with environment variables over the defaults: a free port, JSON logs. */
export async function startSepal(environment: Record<string, string> = {}): Promise<Sepal> {
  const process_ = spawn(built(), ["serve"], {
    env: {
      PATH: process.env.PATH,
      PORT: "0",
      SEPAL_LOG_FORMAT: "json",
      SEPAL_MAX_QUEUE_TIME: "0s", // however busy the machine of the tests is
      ...environment,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const address = await addressOf(process_);
  return {
    url: `${environment.SEPAL_TLS_CERT ? "https" : "http"}://${address}`,
    port: Number(address.split(":").at(-1)),
    stop: () => stop(process_),
  };
}

/** Starts a server where one was before: for a moment a connection may have taken its port. */
export async function startAgain({ port }: Sepal): Promise<Sepal> {
  for (let tries = 1; ; tries++) {
    try {
      return await startSepal({ PORT: String(port) });
    } catch (error) {
      if (tries === 10 || !String(error).includes("address already in use")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function addressOf(process_: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    const fail = (what: string): void => {
      reject(new Error(`${binary} serve ${what}; its log:\n${log.join("\n")}`));
    };
    process_.once("error", (error) => fail(`could not be started: ${error.message}`));
    // At its close, unlike its exit, all that it wrote is read.
    process_.once("close", (code) => fail(`ended with ${code} before it served`));
    if (!process_.stderr) return fail("has no stderr");
    createInterface({ input: process_.stderr }).on("line", (line) => {
      log.push(line);
      const entry = parseLine(line);
      if (entry?.message === "serving" && entry.address) resolve(entry.address);
    });
  });
}

function parseLine(line: string): { message?: string; address?: string } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Stops as Ctrl-C does, which does not wait for balancers to take notice. */
function stop(process_: ChildProcess): Promise<void> {
  if (process_.exitCode !== null || process_.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    process_.once("exit", () => resolve());
    process_.kill("SIGINT");
  });
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import {
  MonitoringService,
  PredictionService,
  RegistryService,
  type SepalClient,
} from "../../src/index.js";
import { repository } from "./repository.js";

/** A call and what must come of it; the cases are shared with the other clients. */
export interface Case {
  name: string;
  /** Service and method, such as "sepal.prediction.v1.PredictionService/Predict". */
  rpc: string;
  /** The request in Protobuf's JSON form. */
  request: JsonValue;
  /** The whole response in Protobuf's JSON form; or else there is `error`. */
  response?: JsonValue;
  error?: {
    code: string;
    message: string;
    violations?: { field: string; description: string }[];
  };
}

/** The calls with one response by the names that cases call them by. */
export const methods: Record<string, { desc: DescMethod; name: keyof SepalClient }> = {};
for (const service of [PredictionService, RegistryService, MonitoringService]) {
  for (const desc of service.methods.filter((m) => m.methodKind === "unary")) {
    const name = desc.localName as keyof SepalClient;
    methods[`${service.typeName}/${desc.name}`] = { desc, name };
  }
}

/** Reads every file of cases. Throws where there is none, or one that holds nothing usable. */
export function loadCases(): { file: string; cases: Case[] }[] {
  const folder = join(repository, "testdata", "cases");
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  if (files.length === 0) {
    throw new Error(`${folder}: expected files of cases (*.json), found none`);
  }
  return files.sort().map((file) => {
    const { cases } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { cases?: Case[] };
    if (!cases?.length) {
      throw new Error(`${file}: expected "cases" with at least one case`);
    }
    for (const c of cases) {
      if ((c.response === undefined) === (c.error === undefined)) {
        throw new Error(`${file}: case "${c.name}": expected either "response" or "error"`);
      }
      if (!(c.rpc in methods)) {
        throw new Error(
          `${file}: case "${c.name}": the client has no call "${c.rpc}" with one response`,
        );
      }
    }
    return { file, cases };
  });
}

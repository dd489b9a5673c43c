import { createSepalClient } from "@sepal-ml/client";
import { App } from "./app.js";
import { byId } from "./dom.js";
import { createNotice } from "./notice.js";

const baseUrl = new URL(".", location.href).href.replace(/\/$/, "");
const query = new URLSearchParams(location.search);

void new App({
  client: createSepalClient({ baseUrl, protocol: "grpc-web" }),
  baseUrl,
  target: { model: query.get("model") ?? "", version: query.get("version") ?? "" },
  main: byId("app"),
  model: byId("model"),
  notice: createNotice(byId("notice")),
}).load();

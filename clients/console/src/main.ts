import { createGrpcWebClient } from "@sepal-ml/client";
import { Access } from "./access.js";
import { App } from "./app.js";
import { Deferred } from "./deferred.js";
import { byId } from "./dom.js";
import { createNotice } from "./notice.js";
import { Views } from "./views.js";

const baseUrl = new URL(".", location.href).href.replace(/\/$/, "");
const query = new URLSearchParams(location.search);
const access = new Access(byId("access"), byId("later"));
const client = access.over(
  createGrpcWebClient({
    baseUrl,
    token: access.token,
    // Who gives a token to a page in clear text was told what that means.
    clearTextToken: true,
    interceptors: [access.interceptor],
  }),
);
const target = { model: query.get("model") ?? "", version: query.get("version") ?? "" };

const app = new App({
  client,
  baseUrl,
  target,
  withToken: () => access.token() !== undefined,
  main: byId("app"),
  model: byId("model"),
  notice: createNotice(byId("notice")),
  titled: () => views.retitle(),
});
const models = new Deferred(
  async () => {
    const { ModelsView } = await import("./models/view.js");
    const place = byId("models-view");
    return new ModelsView({ client, model: target.model, place, titled: () => views.retitle() });
  },
  "Models · Sepal",
  createNotice(byId("models-view")),
);
const live = new Deferred(
  async () => {
    const { LiveView } = await import("./live/view.js");
    return new LiveView({ client, target, place: byId("live-view") });
  },
  "Live · Sepal",
  createNotice(byId("live-view")),
);
const views = new Views(
  [
    {
      route: "predict",
      elements: [byId("app"), byId("model"), byId("notice")],
      target: () => document.getElementById("prediction"),
      title: () => app.title(),
      shown: () => app.start(),
      hidden: () => undefined,
    },
    {
      route: "models",
      elements: [byId("models-view")],
      target: () => byId("models-view").querySelector("h1"),
      title: () => models.title(),
      shown: () => models.start(),
      hidden: () => models.stop(),
    },
    {
      route: "live",
      elements: [byId("live-view")],
      target: () => byId("live-view").querySelector("h1"),
      title: () => live.title(),
      shown: () => live.start(),
      hidden: () => live.stop(),
    },
  ],
  byId("views"),
  byId("skip"),
);
views.start();

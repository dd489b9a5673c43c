import { type ConnectRouter, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { type ClientOptions, createSepalClient, PredictionService } from "../../src/index.js";

/** A client of a PredictionService in memory; its messages pass through the wire format. */
export function clientOf(
  service: Partial<ServiceImpl<typeof PredictionService>>,
  options: Partial<ClientOptions> = {},
) {
  return clientOfRoutes((router) => {
    router.service(PredictionService, service);
  }, options);
}

/** A client of any services in memory. */
export function clientOfRoutes(
  routes: (router: ConnectRouter) => void,
  options: Partial<ClientOptions> = {},
) {
  return createSepalClient({ baseUrl: "", transport: createRouterTransport(routes), ...options });
}

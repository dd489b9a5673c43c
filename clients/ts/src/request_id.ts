/**
 * Gives a request that changes something an id, unless it has one: sent again with the same
 * id, it is made once.
 */
export function withRequestId<T extends { requestId?: string | undefined }>(
  request: T,
): T & { requestId: string } {
  return { ...request, requestId: request.requestId || newRequestId() };
}

/**
 * Makes an id for a request that changes something: a random UUID. Only a request that may be
 * sent again by hand needs one: the client gives one to every other.
 */
export function newRequestId(): string {
  // Browsers offer randomUUID on https and localhost only.
  if (typeof crypto.randomUUID === "function") {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

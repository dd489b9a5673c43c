import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** A google.rpc.RetryInfo with a delay, as it comes with an error. */
export function retryInfo(seconds: number, nanos = 0): { type: string; value: Uint8Array } {
  const duration = new BinaryWriter().tag(1, 0).int64(seconds).tag(2, 0).int32(nanos).finish();
  return {
    type: "google.rpc.RetryInfo",
    value: new BinaryWriter().tag(1, 2).bytes(duration).finish(),
  };
}

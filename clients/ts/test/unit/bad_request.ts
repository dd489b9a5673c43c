import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A binary google.rpc.BadRequest. */
export function badRequest(violations: { field: string; description: string }[]): Uint8Array {
  const w = new BinaryWriter();
  for (const { field, description } of violations) {
    w.tag(1, WireType.LengthDelimited).fork();
    w.tag(1, WireType.LengthDelimited).string(field);
    w.tag(2, WireType.LengthDelimited).string(description);
    w.join();
  }
  return w.finish();
}

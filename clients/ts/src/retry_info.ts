import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { eachBytesField, eachField } from "./wire.js";

/**
 * Reads the delay out of a binary google.rpc.RetryInfo, in milliseconds. 0 where there is none, one
 * below 0, or bytes that are no such message.
 */
export function decodeRetryDelay(bytes: Uint8Array): number {
  let delay = 0;
  try {
    eachBytesField(new BinaryReader(bytes), (fieldNumber, reader) => {
      if (fieldNumber !== 1) return false;
      delay = decodeDuration(reader.bytes());
      return true;
    });
  } catch {
    return 0;
  }
  return Math.max(0, delay);
}

function decodeDuration(bytes: Uint8Array): number {
  let ms = 0;
  eachField(new BinaryReader(bytes), (fieldNumber, wireType, reader) => {
    if (wireType !== WireType.Varint || fieldNumber > 2) return false;
    ms += fieldNumber === 1 ? Number(reader.int64()) * 1e3 : reader.int32() / 1e6;
    return true;
  });
  return ms;
}

import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * Calls `read` for every field of a message; what it does not read (it returns false) is skipped.
 * Throws where the bytes are malformed.
 */
export function eachField(
  reader: BinaryReader,
  read: (fieldNumber: number, wireType: WireType, reader: BinaryReader) => boolean,
): void {
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    if (!read(fieldNumber, wireType, reader)) {
      reader.skip(wireType, fieldNumber);
    }
  }
}

/** As {@link eachField}, for fields that have a length alone. */
export function eachBytesField(
  reader: BinaryReader,
  read: (fieldNumber: number, reader: BinaryReader) => boolean,
): void {
  eachField(
    reader,
    (fieldNumber, wireType) => wireType === WireType.LengthDelimited && read(fieldNumber, reader),
  );
}

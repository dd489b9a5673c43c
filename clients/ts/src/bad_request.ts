import { create } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  type FieldViolation,
  FieldViolationSchema,
} from "#gen/sepal/prediction/v1/prediction_service_pb.js";
import { eachBytesField } from "./wire.js";

/**
 * Reads the field violations out of a binary google.rpc.BadRequest. Unknown fields are
 * skipped; bytes that are no such message give no violations at all.
 *
 * The message is read by hand because two fields do not justify shipping Google's protos.
 */
export function decodeBadRequest(bytes: Uint8Array): FieldViolation[] {
  try {
    const violations: FieldViolation[] = [];
    eachBytesField(new BinaryReader(bytes), (fieldNumber, reader) => {
      if (fieldNumber === 1) {
        violations.push(decodeFieldViolation(reader.bytes()));
        return true;
      }
      return false;
    });
    return violations;
  } catch {
    return [];
  }
}

function decodeFieldViolation(bytes: Uint8Array): FieldViolation {
  const violation = create(FieldViolationSchema);
  eachBytesField(new BinaryReader(bytes), (fieldNumber, reader) => {
    switch (fieldNumber) {
      case 1:
        violation.field = reader.string();
        return true;
      case 2:
        violation.description = reader.string();
        return true;
      default:
        return false;
    }
  });
  return violation;
}

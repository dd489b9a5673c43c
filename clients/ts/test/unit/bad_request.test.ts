import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { decodeBadRequest } from "../../src/bad_request.js";
import { badRequest } from "./bad_request.js";

const plain = (bytes: Uint8Array) =>
  decodeBadRequest(bytes).map(({ field, description }) => ({ field, description }));

test("reads every violation, in order", () => {
  const violations = [
    { field: "features[2]", description: "expected a finite number, found NaN" },
    { field: "inputs.größe", description: "expected a number" },
  ];
  expect(plain(badRequest(violations))).toEqual(violations);
});

test("an empty message has no violations", () => {
  expect(plain(new Uint8Array())).toEqual([]);
});

test("a violation without fields has empty strings", () => {
  const bytes = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(new Uint8Array());
  expect(plain(bytes.finish())).toEqual([{ field: "", description: "" }]);
});

test("skips unknown fields of every wire type, in both messages", () => {
  const unknown = (w: BinaryWriter) =>
    w
      .tag(7, WireType.Varint)
      .uint32(300)
      .tag(8, WireType.Bit32)
      .fixed32(1)
      .tag(9, WireType.Bit64)
      .double(0.5)
      .tag(10, WireType.LengthDelimited)
      .string("reason")
      .tag(11, WireType.StartGroup)
      .tag(1, WireType.Varint)
      .uint32(1)
      .tag(11, WireType.EndGroup);
  const w = unknown(new BinaryWriter());
  unknown(w.tag(1, WireType.LengthDelimited).fork())
    .tag(1, WireType.LengthDelimited)
    .string("rows")
    .tag(2, WireType.LengthDelimited)
    .string("expected at least one")
    .join();
  unknown(w);
  expect(plain(w.finish())).toEqual([{ field: "rows", description: "expected at least one" }]);
});

test("skips a known field number of another wire type", () => {
  const w = new BinaryWriter().tag(1, WireType.Varint).uint32(5);
  w.tag(1, WireType.LengthDelimited).fork().tag(2, WireType.Bit32).fixed32(9).join();
  expect(plain(w.finish())).toEqual([{ field: "", description: "" }]);
});

test("malformed bytes have no violations", () => {
  const whole = badRequest([{ field: "features[2]", description: "expected a finite number" }]);
  for (let length = 1; length < whole.length; length++) {
    expect(plain(whole.subarray(0, length)), `cut to ${length} bytes`).toEqual([]);
  }
  const malformed: [string, number[]][] = [
    ["length beyond the end", [0x0a, 0xff, 0x01]],
    ["endless varint", [0x0a, ...new Array(12).fill(0xff)]],
    ["field number 0", [0x02, 0x00]],
    ["wire type 7", [0x0f]],
    ["group never ended", [0x0b, 0x08, 0x01]],
    ["malformed inner message", [0x0a, 0x02, 0x0a, 0x7f]],
  ];
  for (const [name, bytes] of malformed) {
    expect(plain(Uint8Array.from(bytes)), name).toEqual([]);
  }
});

test("never throws, whatever the bytes", () => {
  let state = 1;
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: round % 40 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    expect(() => decodeBadRequest(bytes), `bytes ${bytes}`).not.toThrow();
  }
});

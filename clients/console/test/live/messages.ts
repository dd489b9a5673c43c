import type { MessageInitShape } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type Activity,
  ActivityPointSchema,
  ActivitySchema,
  create,
  type DriftReport,
  DriftReportSchema,
} from "@sepal-ml/client";

/** When the first step of an activity begins, in seconds since 1970. */
export const START = 1_700_000_000;

/** An activity in steps of 5 s, from START on. */
export function activityOf(...points: MessageInitShape<typeof ActivityPointSchema>[]): Activity {
  return create(ActivitySchema, {
    step: create(DurationSchema, { seconds: 5n }),
    points: points.map((point, i) => {
      const start = create(TimestampSchema, { seconds: BigInt(START + 5 * i) });
      return create(ActivityPointSchema, { start, ...point });
    }),
    confidenceThreshold: 0.6,
  });
}

/** A report on iris, but for what is given. */
export function reportOf(fields: MessageInitShape<typeof DriftReportSchema>): DriftReport {
  return create(DriftReportSchema, {
    model: "iris",
    version: "v1.0.0",
    rowsNeeded: 200n,
    referenceRows: 150n,
    ...fields,
  });
}

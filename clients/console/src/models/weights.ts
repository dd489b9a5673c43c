import { PER_CENT } from "../format.js";

/** All requests, in the unit of weights: hundredths of a per cent. */
export const WHOLE = 10_000;

/** Writes a weight as per cent, exactly: 1250 is "12.5 %". */
export function share(weight: number): string {
  return `${weight / 100}${PER_CENT}`;
}

/** What became of the text of a weight. */
export type WeightReading = { ok: true; weight: number } | { ok: false; problem: string };

/** Reads a share in per cent, in steps of 0.01, as a weight. */
export function parseShare(text: string): WeightReading {
  const trimmed = text.trim().replace(/\s*%$/, "").replace(",", ".");
  if (!/^(\d+\.?\d*|\.\d+)$/.test(trimmed)) {
    return { ok: false, problem: "Enter a share from 0 to 100 per cent, such as 5 or 0.25." };
  }
  const weight = Number(trimmed) * 100;
  const whole = Math.round(weight);
  if (Math.abs(weight - whole) > 1e-6) {
    return { ok: false, problem: "Shares go in steps of 0.01 per cent." };
  }
  if (whole > WHOLE) return { ok: false, problem: "A share is at most 100 per cent." };
  return { ok: true, weight: whole };
}

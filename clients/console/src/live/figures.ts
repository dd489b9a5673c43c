import { grouped, percent } from "../format.js";

/** What stands for a number that there is not. */
export const NONE = "–";

/** Writes a number of things per second, or of things: "0.2", "12.4", "1,234", "2.5 M". */
export function rate(value: number): string {
  if (value === 0) return "0";
  if (value < 0.05) return "<0.1";
  if (value < 99.95) return value.toFixed(1).replace(/\.0$/, "");
  if (value < 999_950) return grouped(value);
  return `${(value / 1e6).toFixed(1)}\u00a0M`;
}

/** Writes a time that something took: "850 µs", "1.2 ms", "1.5 s". */
export function took(seconds: number): string {
  if (seconds < 0.000_9995) return `${short(seconds * 1e6)}\u00a0µs`;
  if (seconds < 0.9995) return `${short(seconds * 1e3)}\u00a0ms`;
  return `${short(seconds)}\u00a0s`;
}

function short(value: number): string {
  return value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : grouped(value);
}

/** Writes a share, where there is one. */
export function shareText(share: number | undefined): string {
  return share === undefined ? NONE : percent(share);
}

/** A moment or a length of time, as the server gives it. */
interface Seconds {
  seconds: bigint;
  nanos: number;
}

/** A moment in milliseconds since 1970; undefined where it is not told. */
export function millisOf(time: Seconds | undefined): number | undefined {
  return time && Number(time.seconds) * 1000 + time.nanos / 1e6;
}

/** A length of time in seconds; 0 where it is not told. */
export function secondsOf(duration: Seconds | undefined): number {
  return (millisOf(duration) ?? 0) / 1000;
}

/** Writes a moment of today in the reader's own time: "16:03:12". */
export function clock(millis: number): string {
  return new Date(millis).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}

/** Writes a length of time in the unit that suits it: "45 s", "5 min", "24 h", "7 days". */
export function span(seconds: number): string {
  const units = [
    { name: "days", size: 86_400, least: 172_800 },
    { name: "h", size: 3600, least: 3600 },
    { name: "min", size: 60, least: 60 },
  ];
  const { name, size } = units.find(({ least }) => seconds >= least) ?? { name: "s", size: 1 };
  return `${Number((seconds / size).toFixed(1))}\u00a0${name}`;
}

/** Writes a count and what is counted: "1 row", "1,234 rows". */
export function counted(count: number | bigint, what: string): string {
  return `${grouped(Number(count))} ${what}${Number(count) === 1 ? "" : "s"}`;
}

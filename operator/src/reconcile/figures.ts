/** Figures as people read them: rounded, with a unit, and never more exact than they are. */
import type { DataFigures } from "../ring/data-picture.ts";

const SECONDS_OF_MINUTES = 120;
const SECONDS_OF_HOURS = 7_200;
const BYTE_UNITS = ["", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Two digits that count: 1234 is 1,200. */
export function rounded(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 2 });
}

/** An exact number of things: 1 partition, 14 partitions. */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString("en-US")} ${thing}${count === 1 ? "" : "s"}`;
}

export function byteText(bytes: number): string {
  if (bytes < 1_024) return counted(bytes, "byte");
  const power = Math.floor(Math.log2(bytes) / 10);
  const unit = Math.min(power, BYTE_UNITS.length - 1);
  return `${rounded(bytes / 1024 ** unit)} ${BYTE_UNITS[unit]}`;
}

function timeText(seconds: number): string {
  if (seconds < SECONDS_OF_MINUTES) return `about ${rounded(Math.ceil(seconds))} s`;
  if (seconds < SECONDS_OF_HOURS) return `about ${rounded(seconds / 60)} min`;
  return `about ${rounded(seconds / 3600)} h`;
}

/** What moves have still to copy and how long that takes, as far as it is known. */
export function leftText(
  { keysLeft, bytesLeft }: Pick<DataFigures, "keysLeft" | "bytesLeft">,
  secondsLeft: number | undefined,
): string | undefined {
  if (keysLeft === 0) return secondsLeft === undefined ? undefined : timeText(secondsLeft);
  const keys = keysLeft === 1 ? "1 key" : `${rounded(keysLeft)} keys`;
  const time = secondsLeft === undefined ? "" : `, ${timeText(secondsLeft)}`;
  return `${keys} (${byteText(bytesLeft)}) left to move${time}`;
}

/** What keeps the data from being in place, in parts of a sentence; empty when nothing does. */
export function shortcomings(figures: DataFigures): string[] {
  const { unled, degraded, misplaced } = figures;
  return [
    ...(unled > 0 ? [`${counted(unled, "partition")} without a leader`] : []),
    ...(degraded > 0 ? [`${counted(degraded, "partition")} without all copies`] : []),
    ...(misplaced > 0 ? [`${counted(misplaced, "partition")} not yet where they belong`] : []),
  ];
}

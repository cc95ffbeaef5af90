/** How a scenario calls nodes: by their identifiers, `8` or `n8`. */
import type { Id } from "../../src/chord/index.ts";

/** A command that cannot be carried out: a mistake in the file, not in the protocol. */
export class ScenarioError extends Error {}

/** `8` and `n8` both name the node n8. */
export function nodeName(text: string): string {
  if (!/^n?\d+$/.test(text)) throw new ScenarioError(`${text} is no node, such as 8`);
  return text.startsWith("n") ? text : `n${text}`;
}

/** The identifier in a node's name: 8 of `n8`. */
export function numberOf(name: string): number {
  const digits = /^n(\d+)$/.exec(name)?.[1];
  if (digits === undefined) throw new ScenarioError(`${name} is no node's name, such as n8`);
  return Number(digits);
}

/** Small circles only. */
export function numberOfId(id: Id): number {
  return Number(`0x${id}`);
}

/** A length of time such as 250ms or 3s, in milliseconds. */
export function milliseconds(text: string | undefined): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text ?? "") ?? [];
  if (amount === undefined) throw new ScenarioError(`${text} is no time, such as 250ms or 3s`);
  return Number(amount) * (unit === "s" ? 1000 : 1);
}

/** A whole number. */
export function wholeNumber(text: string | undefined): number {
  if (!/^\d+$/.test(text ?? "")) throw new ScenarioError(`${text} is no whole number`);
  return Number(text);
}

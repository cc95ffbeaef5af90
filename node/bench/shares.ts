/** Divides what cannot be split, such as connections, in proportion to weights. */

/** Whole numbers that add up to `total`, each off its exact share by less than one. */
export function shares(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((one, other) => one + other, 0);
  const exact = weights.map((weight) => (sum === 0 ? 0 : (total * weight) / sum));
  const result = exact.map((share) => Math.floor(share));
  const rest = sum === 0 ? 0 : total - result.reduce((one, other) => one + other, 0);
  const byRemainder = [...exact.keys()].toSorted(
    (one, other) => remainder(exact[other]) - remainder(exact[one]) || one - other,
  );
  for (const index of byRemainder.slice(0, rest)) result[index] = (result[index] ?? 0) + 1;
  return result;
}

function remainder(share = 0): number {
  return share - Math.floor(share);
}

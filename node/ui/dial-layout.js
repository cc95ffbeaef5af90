/**
 * How large the parts of the circle are drawn in the room there is, pure. From the inside out:
 * chords, tick marks, the band of partitions if they are known, the band of ownership with the
 * nodes on it, bars of keys and of partitions led, labels.
 */

/**
 * @typedef {{
 *   width: number, height: number, chords: number, ticks: number, partitionInner: number,
 *   partitionOuter: number, bandInner: number, bandOuter: number, nodes: number, disc: number,
 *   barLengthMax: number, labels: number, labelLimit: number, fontSize: number,
 *   lineHeight: number, wordy: boolean,
 * }} DialLayout radii and sizes in pixels; `wordy` when labels have more than one line
 */

/**
 * @param {{
 *   width: number, height: number, count: number, nameLength: number, partitions?: boolean,
 * }} room count of nodes; length of the longest label in characters; whether there is a band of
 *   partitions
 * @returns {DialLayout}
 */
export function layOutDial({ width, height, count, nameLength, partitions = false }) {
  const fontSize = width < 480 || (count > 40 && height < 900) ? 11 : 13;
  const wordy = width >= 480 && count <= 16;
  const lineHeight = wordy ? 3 * fontSize + 8 : fontSize + 3;
  const labelWidth = Math.max(nameLength, wordy ? 9 : 0) * fontSize * 0.6 + 10;
  const labels = Math.max(60, Math.min(width / 2 - labelWidth, height / 2 - lineHeight));
  const barLengthMax = within(labels * 0.12, 12, 34);
  const bandOuter = labels - barLengthMax - 11;
  const bandInner = bandOuter - within(labels * 0.04, 6, 12);
  const partitionOuter = bandInner - (partitions ? 3 : 0);
  const partitionInner = partitionOuter - (partitions ? within(labels * 0.035, 5, 10) : 0);
  return {
    width,
    height,
    chords: partitionInner - 5,
    ticks: partitionInner - 5,
    partitionInner,
    partitionOuter,
    bandInner,
    bandOuter,
    nodes: (bandInner + bandOuter) / 2,
    disc: Math.min(within((1.4 * bandOuter) / Math.max(1, count), 3.5, 8), bandOuter * 0.05),
    barLengthMax,
    labels,
    labelLimit: height / 2 - lineHeight / 2,
    fontSize,
    lineHeight,
    wordy,
  };
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
function within(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/**
 * Values on the page. Goal: text shows as text, anything else as bytes, and both are cut.
 * Method: bytes by hand.
 */
import { equal } from "node:assert/strict";
import { asText, expiryNote, hexRows } from "../../ui/value-panel.js";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a value on the page", () => {
  it("is text when it is UTF-8 without control characters", () => {
    equal(asText(bytesOf("Zürich\t1\r\n")), "Zürich\t1\r\n");
    equal(asText(Uint8Array.of()), "");
    equal(asText(Uint8Array.of(0xff, 0xfe)), null);
    equal(asText(bytesOf("a\0b")), null);
  });

  it("is cut to what a reader can use", () => {
    equal(asText(bytesOf("x".repeat(5_000)))?.length, 4_096);
    equal(hexRows(new Uint8Array(1_000)).split("\n").length, 16);
  });

  it("says when it will be deleted", () => {
    const expires = "2026-05-04T03:02:01.000Z";
    const nowMs = Date.parse(expires);
    equal(/deletes it in 58 s\./.test(expiryNote(expires, nowMs - 58_000)), true);
    equal(/deletes it in 2 h\./.test(expiryNote(expires, nowMs - 7_200_000)), true);
    equal(/deletes it about now\./.test(expiryNote(expires, nowMs + 500)), true);
  });

  it("shows other bytes in hexadecimal, sixteen a row", () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, index) => index);
    equal(hexRows(bytes), "0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n0010  10 11");
  });
});

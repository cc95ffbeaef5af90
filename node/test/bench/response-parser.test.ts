/**
 * Goal: the load generator takes an answer for whole when it is, however it was cut on its way.
 * Method: answers of all systems, cut at every place.
 */
import assert from "node:assert/strict";
import { ResponseParser } from "../../bench/response-parser.ts";

const answers = {
  "with a length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Chord-Owner: a\r\n\r\nhello",
  "with a length of other letters": "HTTP/1.1 201 Created\r\ncontent-length:0\r\n\r\n",
  "without a body": "HTTP/1.1 204 No Content\r\nX-Chord-Hops: 0\r\n\r\n",
  "in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "that is an error": "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
};

describe("an answer is whole when it is", () => {
  for (const [name, answer] of Object.entries(answers)) {
    it(`one ${name}, cut at every place`, () => {
      const parser = new ResponseParser();
      for (let cut = 1; cut < answer.length; cut += 1) {
        assert.equal(parser.feed(answer.slice(0, cut)), false, `whole after ${cut}`);
        assert.equal(parser.feed(answer.slice(cut)), true, `not whole, cut at ${cut}`);
        assert.equal(parser.status, Number(answer.slice(9, 12)));
        assert.equal(parser.text, answer);
        parser.clear();
      }
    });
  }

  it("one after the other on the same connection", () => {
    const parser = new ResponseParser();
    for (const answer of Object.values(answers)) {
      assert.equal(parser.feed(answer), true);
      parser.clear();
    }
  });
});

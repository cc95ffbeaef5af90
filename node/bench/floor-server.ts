/**
 * The floor to compare with: the least that Express and lmdb can do for a GET and a durable PUT,
 * in one process, without keys of any form, versions, owners or limits. Not part of the product.
 */
import express from "express";
import { open } from "lmdb";

const [directory = "", port = "0"] = process.argv.slice(2);
const database = open<Buffer, string>({
  path: `${directory}/floor.lmdb`,
  encoding: "binary",
  overlappingSync: false,
});

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.set("query parser", false);
app.get("/v1/kv/:key", (request, response) => {
  const value = database.get(request.params.key);
  if (value === undefined) {
    response.writeHead(404);
    response.end();
    return;
  }
  response.writeHead(200, {
    "Content-Type": "application/octet-stream",
    "Content-Length": value.length,
  });
  response.end(value);
});
app.put("/v1/kv/:key", (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    void database.put(request.params.key, Buffer.concat(chunks)).then(() => {
      response.writeHead(204);
      response.end();
    });
  });
});
app.listen(Number(port), "127.0.0.1");

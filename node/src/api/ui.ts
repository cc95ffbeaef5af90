/**
 * `/ui`: the live picture of the ring, as static files. Its links are relative to `/ui` without a
 * slash, so it also works behind a path such as that of `kubectl proxy`.
 *
 * The page may load and call nothing but this origin, and runs no inline code. Nothing of it is
 * cached, so that after an upgrade nobody sees half of the old page: in an image all files may
 * bear the same time, and a time is all that revalidation would have to go by.
 */
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import express, { type Router } from "express";
import type { Log } from "../chord/index.ts";
import { safely } from "../http/handler.ts";
import { methodNotAllowed } from "../kv/http-form.ts";

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const fileOptions = { cacheControl: false, lastModified: false, etag: false } as const;
const folderOptions = {
  index: false,
  redirect: false,
  dotfiles: "ignore",
  setHeaders: secure,
} as const;

export function userInterface(directory: string, log: Log): Router {
  const router = express.Router({ strict: true });
  router.use("/ui", (request, response, next) => {
    if (request.method === "GET" || request.method === "HEAD") {
      next();
      return;
    }
    safely(() => {
      throw methodNotAllowed("GET, HEAD");
    }, log)(request, response);
  });
  router.get("/ui", (_request, response, next) => {
    secure(response);
    response.sendFile(join(directory, "index.html"), fileOptions, (error) => {
      if (error !== undefined && !response.headersSent) next();
    });
  });
  // Relative, so that it stays behind a proxy's path.
  router.get("/ui/", (_request, response) => {
    response.redirect(308, "../ui");
  });
  router.use("/ui", express.static(directory, { ...fileOptions, ...folderOptions }));
  return router;
}

function secure(response: ServerResponse): void {
  response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cache-Control", "no-store");
}

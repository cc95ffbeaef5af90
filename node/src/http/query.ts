/** The query of a URL, strictly: what is not understood is refused, never left out. */
import { HttpError } from "./errors.ts";

/** The values of these names, as far as they are given. Throws 400 `bad_query`. */
export function parseQuery<Name extends string>(
  url: string,
  names: readonly Name[],
): Readonly<Partial<Record<Name, string>>> {
  const start = url.indexOf("?");
  const values: Partial<Record<Name, string>> = {};
  const parts = start < 0 ? [] : url.slice(start + 1).split("&");
  for (const part of parts.filter((one) => one !== "")) {
    const [given = "", ...rest] = part.split("=");
    const name = names.find((one) => one === given);
    if (name === undefined || values[name] !== undefined) {
      throw new HttpError(
        400,
        "bad_query",
        `the query takes each once at most: ${names.join(", ")}`,
      );
    }
    values[name] = decode(rest.join("="));
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    const message = "the query is not percent-encoded UTF-8: write each byte as %XX";
    throw new HttpError(400, "bad_query", message, { cause });
  }
}

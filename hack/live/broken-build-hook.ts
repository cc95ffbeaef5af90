/**
 * Runs in a node's process before its code: makes the node the broken build that this module's URL
 * names, by editing production files while they are loaded. The product knows nothing of it.
 */
import { registerHooks } from "node:module";
import { brokenBuild, brokenText } from "./broken-builds.ts";

const ROOT = "/node/src/";

const build = brokenBuild(new URL(import.meta.url).searchParams.get("build") ?? "");

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const file = url.slice(url.lastIndexOf(ROOT) + ROOT.length);
    const edited = url.includes(ROOT) && build.edits.some((edit) => edit.file === file);
    if (!edited || loaded.source == null) return loaded;
    const { source } = loaded;
    const text = typeof source === "string" ? source : new TextDecoder().decode(source);
    return { ...loaded, source: brokenText(build, file, text) };
  },
});

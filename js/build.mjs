// Build the front end into lecopt/explorer/static/, or into the folder given.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = process.argv[2] ?? join(here, "..", "lecopt", "explorer", "static");
const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
};

await Promise.all([
  build({ ...common, entryPoints: ["src/widget.ts"], outfile: join(outdir, "widget.js"), format: "esm" }),
  build({ ...common, entryPoints: ["src/island.ts"], outfile: join(outdir, "lecopt-explorer.js"), format: "iife" }),
  build({ ...common, entryPoints: ["src/explorer.css"], outfile: join(outdir, "lecopt-explorer.css") }),
]);

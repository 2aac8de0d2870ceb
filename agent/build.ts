/** Builds the agent into one ES-module file that any host with Node 22 or newer runs. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { z } from "zod";

const root = new URL("../", import.meta.url);
const DEFAULT_OUTFILE = fileURLToPath(new URL("dist/agent/farhand-agent.mjs", root));

const packageSchema = z.object({ version: z.string() });

/** zod brings its messages in fifty languages, a third of the bundle; the agent speaks one. */
const englishOnly: Plugin = {
  name: "english-only",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/**
 * Of zod only what is used: `z` as a named import is one object with all of it,
 * which no bundler can take apart. Half a megabyte of source, 4 MB of memory.
 */
const zodInParts: Plugin = {
  name: "zod-in-parts",
  setup({ onLoad }) {
    onLoad({ filter: /\/(protocol|agent)\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return {
        contents: source.replace('import { z } from "zod";', 'import * as z from "zod";'),
        loader: "ts",
      };
    });
  },
};

/** What many agents never come to use: most hosts have no file in YAML, and most plans neither pattern nor expression. */
const SELDOM_USED = ["yaml", "re2js", "@marcbachmann/cel-js"];

/**
 * What is not used takes no memory. Packages that seldom are used get loaded
 * when one of their exports is first looked at; and of `node:http` no export is
 * made that nobody looks at, where an `import` makes all of them, and for
 * `WebSocket` loads an HTTP client of 10 MB.
 */
const onDemand: Plugin = {
  name: "on-demand",
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(?:node:http|${SELDOM_USED.join("|")})$`);
    onResolve({ filter }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "on-demand" } : undefined,
    );
    onLoad({ filter, namespace: "on-demand" }, async ({ path }) => {
      const load = `require(${JSON.stringify(path)})`;
      const resolveDir = fileURLToPath(root);
      if (path === "node:http") return { contents: `module.exports = ${load};`, resolveDir };
      const names = Object.keys(await import(path)).filter((name) => /^[a-z]\w*$/i.test(name));
      const getters = names.map((name) => `get ${name}() { return ${load}.${name}; }`);
      return { contents: `module.exports = { __esModule: true, ${getters.join(", ")} };`, resolveDir };
    });
  },
};

export interface AgentBuild {
  outfile: string;
  /** Of package.json when absent. */
  version?: string;
  /** Public half of the key whose releases this agent takes, SPKI in base64; it takes none when absent. */
  releaseKey?: string;
}

/** @returns the files that went into it, relative to the folder of package.json */
export async function bundleAgent({ outfile, version, releaseKey }: AgentBuild): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(root),
    metafile: true,
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    minifySyntax: true,
    // The engine keeps the text of what it runs.
    minifyWhitespace: true,
    legalComments: "none",
    define: {
      FARHAND_VERSION: JSON.stringify(version ?? (await ownVersion())),
      FARHAND_RELEASE_KEY: releaseKey === undefined ? "undefined" : JSON.stringify(releaseKey),
      // ws would look for native helpers in whatever node_modules is near the file: it works without.
      "process.env.WS_NO_BUFFER_UTIL": '"1"',
      "process.env.WS_NO_UTF_8_VALIDATE": '"1"',
    },
    // ws is CommonJS and asks for Node's modules with require.
    banner: {
      js: `#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);`,
    },
    plugins: [englishOnly, zodInParts, onDemand],
    logLevel: "warning",
  });
  await writeFile(outfile, inAscii(await readFile(outfile, "utf8")));
  await chmod(outfile, 0o755);
  return Object.keys(metafile.inputs);
}

/**
 * One letter beyond ASCII makes the engine keep two bytes for each character of
 * the file. esbuild escapes those in strings, but not those in regular
 * expressions; a comment, where the escape would mean nothing, is not left.
 */
function inAscii(source: string): string {
  return source.replace(
    /[^\0-\x7f]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @returns the path of the built file */
export async function buildAgent(outfile: string = DEFAULT_OUTFILE): Promise<string> {
  await bundleAgent({ outfile });
  return outfile;
}

/** The version that package.json names. */
export async function ownVersion(): Promise<string> {
  return packageSchema.parse(JSON.parse(await readFile(new URL("package.json", root), "utf8"))).version;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${await buildAgent()}\n`);
}

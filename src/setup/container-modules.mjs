// How modules get into the containers' bundle. Many sidecars share a machine, so what one of them seldom needs is neither read nor kept in memory.
import { join } from 'node:path';

/** Packages that most sidecars never call, by the file of their own in which they are: what is in one file shares its internals. */
const seldom = [
  { file: 'expressions.cjs', packages: /^@bufbuild\// },
  { file: 're2.cjs', packages: /^re2js$/ },
  { file: 'tokens.cjs', packages: /^jose$/ },
  { file: 'dns.cjs', packages: /^dns-packet$/ },
  { file: 'addresses.cjs', packages: /^ipaddr\.js$/ },
];

/**
 * Modules of Node by name, one export at a time. Importing a module of Node the usual way works out all that it exports, and some of that is dear:
 * `node:tls` decodes all root certificates, `node:crypto` loads Web Cryptography, `node:util` a parser of arguments.
 */
export function nodeModules() {
  return {
    name: 'node-modules',
    setup(build) {
      build.onResolve({ filter: /^node:/ }, ({ path, kind }) => (kind === 'import-statement' ? { path, namespace: 'node-modules', sideEffects: false } : undefined));
      build.onLoad({ filter: /^/, namespace: 'node-modules' }, ({ path }) => {
        const name = JSON.stringify(path);
        const exported = namesOf(process.getBuiltinModule(path));
        const lines = exported.map((key) => `export const ${key} = /* @__PURE__ */ of('${key}');`);
        return { contents: [`const of = (key) => process.getBuiltinModule(${name})[key];`, ...lines, `export default /* @__PURE__ */ process.getBuiltinModule(${name});`].join('\n') };
      });
    },
  };
}

/** Puts seldom needed packages into files of their own, which are loaded at the first use of something that they export. */
export function seldomNeeded() {
  return {
    name: 'seldom-needed',
    setup(build) {
      const found = new Map(seldom.map(({ file }) => [file, new Set()]));
      build.onResolve({ filter: /^[@a-z]/ }, ({ path, kind, importer, namespace }) => {
        const file = kind === 'import-statement' && namespace === 'file' && !/[\\/]node_modules[\\/]/.test(importer) ? seldom.find(({ packages }) => packages.test(path))?.file : undefined;
        if (file === undefined) return undefined;
        found.get(file).add(path);
        return { path, namespace: 'seldom-needed', sideEffects: false, pluginData: file };
      });
      build.onResolve({ filter: /^\.\/[\w-]+\.cjs$/, namespace: 'seldom-needed' }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /^/, namespace: 'seldom-needed' }, async ({ path, pluginData }) => {
        // A module of CommonJS is read export by export where it is used, so that nothing is loaded before; it is its own default export.
        const all = await import(path);
        if (typeof all.default === 'function') throw new Error(`${path} exports a function by itself, which cannot be put off`);
        const getters = [...new Set([...namesOf(all), ...namesOf(all.default ?? {})])].map((key) => `get ${key}() { return of('${key}'); }`);
        return { contents: `
          let all;
          const of = (key) => { all ??= require(${JSON.stringify(`./${pluginData}`)})[${JSON.stringify(path)}]; return key in all ? all[key] : all.default[key]; };
          module.exports = { ${getters.join(', ')} };` };
      });
      build.onEnd(async ({ errors }) => {
        if (errors.length > 0) return;
        const { absWorkingDir: root, outdir, target, minifySyntax, minifyWhitespace, minifyIdentifiers } = build.initialOptions;
        for (const [file, paths] of found) {
          if (paths.size === 0) continue;
          // As Node imports them: what a module of CommonJS exports is its default.
          const contents = [...paths].sort().map((path, at) => `import * as all${at} from ${JSON.stringify(path)}; export { all${at} as ${JSON.stringify(path)} };`).join('\n');
          await build.esbuild.build({
            absWorkingDir: root, stdin: { contents, resolveDir: root, sourcefile: file.replace('.cjs', '.mjs') }, outfile: join(outdir, file), bundle: true, platform: 'node', format: 'cjs', target, minifySyntax, minifyWhitespace, minifyIdentifiers,
            // The sources as modules are smaller than what packages offer to `require`.
            mainFields: ['module', 'main'], conditions: ['module', 'import'], legalComments: 'none', logLevel: 'warning',
          });
        }
      });
    },
  };
}

function namesOf(module) {
  return Object.keys(module).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key) && key !== 'default');
}

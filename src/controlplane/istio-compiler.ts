import { compileFor, defaultMeshConfig, meshConfigFrom, prepareSnapshot, type SnapshotIndex } from '../compile/index.ts';
import { groupOf, meshDocument, parseManifests, resourceName, trustDomainOf, validate } from '../manifest/index.ts';
import type { Compiler } from './compiler.ts';

/** The lab's own manifests and compile layers. The mesh config is what an IstioOperator and the ConfigMap `istio` in `istio-system` say, as in Istio. */
export const istioCompiler: Compiler = {
  read: (files) => {
    const { resources, diagnostics } = parseManifests(files);
    return { resources, diagnostics: [...diagnostics, ...resources.flatMap((resource) => validate(resource))] };
  },
  mesh: (resources, trustDomain) => ({ ...meshConfigFrom(meshDocument(resources), defaultMeshConfig), trustDomain: trustDomainOf(resources) ?? trustDomain }),
  prepare: (snapshot) => {
    const prepared = prepareSnapshot(snapshot);
    return (node) => compileFor(prepared, node);
  },
};

/** The same, for one lab over time: a change costs as much as what it changes. */
export function incrementalCompiler(): Compiler {
  let prepared: SnapshotIndex | undefined;
  return {
    ...readingOnce(istioCompiler),
    prepare: (snapshot) => {
      const index = prepared = prepareSnapshot(snapshot, prepared);
      return (node) => compileFor(index, node);
    },
  };
}

/** Reads each file once: a change of one file costs as much as that file. What is written twice in two files takes the long way, for its diagnostics. */
export function readingOnce(compiler: Compiler): Compiler {
  let known = new Map<string, ReturnType<Compiler['read']>>();
  return {
    ...compiler,
    read: (files) => {
      const next = new Map<string, ReturnType<Compiler['read']>>();
      const parsed = files.map((file) => {
        const key = JSON.stringify([file.path, file.namespace, file.text]);
        const result = known.get(key) ?? compiler.read([file]);
        next.set(key, result);
        return result;
      });
      known = next;
      const resources = parsed.flatMap((one) => one.resources);
      const names = new Set(resources.map((resource) => `${groupOf(resource.apiVersion)}/${resourceName(resource)}`));
      return names.size === resources.length ? { resources, diagnostics: parsed.flatMap((one) => one.diagnostics) } : compiler.read(files);
    },
  };
}

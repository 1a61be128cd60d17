import { compileFor, defaultMeshConfig, meshConfigFrom, prepareSnapshot, type SnapshotIndex } from '../compile/index.ts';
import { meshDocument, parseManifests, readingOnce, trustDomainOf, validate } from '../manifest/index.ts';
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
    ...istioCompiler,
    read: readingOnce(istioCompiler.read),
    prepare: (snapshot) => {
      const index = prepared = prepareSnapshot(snapshot, prepared);
      return (node) => compileFor(index, node);
    },
  };
}

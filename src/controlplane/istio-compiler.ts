import { parse } from 'yaml';
import { compileFor, defaultMeshConfig, meshConfigFrom, prepareSnapshot } from '../compile/index.ts';
import { parseManifests, validate, type Resource } from '../manifest/index.ts';
import type { Compiler } from './compiler.ts';

/** The lab's own manifests and compile layers. The mesh config is what a ConfigMap `istio` in `istio-system` says under `mesh`, as in Istio. */
export const istioCompiler: Compiler = {
  read: (files) => {
    const { resources, diagnostics } = parseManifests(files);
    return { resources, diagnostics: [...diagnostics, ...resources.flatMap((resource) => validate(resource))] };
  },
  // Identities are made for the trust domain that the lab was started with.
  mesh: (resources, trustDomain) => ({ ...meshConfigFrom(meshDocument(resources), defaultMeshConfig), trustDomain }),
  prepare: (snapshot) => {
    const prepared = prepareSnapshot(snapshot);
    return (node) => compileFor(prepared, node);
  },
};

function meshDocument(resources: readonly Resource[]): unknown {
  const map = resources.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'istio' && metadata.namespace === defaultMeshConfig.rootNamespace);
  const text = (map?.body['data'] as { readonly mesh?: unknown } | undefined)?.mesh;
  if (typeof text !== 'string') return undefined;
  try {
    return parse(text, { version: '1.1', maxAliasCount: 20 });
  } catch {
    // A mesh config that does not read leaves the defaults in force; analysis reports it.
    return undefined;
  }
}

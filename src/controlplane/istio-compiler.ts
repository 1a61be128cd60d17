import { compileFor, defaultMeshConfig, prepareSnapshot } from '../compile/index.ts';
import { parseManifests } from '../manifest/index.ts';
import type { Compiler } from './compiler.ts';

/** The lab's own manifests and compile layers. */
export const istioCompiler: Compiler = {
  read: (files) => parseManifests(files),
  mesh: (_resources, trustDomain) => ({ ...defaultMeshConfig, trustDomain }),
  prepare: (snapshot) => {
    const prepared = prepareSnapshot(snapshot);
    return (node) => compileFor(prepared, node);
  },
};

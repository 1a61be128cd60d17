import type { MeshConfig, MeshSnapshot, ProxyNode } from '../compile/index.ts';
import type { Diagnostic, Resource, SourceFile } from '../manifest/index.ts';
import type { ProxyConfig } from '../xds/index.ts';

/** What the control plane asks of the pure layers; handed in, so that they can be replaced. */
export interface Compiler {
  /** Reads and validates manifests. */
  read(files: readonly SourceFile[]): { readonly resources: readonly Resource[]; readonly diagnostics: readonly Diagnostic[] };
  /** The mesh config that resources and defaults give. */
  mesh(resources: readonly Resource[], trustDomain: string): MeshConfig;
  /** Does once what all proxies have in common; what it returns compiles one proxy. */
  prepare(snapshot: MeshSnapshot): (node: ProxyNode) => ProxyConfig;
}

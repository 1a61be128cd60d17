/** One layer: the files that are in it, and what they may import besides themselves. */
export interface Layer {
  readonly name: string;
  readonly files: RegExp;
  readonly may: readonly string[];
}

/** The table of layers, most special first: a file belongs to the first that fits. */
export const layers: readonly Layer[] = [
  { name: 'util', files: /^src\/util\//, may: [] },
  { name: 'xds', files: /^src\/xds\//, may: [] },
  { name: 'feature manifest', files: /^src\/features\/[^/]+\/manifest(-[a-z-]+)?\.ts$/, may: ['util', 'manifest types', 'xds', 'own feature'] },
  { name: 'feature compile', files: /^src\/features\/[^/]+\/compile(-[a-z-]+)?\.ts$/, may: ['util', 'xds', 'own feature', 'feature manifest'] },
  { name: 'feature hook', files: /^src\/features\/[^/]+\/(filter|cluster|transport)(-[a-z-]+)?\.ts$/, may: ['util', 'xds', 'routing', 'sidecar hooks', 'own feature'] },
  { name: 'manifest types', files: /^src\/manifest\/types\.ts$/, may: ['xds'] },
  { name: 'manifest', files: /^src\/manifest\//, may: ['util', 'xds', 'manifest types', 'feature manifest'] },
  { name: 'routing', files: /^src\/routing\//, may: ['util', 'xds'] },
  { name: 'compile', files: /^src\/compile\//, may: ['util', 'xds', 'manifest', 'manifest types', 'routing', 'feature compile', 'feature manifest', 'contract'] },
  { name: 'analyze', files: /^src\/analyze\//, may: ['util', 'xds', 'manifest', 'manifest types', 'routing', 'compile'] },
  { name: 'contract', files: /^src\/contract\//, may: ['util', 'xds', 'manifest', 'manifest types', 'compile'] },
  { name: 'rpc', files: /^src\/rpc\//, may: ['util', 'contract'] },
  { name: 'otlp', files: /^src\/otlp\//, may: ['util', 'contract'] },
  { name: 'sidecar hooks', files: /^src\/sidecar\/(hooks|link\/link)\.ts$/, may: ['util', 'xds', 'contract'] },
  { name: 'sidecar', files: /^src\/sidecar\//, may: ['util', 'xds', 'contract', 'otlp', 'routing', 'feature hook', 'sidecar hooks'] },
  { name: 'workloads', files: /^src\/workloads\//, may: ['util', 'contract', 'xds'] },
  { name: 'controlplane', files: /^src\/controlplane\//, may: ['util', 'xds', 'contract', 'otlp', 'rpc', 'manifest', 'manifest types', 'compile', 'analyze', 'routing'] },
  { name: 'docker', files: /^src\/core\/docker\//, may: ['util', 'contract'] },
  { name: 'core', files: /^src\/core\//, may: ['util', 'xds', 'contract', 'rpc', 'manifest', 'manifest types', 'compile', 'analyze', 'routing', 'docker', 'workloads', 'controlplane'] },
  { name: 'server', files: /^src\/server\//, may: ['util', 'contract', 'rpc', 'core'] },
  { name: 'cli entry', files: /^src\/cli\/bin\.mjs$/, may: ['setup'] },
  { name: 'cli', files: /^src\/cli\//, may: ['util', 'contract', 'otlp', 'rpc', 'core', 'server', 'manifest types', 'manifest'] },
  { name: 'container entry', files: /^src\/main\.ts$/, may: ['util', 'contract', 'sidecar', 'controlplane', 'workloads'] },
  { name: 'setup', files: /^src\/setup\//, may: [] },
  { name: 'electron', files: /^electron\//, may: ['util', 'contract', 'rpc', 'core', 'server'] },
  { name: 'renderer', files: /^renderer\//, may: ['util', 'contract', 'rpc', 'manifest', 'manifest types', 'xds', 'test fakes'] },
  { name: 'test fakes', files: /^test\/fakes\//, may: ['util', 'contract', 'rpc', 'manifest', 'manifest types', 'xds', 'compile', 'docker', 'core', 'sidecar', 'sidecar hooks', 'controlplane', 'routing', 'renderer', 'electron'] },
];

/** Packages that only one place may use. */
export const owners: readonly { readonly package: RegExp; readonly files: RegExp }[] = [
  { package: /^dockerode$/, files: /^src\/core\/docker\// },
  { package: /^electron$/, files: /^electron\// },
  { package: /^(node:)?https?$/, files: /^(src\/(core|server|cli|controlplane|workloads)|electron)\// },
  { package: /^(react|react-dom|@mantine\/|@xyflow\/|uplot|@xterm\/|codemirror|@codemirror\/)/, files: /^renderer\// },
];

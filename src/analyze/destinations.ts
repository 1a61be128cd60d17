import type { VirtualService } from '../manifest/index.ts';

/** A place where a VirtualService sends traffic; `host` is empty where none is written. */
export interface DestinationUse {
  readonly host: string;
  readonly subset: string;
  readonly port?: number;
  readonly path: readonly (string | number)[];
}

type Written = { readonly host: string; readonly subset: string; readonly port?: { readonly number: number } } | undefined;

/** Every destination of a VirtualService: routes and mirrors, with where each stands. */
export function destinationsOf(spec: VirtualService): readonly DestinationUse[] {
  const uses: DestinationUse[] = [];
  const add = (destination: Written, path: readonly (string | number)[]): void => {
    const { host, subset, port } = destination ?? { host: '', subset: '' };
    uses.push({ host, subset, path, ...(port !== undefined && { port: port.number }) });
  };
  spec.http.forEach((rule, index) => {
    const base = ['spec', 'http', index];
    rule.route.forEach(({ destination }, route) => { add(destination, [...base, 'route', route, 'destination']); });
    if (rule.mirror !== undefined) add(rule.mirror, [...base, 'mirror']);
    rule.mirrors.forEach(({ destination }, mirror) => { add(destination, [...base, 'mirrors', mirror, 'destination']); });
  });
  for (const field of ['tcp', 'tls'] as const) {
    spec[field].forEach((rule, index) => {
      rule.route.forEach(({ destination }, route) => { add(destination, ['spec', field, index, 'route', route, 'destination']); });
    });
  }
  return uses;
}

import { ofKind, type Resource } from '../../manifest/index.ts';

/** A path that a route takes, and how sure it is that something answers there. */
interface Candidate {
  readonly path: string;
  readonly exact: boolean;
}

/** A path on the ingress that a route for any host takes, where nobody says which: one that is written whole before one that only begins so; `/` where no route tells. */
export function suggestedPath(resources: readonly Resource[]): string {
  const candidates = [...ofVirtualServices(resources), ...ofHttpRoutes(resources), ...ofIngresses(resources)];
  return (candidates.find(({ exact }) => exact) ?? candidates.find(({ path }) => path === '/') ?? candidates[0])?.path ?? '/';
}

function ofVirtualServices(resources: readonly Resource[]): readonly Candidate[] {
  return ofKind(resources, 'VirtualService')
    .filter(({ spec }) => spec.hosts.includes('*') && spec.gateways.some((gateway) => gateway !== 'mesh'))
    .flatMap(({ spec }) => spec.http)
    .filter(({ redirect }) => redirect === undefined)
    .flatMap(({ match }) => (match.length === 0 ? [whole] : match.flatMap(({ uri }): readonly Candidate[] => {
      if (uri === undefined || uri.kind === 'any') return [whole];
      return uri.kind === 'regex' ? [] : [{ path: uri.value, exact: uri.kind === 'exact' }];
    })));
}

function ofHttpRoutes(resources: readonly Resource[]): readonly Candidate[] {
  return ofKind(resources, 'HTTPRoute')
    .filter(({ spec }) => spec.hostnames.length === 0 && spec.parentRefs.some(({ kind }) => kind === 'Gateway'))
    .flatMap(({ spec }) => spec.rules)
    .flatMap(({ matches }) => (matches.length === 0 ? [whole] : matches.flatMap(({ path }): readonly Candidate[] => (path.type === 'RegularExpression' ? [] : [{ path: path.value, exact: path.type === 'Exact' }]))));
}

function ofIngresses(resources: readonly Resource[]): readonly Candidate[] {
  return ofKind(resources, 'Ingress')
    .flatMap(({ spec }) => spec.rules.filter(({ host }) => host === undefined || host === ''))
    .flatMap(({ http }) => http?.paths ?? [])
    .map(({ path = '/', pathType }) => ({ path, exact: pathType === 'Exact' }));
}

/** Every path. */
const whole: Candidate = { path: '/', exact: false };

import { meshConfigFrom } from '../../compile/index.ts';
import { meshDocument, ofKind, type Diagnostic, type TypedResource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

type Policy = TypedResource<'AuthorizationPolicy'>;

/** Authorization policies that are got around by other ways to write a path, and those whose provider the mesh does not define. */
export const policyLooseEnds: Analyzer = {
  name: 'authorizationpolicy.LooseEndsAnalyzer',
  codes: ['WEFT0108', 'WEFT0109'],
  run: ({ resources }) => {
    const providers = new Set(meshConfigFrom(meshDocument(resources)).authorizers.map(({ name }) => name));
    return ofKind(resources, 'AuthorizationPolicy').flatMap((policy) => [...exactPaths(policy), ...unknownProvider(policy, providers)]);
  },
};

/** A server may take `/ADMIN` and `/admin;x=1` for `/admin`; a rule that denies only `/admin` lets them pass. Source: istio.io, Security Best Practices, "Path normalization". */
function exactPaths(policy: Policy): readonly Diagnostic[] {
  if (policy.spec.action !== 'DENY') return [];
  return (policy.spec.rules ?? []).flatMap(({ to = [] }, rule) => to.flatMap(({ operation }, entry) => (operation?.paths ?? []).flatMap((path, index) => {
    if (path.includes('*') || path.includes('{') || path === '/') return [];
    return [finding(policy, ['spec', 'rules', rule, 'to', entry, 'operation', 'paths', index], {
      code: 'WEFT0108', level: 'warning', message: `This denies ${path} as it is written: ${path.toUpperCase()}, ${path}/ and ${path};x=1 are other paths and pass, whatever the server makes of them.`, help: `Write ${path}*, or allow what is meant instead of denying what is not.`,
    })];
  })));
}

function unknownProvider(policy: Policy, providers: ReadonlySet<string>): readonly Diagnostic[] {
  const name = policy.spec.provider?.name ?? '';
  if (policy.spec.action !== 'CUSTOM' || name === '' || providers.has(name)) return [];
  return [finding(policy, ['spec', 'provider', 'name'], { code: 'WEFT0109', level: 'warning', message: `The mesh defines no external authorizer ${name}, so whatever this policy covers is denied.`, help: 'Define it under extensionProviders of the mesh config.' })];
}

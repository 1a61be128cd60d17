import type { MtlsMode, SwitchAction, Switches } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';
import { addResource, editDocument, madeBySwitch, places, removeDocument, type Place } from './documents.ts';
import { namespaceOf } from './hosts.ts';

type Mtls = Extract<SwitchAction, { kind: 'mtls' }>;

/** Istio's root namespace: a PeerAuthentication without selector there speaks for the whole mesh. */
const rootNamespace = 'istio-system';

/** Sets the mTLS mode of the mesh or of a namespace, or lets it inherit again. */
export function setMtls(files: readonly SourceFile[], action: Mtls): readonly SourceFile[] {
  const namespace = action.namespace === '' ? rootNamespace : action.namespace;
  const place = places(files).find((candidate) => isWide(candidate) && namespaceOf(candidate.body) === namespace);
  if (action.mode === undefined) {
    if (place === undefined) return files;
    if (place.path.length === 0) return removeDocument(files, place);
    return editDocument(files, place, (document) => document.deleteIn(place.path));
  }
  if (place !== undefined) return editDocument(files, place, (document) => document.setIn([...place.path, 'spec', 'mtls', 'mode'], action.mode));
  return addResource(files, {
    apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace, labels: madeBySwitch },
    spec: { mtls: { mode: action.mode } },
  });
}

/** Modes by namespace; the mesh's own below the empty key. */
export function currentMtls(all: readonly Place[]): Switches['mtls'] {
  return Object.fromEntries(all.filter(isWide).flatMap(({ body }) => {
    const mode = (body.spec?.['mtls'] as { mode?: string } | undefined)?.mode;
    if (mode !== 'STRICT' && mode !== 'PERMISSIVE' && mode !== 'DISABLE') return [];
    const namespace = namespaceOf(body);
    return [[namespace === rootNamespace ? '' : namespace, mode satisfies MtlsMode] as const];
  }));
}

function isWide({ body }: Place): boolean {
  return body.kind === 'PeerAuthentication' && body.spec?.['selector'] === undefined;
}

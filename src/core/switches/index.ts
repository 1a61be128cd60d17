/** Switches: what a person throws by hand, as edits of the lab's manifests. Pure. */
import type { SwitchAction, Switches } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';
import { mayHold, places, removeDocument, switchFile } from './documents.ts';
import { clearFaults, currentFaults, setFault } from './fault.ts';
import { fullHost } from './hosts.ts';
import { currentMtls, setMtls } from './mtls.ts';
import { currentWeights, setWeights } from './weights.ts';

export { switchFile };

/** The files after the switch was thrown; the same array when there is nothing to do. */
export function throwSwitch(files: readonly SourceFile[], given: SwitchAction): readonly SourceFile[] {
  // Short names are services of the action's namespace, as in Istio's own resources.
  const action = 'host' in given ? { ...given, host: fullHost(given.host, given.namespace) } : given;
  switch (action.kind) {
    case 'fault': return setFault(files, action);
    case 'weights': return setWeights(files, action);
    case 'mtls': return setMtls(files, action);
    case 'clear': return action.what === 'faults' ? clearFaults(files) : clearAll(files);
  }
}

/** Where {@link currentSwitches} looks. */
const switchedKinds = ['VirtualService', 'PeerAuthentication'];

/** What the manifests say now, in the switches' terms. */
export function currentSwitches(files: readonly SourceFile[]): Switches {
  const all = places(files.filter((file) => mayHold(file, switchedKinds)));
  return { faults: currentFaults(all), weights: currentWeights(all), mtls: currentMtls(all) };
}

/** Takes back what switches have made, and every fault; edits of weights in the user's own files stay. */
function clearAll(files: readonly SourceFile[]): readonly SourceFile[] {
  let result = clearFaults(files);
  for (;;) {
    const made = places(result).find(({ body, path }) => path.length === 0 && body.metadata?.labels?.['dev.weft/made-by'] === 'switch');
    if (made === undefined) return result;
    result = removeDocument(result, made);
  }
}

import { typeUrl, type DiscoveryRequest, type ResourceType } from '../../xds/index.ts';
import { pushOrder, resourceType, shortName, union, type ConfigSet, type TypeSet } from './resources.ts';

/** What a proxy has been sent and has taken. */
export interface SessionStatus {
  readonly sent: string;
  readonly acknowledged: string;
  readonly rejected?: string;
}

/** One proxy's ADS stream. */
export interface AdsSession {
  request(request: DiscoveryRequest): void;
  /** The config that the proxy is to have from now on, and the lab's version of it. */
  update(target: ConfigSet, version: string): void;
  status(): SessionStatus;
}

interface Wire {
  /** Sends a DiscoveryResponse, given as JSON. */
  send(response: string): void;
  /** A type went out, or was rejected; for metrics. Short name in lower case: `cds`. */
  pushed(type: string): void;
  rejected(type: string): void;
  /** The status has changed. */
  changed(): void;
}

interface TypeState {
  subscribed: boolean;
  nonce: string;
  /** Sent and neither acknowledged nor rejected. */
  outstanding: boolean;
  sent: TypeSet | undefined;
  /** What the proxy runs on. */
  inForce: TypeSet | undefined;
  rejection: { readonly version: string; readonly message: string } | undefined;
}

/** Types whose removals wait until nothing refers to them any more. */
const madeBeforeBroken: readonly ResourceType[] = ['cluster', 'endpoint'];
const maxReason = 2000;

/**
 * State of the world ADS for one proxy. A push goes out in order (CDS, EDS, LDS, RDS, SDS, NDS), only types that changed, each as its full set. Clusters and endpoints
 * that went away are kept in it until routes and listeners are acknowledged, and removed then. A type is not sent again before the proxy has answered, so that a slow proxy
 * gets the newest config instead of a queue of old ones. A rejected version is not sent twice.
 */
export function createAdsSession(wire: Wire): AdsSession {
  const states = Object.fromEntries(pushOrder.map((type): [ResourceType, TypeState] => [type, { subscribed: false, nonce: '', outstanding: false, sent: undefined, inForce: undefined, rejection: undefined }])) as Record<ResourceType, TypeState>;
  let target: ConfigSet | undefined;
  let version = '';
  let sent = '';
  let acknowledged = '';
  let nonces = 0;
  let scheduled = false;

  function send(type: ResourceType, set: TypeSet): void {
    const state = states[type];
    state.nonce = String(++nonces);
    state.sent = set;
    state.outstanding = true;
    wire.send(`{"typeUrl":${JSON.stringify(typeUrl[type])},"versionInfo":"${set.version}","nonce":"${state.nonce}","resources":[${[...set.resources.values()].join(',')}]}`);
    wire.pushed(shortName[type].toLowerCase());
  }

  /** Sends what the proxy lacks; false when a type must be answered first. */
  function make(config: ConfigSet): boolean {
    for (const type of pushOrder) {
      const state = states[type];
      if (!state.subscribed) continue;
      const wanted = madeBeforeBroken.includes(type) ? union(config[type], state.inForce) : config[type];
      if (state.sent?.version === wanted.version) continue;
      if (state.outstanding) return false;
      send(type, wanted);
    }
    return true;
  }

  const all = (test: (state: TypeState) => boolean): boolean => pushOrder.every((type) => !states[type].subscribed || test(states[type]));

  function advance(): void {
    scheduled = false;
    if (target === undefined) return;
    const before = `${sent} ${acknowledged}`;
    if (make(target)) {
      sent = version;
      const settled = all((state) => !state.outstanding);
      if (settled && all((state) => state.rejection === undefined) && states.cluster.subscribed && states.listener.subscribed) {
        acknowledged = version;
        for (const type of madeBeforeBroken) if (states[type].subscribed && states[type].sent?.version !== target[type].version) send(type, target[type]);
      }
    }
    if (before !== `${sent} ${acknowledged}`) wire.changed();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(advance);
  }

  function subscribe(type: ResourceType, state: TypeState, lastVersion: string): void {
    state.subscribed = true;
    state.outstanding = false;
    state.rejection = undefined;
    const current = target?.[type];
    const same = current !== undefined && lastVersion === current.version;
    state.sent = same ? current : undefined;
    state.inForce = same ? current : undefined;
  }

  function answer(type: ResourceType, state: TypeState, error: DiscoveryRequest['errorDetail']): void {
    state.outstanding = false;
    if (error === undefined) {
      state.inForce = state.sent;
      if (state.rejection !== undefined && state.rejection.version === state.sent?.version) state.rejection = undefined;
      return;
    }
    state.rejection = { version: state.sent?.version ?? '', message: `${shortName[type]}: ${error.message.slice(0, maxReason)}` };
    wire.rejected(shortName[type].toLowerCase());
    wire.changed();
  }

  return {
    request: (request) => {
      const type = resourceType(request.typeUrl);
      if (type === undefined) return;
      const state = states[type];
      if (request.responseNonce === '') subscribe(type, state, request.versionInfo);
      else if (state.outstanding && request.responseNonce === state.nonce) answer(type, state, request.errorDetail);
      else return;
      schedule();
    },
    update: (next, nextVersion) => {
      for (const type of pushOrder) {
        if (target !== undefined && target[type].version !== next[type].version) states[type].rejection = undefined;
      }
      target = next;
      version = nextVersion;
      schedule();
    },
    status: () => {
      const rejected = pushOrder.map((type) => states[type].rejection?.message).filter((message) => message !== undefined).join('; ');
      return { sent, acknowledged, ...(rejected === '' ? {} : { rejected }) };
    },
  };
}

import type { ResourceType } from '../../xds/index.ts';
import { pushOrder, restricted, shortName, typeSet, union, type ConfigSet, type TypeSet } from './resources.ts';

/** What a proxy has been sent and has taken. */
export interface SessionStatus {
  readonly sent: string;
  readonly acknowledged: string;
  readonly rejected?: string;
}

/** What a client wants of a type: everything, or these names, sorted. */
export type Interest = 'all' | ReadonlySet<string>;

/** What a client says about one type, whichever the wire. */
export interface AdsRequest {
  readonly type: ResourceType;
  /** The first word about this type on this stream. */
  readonly fresh: boolean;
  readonly interest: Interest;
  /** Of the response that this answers; empty when it answers none. */
  readonly nonce: string;
  /** What the client has when it comes: the version of a whole set, or versions by name. */
  readonly has: string | ReadonlyMap<string, string>;
  readonly error?: { readonly message: string } | undefined;
}

/** One response: what the client is to have, and what it runs on. */
export interface Push {
  readonly type: ResourceType;
  readonly set: TypeSet;
  readonly before: TypeSet | undefined;
  readonly interest: Interest;
  readonly nonce: string;
}

/** One proxy's ADS stream. */
export interface AdsSession {
  request(request: AdsRequest): void;
  /** The config that the proxy is to have from now on, and the lab's version of it. */
  update(target: ConfigSet, version: string): void;
  status(): SessionStatus;
  /** True while the proxy does not yet run on what it is to have of a type; what it has rejected or never asked for is not waited for. */
  lags(type: ResourceType): boolean;
}

/** What a session needs of its stream. */
export interface SessionWire {
  /** Responses carry changes only, and subscriptions change without an answer. */
  readonly delta: boolean;
  send(push: Push): void;
  /** A type went out, or was rejected; for metrics. Short name in lower case: `cds`. */
  pushed(type: string): void;
  rejected(type: string): void;
  /** The status has changed. */
  changed(): void;
}

interface TypeState {
  interest: Interest | undefined;
  nonce: string;
  /** Neither acknowledged nor rejected yet. */
  outstanding: TypeSet | undefined;
  sent: TypeSet | undefined;
  /** What the proxy runs on. */
  inForce: TypeSet | undefined;
  rejection: { readonly version: string; readonly message: string } | undefined;
}

/** Types whose removals wait until nothing refers to them any more. */
const madeBeforeBroken: readonly ResourceType[] = ['cluster', 'endpoint'];
/** State of the world: a client takes what a response of these types lacks for removed, so it always gets the full set. */
const whole: readonly ResourceType[] = ['cluster', 'listener'];
const maxReason = 2000;
const fresh = (): TypeState => ({ interest: undefined, nonce: '', outstanding: undefined, sent: undefined, inForce: undefined, rejection: undefined });

/**
 * ADS for one proxy. A push goes out in order (CDS, EDS, LDS, RDS, SDS, NDS), only types that changed. Clusters and endpoints that went away are kept until routes and
 * listeners are acknowledged, and removed then. A type is not sent again before the proxy has answered, so that a slow proxy gets the newest config instead of a queue of
 * old ones, and never has more than one response of a type waiting. A rejected version is not sent twice.
 */
export function createAdsSession(wire: SessionWire): AdsSession {
  const states = Object.fromEntries(pushOrder.map((type) => [type, fresh()])) as Record<ResourceType, TypeState>;
  let target: ConfigSet | undefined;
  let version = '';
  let sent = '';
  let acknowledged = '';
  let nonces = 0;
  let scheduled = false;

  /** The names that a type is cut down to; none when the client gets all of it. */
  function namesOf(type: ResourceType): ReadonlySet<string> | undefined {
    const { interest } = states[type];
    return interest === undefined || interest === 'all' || (!wire.delta && whole.includes(type)) ? undefined : interest;
  }

  function cut(type: ResourceType, set: TypeSet): TypeSet {
    const names = namesOf(type);
    return names === undefined ? set : restricted(set, names);
  }

  function send(type: ResourceType, set: TypeSet): void {
    const state = states[type];
    state.nonce = String(++nonces);
    state.sent = state.outstanding = set;
    wire.send({ type, set, before: state.inForce, interest: state.interest ?? 'all', nonce: state.nonce });
    wire.pushed(shortName[type].toLowerCase());
  }

  /** Sends what the proxy lacks; false when a type must be answered first. */
  function make(config: ConfigSet): boolean {
    for (const type of pushOrder) {
      const state = states[type];
      if (state.interest === undefined) continue;
      const wanted = cut(type, config[type]);
      const held = madeBeforeBroken.includes(type) ? union(wanted, state.inForce) : wanted;
      if (state.sent?.version === held.version) continue;
      if (state.outstanding !== undefined) return false;
      send(type, held);
    }
    return true;
  }

  const all = (test: (state: TypeState) => boolean): boolean => pushOrder.every((type) => states[type].interest === undefined || test(states[type]));

  function breakOff(config: ConfigSet): void {
    for (const type of madeBeforeBroken) {
      if (states[type].interest === undefined) continue;
      const wanted = cut(type, config[type]);
      if (states[type].sent?.version !== wanted.version) send(type, wanted);
    }
  }

  function advance(): void {
    scheduled = false;
    if (target === undefined) return;
    const before = `${sent} ${acknowledged}`;
    if (make(target)) {
      sent = version;
      if (all(({ outstanding, rejection }) => outstanding === undefined && rejection === undefined)) {
        if (states.cluster.interest !== undefined && states.listener.interest !== undefined) acknowledged = version;
        breakOff(target);
      }
    }
    if (before !== `${sent} ${acknowledged}`) wire.changed();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(advance);
  }

  function subscribe(state: TypeState, { type, interest, has }: AdsRequest): void {
    Object.assign(state, fresh(), { interest });
    if (typeof has !== 'string') {
      if (has.size > 0) state.inForce = typeSet([...has].map(([name, known]) => ({ name, version: known, json: '' })), '');
      return;
    }
    // A version says what the client has only where it had asked for all that the version stands for.
    const current = target === undefined || (interest !== 'all' && namesOf(type) === undefined) ? undefined : cut(type, target[type]);
    if (current !== undefined && has === current.version) state.sent = state.inForce = current;
  }

  function answer(type: ResourceType, state: TypeState, answered: TypeSet, error: AdsRequest['error']): void {
    state.outstanding = undefined;
    if (error === undefined) {
      state.inForce = answered;
      if (state.rejection?.version === answered.version) state.rejection = undefined;
      return;
    }
    state.rejection = { version: answered.version, message: `${shortName[type]}: ${error.message.slice(0, maxReason)}` };
    wire.rejected(shortName[type].toLowerCase());
    wire.changed();
  }

  /** More names need a response, also when they were in the last full set: the client has not kept what it had not asked for. Fewer names need none. */
  function changeInterest(type: ResourceType, state: TypeState, next: Interest): void {
    const more = gains(state.interest ?? 'all', next);
    state.interest = next;
    if (namesOf(type) !== undefined) {
      state.inForce = state.inForce && cut(type, state.inForce);
      state.sent = state.sent && cut(type, state.sent);
    }
    if (more) state.sent = undefined;
  }

  return {
    request: (request) => {
      const { type, nonce } = request;
      const state = states[type];
      if (request.fresh || state.interest === undefined) subscribe(state, request);
      else {
        if (nonce !== state.nonce && !wire.delta) return;
        if (nonce === state.nonce && state.outstanding !== undefined) answer(type, state, state.outstanding, request.error);
        changeInterest(type, state, request.interest);
      }
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
    lags: (type) => {
      const { interest, rejection, inForce } = states[type];
      return target !== undefined && interest !== undefined && rejection === undefined && inForce?.version !== cut(type, target[type]).version;
    },
    status: () => {
      const rejected = pushOrder.map((type) => states[type].rejection?.message).filter((message) => message !== undefined).join('; ');
      return { sent, acknowledged, ...(rejected === '' ? {} : { rejected }) };
    },
  };
}

function gains(before: Interest, after: Interest): boolean {
  if (before === 'all') return false;
  return after === 'all' || [...after].some((name) => !before.has(name));
}

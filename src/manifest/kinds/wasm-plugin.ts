import { z } from 'zod';
import { Int32, Text, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, forText, has, isPort, length, matching, required, ruled, uniqueBy, type Rule } from '../../util/manifest-rules.ts';
import { TargetReferences, policyTarget } from '../../util/policy-target.ts';

const inline: Rule = forMap((variable) => (variable['valueFrom'] === 'HOST' && has(variable, 'value') ? 'may have a value only when valueFrom is INLINE' : undefined));
const EnvVar = ruled(z.object({ name: ruled(Text, length({ min: 1, max: 256 })), valueFrom: protoEnum(['INLINE', 'HOST']), value: ruled(Text, length({ max: 2048 })) }), required('name'), inline);

/** A host and a path, or a URL of one of these schemes. */
const isModuleUrl: Rule = forText((url) => {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(url)?.[1];
  if (scheme === undefined ? /^[^\s#%?"<>\\^`{|}/][^\s"<>\\^`{|}]*$/.test(url) || /^\/[^\s]*$/.test(url) : ['http', 'https', 'file', 'oci'].includes(scheme.toLowerCase())) return undefined;
  return 'must be the URL of a module: http, https, file or oci';
});

const Match = z.object({ mode: protoEnum(['UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER']), ports: ruled(z.array(ruled(z.object({ number: ruled(UInt32, isPort).exactOptional() }), required('number'))).default([]), uniqueBy('number')) });

const module = {
  url: ruled(Text, length({ min: 1 }), isModuleUrl),
  sha256: ruled(Text, matching(/^$|^[a-f0-9]{64}$/, 'a SHA-256 sum: 64 digits from 0 to f, in lower case')),
  imagePullPolicy: protoEnum(['UNSPECIFIED_POLICY', 'IfNotPresent', 'Always']),
  imagePullSecret: ruled(Text, length({ min: 1, max: 253 })),
  verificationKey: Text,
  pluginConfig: z.record(z.string(), z.unknown()).exactOptional(),
  pluginName: ruled(Text, length({ min: 1, max: 256 })),
  failStrategy: protoEnum(['FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD']),
  vmConfig: z.object({ env: ruled(z.array(EnvVar).default([]), length({ max: 256 }), uniqueBy('name')) }).exactOptional(),
  type: protoEnum(['UNSPECIFIED_PLUGIN_TYPE', 'HTTP', 'NETWORK']),
};

/** Source: istio.io, WasmPlugin. */
export const WasmPlugin = ruled(
  z.object({ ...policyTarget, ...module, phase: protoEnum(['UNSPECIFIED_PHASE', 'AUTHN', 'AUTHZ', 'STATS']), priority: Int32.exactOptional(), match: z.array(Match).default([]) }),
  required('url'),
  atMostOne('selector', 'targetRef', 'targetRefs'),
);
export type WasmPlugin = z.output<typeof WasmPlugin>;

const either: Rule = forMap((spec) => (has(spec, 'wasm') === has(spec, 'lua') ? 'must have wasm or lua, and only one of them' : undefined));

/** Code that runs in the proxy: a Wasm module or Lua. Source: istio.io, TrafficExtension. */
export const TrafficExtension = ruled(
  z.object({
    selector: policyTarget.selector,
    targetRefs: TargetReferences,
    phase: protoEnum(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS']),
    priority: Int32.exactOptional(),
    match: z.array(Match).default([]),
    wasm: ruled(z.object(module), required('url')).exactOptional(),
    lua: ruled(z.object({ inlineCode: ruled(Text, length({ min: 1, max: 65_536 })) }), required('inlineCode')).exactOptional(),
  }),
  either,
  atMostOne('selector', 'targetRefs'),
);
export type TrafficExtension = z.output<typeof TrafficExtension>;

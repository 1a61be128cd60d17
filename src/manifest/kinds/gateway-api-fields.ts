import { z } from 'zod';
import { Text, TextMap } from '../../util/manifest-fields.ts';
import { keys, length, matching, ruled } from '../../util/manifest-rules.ts';

const labelForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const domainForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const kindForm = /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/;

/** An API group; empty is the core's. Source of all of these: the Gateway API's CRDs. */
export const groupRules = [length({ max: 253 }), matching(/^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'an API group, such as gateway.networking.k8s.io')] as const;
/** A kind. */
export const kindRules = [length({ min: 1, max: 63 }), matching(kindForm, 'a kind, such as Service')] as const;

export const Group = ruled(Text, ...groupRules);
export const Kind = ruled(Text, ...kindRules);
/** A kind that is this one when none is written. */
export const kindOr = (usual: string): z.ZodDefault<z.ZodString> => ruled(z.string().default(usual), ...kindRules);
/** A group that is this one when none is written. */
export const groupOr = (usual: string): z.ZodDefault<z.ZodString> => ruled(z.string().default(usual), ...groupRules);
export const ObjectName = ruled(Text, length({ min: 1, max: 253 }));
/** A listener, a rule or a port. */
export const SectionName = ruled(Text, length({ min: 1, max: 253 }), matching(domainForm, 'a name of lower-case letters, digits, dashes and dots'));
export const NamespaceName = ruled(Text, length({ min: 1, max: 63 }), matching(labelForm, 'the name of a namespace'));
/** A host name that may be left out, but not be empty. */
export const HostText = ruled(Text, length({ min: 1, max: 253 }));

const qualified = /^(([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const qualifiedKeys = keys((key) => (qualified.test(key) && key.split('/')[0]!.length <= 253 ? undefined : `has the key “${key}”, which is no name with an optional domain before a slash`));

/** Labels that are handed on: values as Kubernetes has them. */
export const HandedLabels = ruled(z.record(z.string(), ruled(z.string(), length({ max: 63 }), matching(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, 'a label’s value'))).default({}), length({ max: 8 }), qualifiedKeys);
export const HandedAnnotations = ruled(TextMap, length({ max: 16 }), qualifiedKeys);

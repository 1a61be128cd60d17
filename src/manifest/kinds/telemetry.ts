import { z } from 'zod';
import { Double, PositiveDuration, Text, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, has, length, required, ruled, within, type Rule } from '../../util/manifest-rules.ts';
import { policyTarget } from '../../util/policy-target.ts';

const filled = ruled(Text, length({ min: 1 }));
const providers = z.array(ruled(z.object({ name: filled }), required('name'))).default([]);
const flag = z.boolean().exactOptional();
const notRunFlag = (why: string): typeof flag => z.boolean().meta({ notRun: why }).exactOptional();
const mode = protoEnum(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER']);
const match = z.object({ mode }).exactOptional();
const own = 'the lab’s sidecars report to the lab’s own collector';
const whole = 'spans have Istio’s default tags';

const CustomTag = ruled(
  z.object({
    literal: ruled(z.object({ value: filled }), required('value')).exactOptional(),
    environment: ruled(z.object({ name: filled, defaultValue: Text }), required('name')).exactOptional(),
    header: ruled(z.object({ name: filled, defaultValue: Text }), required('name')).exactOptional(),
    formatter: ruled(z.object({ value: filled }), required('value')).exactOptional(),
  }),
  atMostOne('literal', 'environment', 'header', 'formatter'),
);

const Tracing = z.object({
  match,
  providers,
  randomSamplingPercentage: ruled(Double, within(0, 100)).meta({ notRun: 'the lab traces every request' }).exactOptional(),
  disableSpanReporting: notRunFlag(own),
  disableContextPropagation: notRunFlag('trace headers are always passed on'),
  customTags: z.record(z.string(), CustomTag).meta({ notRun: whole }).default({}),
  enableIstioTags: notRunFlag(whole),
  useRequestIdForTraceSampling: notRunFlag('a trace is chosen by its own id'),
});

const tagFits: Rule = forMap((tag) => {
  if (tag['operation'] === 'UPSERT' && (!has(tag, 'value') || tag['value'] === '')) return 'must have a value when the operation is UPSERT';
  return tag['operation'] === 'REMOVE' && has(tag, 'value') ? 'may not have a value when the operation is REMOVE' : undefined;
});

/** The metrics that a rule can name. */
const metricNames = ['ALL_METRICS', 'REQUEST_COUNT', 'REQUEST_DURATION', 'REQUEST_SIZE', 'RESPONSE_SIZE', 'TCP_OPENED_CONNECTIONS', 'TCP_CLOSED_CONNECTIONS', 'TCP_SENT_BYTES', 'TCP_RECEIVED_BYTES', 'GRPC_REQUEST_MESSAGES', 'GRPC_RESPONSE_MESSAGES'] as const;
const Override = z.object({
  match: ruled(z.object({ metric: z.enum(metricNames).exactOptional(), customMetric: z.string().meta({ rules: [length({ min: 1 })] }).exactOptional(), mode }), atMostOne('metric', 'customMetric')).exactOptional(),
  disabled: flag,
  tagOverrides: z.record(z.string(), ruled(z.object({ operation: protoEnum(['UPSERT', 'REMOVE']), value: Text }), tagFits)).default({}),
});
const Metrics = z.object({ providers, overrides: z.array(Override).meta({ notRun: 'metrics are Istio’s standard ones, with all their labels' }).default([]), reportingInterval: PositiveDuration.exactOptional() });

const AccessLogging = z.object({ match, providers, disabled: flag, filter: z.object({ expression: Text }).meta({ notRun: 'all requests are logged, or none' }).exactOptional() });

/** What proxies log, count and trace. Source: istio.io, Telemetry. */
export const Telemetry = ruled(
  z.object({ ...policyTarget, tracing: z.array(Tracing).default([]), metrics: z.array(Metrics).default([]), accessLogging: z.array(AccessLogging).default([]) }),
  atMostOne('selector', 'targetRef', 'targetRefs'),
);
export type Telemetry = z.output<typeof Telemetry>;

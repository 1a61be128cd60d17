import { z } from 'zod';
import { Flag, Text, TextList, TextMap, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, length, required, ruled } from '../../util/manifest-rules.ts';

/** One certificate, or an RSA and an ECDSA one. */
const pair = length({ min: 1, max: 2 });

/** How a gateway port speaks TLS. Source: istio.io, Gateway, ServerTLSSettings. */
export const ServerTLSSettings = ruled(z.object({
  httpsRedirect: Flag,
  mode: protoEnum(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']),
  serverCertificate: Text,
  privateKey: Text,
  caCertificates: Text,
  caCrl: Text,
  credentialName: Text,
  credentialNames: ruled(TextList, pair),
  caCertCredentialName: Text,
  tlsCertificates: ruled(z.array(z.object({ serverCertificate: Text, privateKey: Text, caCertificates: Text })).default([]), pair),
  subjectAltNames: TextList,
  verifyCertificateSpki: TextList,
  verifyCertificateHash: TextList,
  minProtocolVersion: protoEnum(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']),
  maxProtocolVersion: protoEnum(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']),
  cipherSuites: TextList,
  ecdhCurves: TextList,
  insecureSkipVerify: z.boolean().exactOptional(),
}), atMostOne('credentialNames', 'tlsCertificates'), atMostOne('credentialName', 'credentialNames'));
export type ServerTLSSettings = z.output<typeof ServerTLSSettings>;

/** One port of a gateway and the hosts it serves. Source: istio.io, Gateway, Server. */
export const Server = ruled(z.object({
  port: ruled(z.object({ number: UInt32.default(0), protocol: Text, name: Text, targetPort: UInt32.exactOptional() }), required('number', 'protocol', 'name')).exactOptional(),
  bind: Text,
  hosts: TextList,
  tls: ServerTLSSettings.exactOptional(),
  defaultEndpoint: z.string().meta({ notRun: 'Istio itself does not use it' }).exactOptional(),
  name: Text,
}), required('port', 'hosts'));
export type Server = z.output<typeof Server>;

/** Source: istio.io, Gateway. `selector` chooses the gateway pods by label. */
export const Gateway = z.object({ servers: z.array(Server).default([]), selector: TextMap });
export type Gateway = z.output<typeof Gateway>;

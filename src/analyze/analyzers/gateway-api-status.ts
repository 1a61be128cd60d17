import { defaultMeshConfig, gatewayStatus } from '../../compile/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

/** What the status of Gateway API resources would say is wrong: listeners that are not served, routes that attach nowhere, references that do not resolve. */
export const gatewayApiStatus: Analyzer = {
  name: 'gatewayapi.StatusAnalyzer',
  codes: ['WEFT0905'],
  run: ({ resources, domainSuffix, rootNamespace }) => gatewayStatus({ resources, virtualIps: new Map(), mesh: { ...defaultMeshConfig, domainSuffix, rootNamespace } })
    .flatMap(({ resource, failed }) => failed.map(({ path, condition: { type, reason, message } }) => finding(resource, path, { code: 'WEFT0905', level: 'warning', message: `${type} is False (${reason}): ${message}` }))),
};

import { ofKind } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

/** Telemetry whose access logs go to no provider, in a mesh that has none by default. A lab logs all the same. */
export const telemetryProviders: Analyzer = {
  name: 'telemetry.ProviderAnalyzer',
  codes: ['IST0157'],
  cluster: true,
  run: ({ resources, logProviders }) => (logProviders.length > 0 ? [] : ofKind(resources, 'Telemetry').flatMap((telemetry) =>
    telemetry.spec.accessLogging.flatMap(({ disabled, providers }, index) => (disabled === true || providers.length > 0 ? [] : [finding(telemetry, ['spec', 'accessLogging', index], {
      code: 'IST0157', level: 'warning', message: 'No provider is named and the mesh has none by default, so this is ignored.', help: 'Name one in providers, or in meshConfig.defaultProviders.accessLogging.',
    })])),
  )),
};

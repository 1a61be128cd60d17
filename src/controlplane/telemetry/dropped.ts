import { droppedWords } from '../../contract/index.ts';
import type { Problems } from '../problems.ts';
import type { TelemetryIntake } from './intake.ts';

/** Looks at the newest traffic every so often and names the apps that seem to drop trace headers. Returns how to stop. */
export function watchDropped(telemetry: Pick<TelemetryIntake, 'dropped'>, problems: Problems, every = 3000): () => void {
  const timer = setInterval(() => {
    const words = telemetry.dropped().map(droppedWords);
    if (words.length === 0) problems.clear('tracing');
    else problems.set('tracing', words.map(({ message }) => message).join(' '), words.map(({ help }) => help).join(' '));
  }, every);
  timer.unref();
  return () => clearInterval(timer);
}

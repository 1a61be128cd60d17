import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with one plain line, `Tests: N passed, N failed, N skipped`, and names what was skipped. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state] += 1;
        if (test.diagnostic()?.flaky === true) console.log(`passed at the second try: ${module.relativeModuleId}: ${test.fullName}`);
        if (state === 'skipped') skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
      if (module.state() === 'failed' && module.errors().length > 0) count.failed += 1;
    }
    for (const name of skipped.slice(0, 50)) console.log(`skipped: ${name}`);
    console.log(`Tests: ${count.passed} passed, ${count.failed + count.pending} failed, ${count.skipped} skipped`);
  }
}

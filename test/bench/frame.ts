import { frameWork } from '../e2e/frame-work.ts';
import { openFakeWindow } from '../e2e/support/fake-window.ts';

/** A frame's own work on the page's main thread, in milliseconds, with 40 nodes, 120 edges and 300 requests a second. */
const window = await openFakeWindow();
try {
  const page = await window.browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${window.base}/?fake&nodes=40&edges=120&rps=300`);
  await page.locator('.react-flow__node').nth(30).waitFor();
  await frameWork(page, 3_000);
  console.log(JSON.stringify(await frameWork(page, 10_000)));
} finally {
  await window.close();
}

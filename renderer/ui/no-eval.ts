import { config } from 'zod';

/** Imported before anything that makes a schema: zod would otherwise try `new Function`, which the page's policy forbids and reports. */
config({ jitless: true });

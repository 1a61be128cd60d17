/** Waits until `probe` gives something; fails after `ms` with what was waited for. */
export async function until<T>(what: string, probe: () => T | undefined | false | Promise<T | undefined | false>, ms = 5000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`Waited ${ms} ms in vain for: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

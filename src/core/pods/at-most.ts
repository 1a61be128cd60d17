/** Runs `work` for each item, at most so many at a time; stops taking new items at the first failure and rejects with it. */
export async function atMost<Item, Result>(count: number, items: readonly Item[], work: (item: Item, index: number) => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try { results[index] = await work(items[index] as Item, index); } catch (error) { failed = true; throw error; }
    }
  };
  const workers = Array.from({ length: Math.min(count, items.length) }, worker);
  // All are waited for, so that nothing goes on behind the caller's back.
  const outcomes = await Promise.allSettled(workers);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return results;
}

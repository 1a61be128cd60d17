/** A buffer of fixed capacity: what is pushed beyond it drives out the oldest. */
export class Ring<T> {
  readonly capacity: number;
  #items: T[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#items.length < this.capacity) this.#items.push(item);
    else {
      this.#items[this.#next] = item;
      this.#next = (this.#next + 1) % this.capacity;
    }
  }

  /** From the newest to the oldest. */
  *newestFirst(): Generator<T> {
    for (let i = this.#items.length - 1; i >= 0; i--) yield this.#items[(this.#next + i) % this.#items.length] as T;
  }

  clear(): void {
    this.#items = [];
    this.#next = 0;
  }
}

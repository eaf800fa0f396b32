/** A pair of neighbouring symbols and how often it stood in the text when it was put into the queue. */
export interface CountedPair {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** Whether `a` is merged before `b`: the more frequent first, then the smaller ids. */
const goesFirst = (a: CountedPair, b: CountedPair): boolean =>
  a.count !== b.count ? a.count > b.count : a.left !== b.left ? a.left < b.left : a.right < b.right;

/** A binary heap of pairs, the next one to merge at its top. */
export interface PairQueue {
  push(pair: CountedPair): void;
  pop(): CountedPair | undefined;
}

export function pairQueue(): PairQueue {
  const heap: CountedPair[] = [];
  const at = (i: number): CountedPair => heap[i] as CountedPair;
  const swap = (i: number, j: number): void => {
    [heap[i], heap[j]] = [at(j), at(i)];
  };
  const sink = (): void => {
    for (let node = 0; ; ) {
      let first = node;
      for (const child of [2 * node + 1, 2 * node + 2]) {
        if (child < heap.length && goesFirst(at(child), at(first))) first = child;
      }
      if (first === node) return;
      swap(node, first);
      node = first;
    }
  };
  return {
    push(pair) {
      heap.push(pair);
      for (let node = heap.length - 1; node > 0; ) {
        const parent = (node - 1) >> 1;
        if (!goesFirst(at(node), at(parent))) return;
        swap(node, parent);
        node = parent;
      }
    },
    pop() {
      const [top] = heap;
      const last = heap.pop();
      if (heap.length > 0) {
        heap[0] = last as CountedPair;
        sink();
      }
      return top;
    },
  };
}

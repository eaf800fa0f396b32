// What can be said without a search: the counter-example, and the tables that a key size of n − 1 gives exactly.

/** Mean over the rows of KL(target ‖ table), nats. */
export function divergenceOf(target: Float64Array, table: Float64Array, n: number): number {
  return target.reduce((kl, p, at) => kl + (p * Math.log(p / (table[at] as number))) / n, 0);
}

/** softmax(QKᵀ/√k) of queries and keys [n, k], by rows. */
export function attentionTable(queries: Float64Array, keys: Float64Array, k: number): Float64Array {
  const n = queries.length / k;
  const table = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = Float64Array.from({ length: n }, (_, j) => {
      let dot = 0;
      for (let a = 0; a < k; a++) {
        dot += (queries[i * k + a] as number) * (keys[j * k + a] as number);
      }
      return Math.exp(dot / Math.sqrt(k));
    });
    const total = row.reduce((a, b) => a + b);
    table.set(
      row.map((cell) => cell / total),
      i * n,
    );
  }
  return table;
}

/**
 * Queries and keys of size n − 1 that give a positive table: the softmax does not see what is added to a row, so
 * log(P_ij/P_in) serves as well as log P_ij, and its last column is 0. Keys are unit vectors and, last, 0.
 */
export function exactFactors(target: Float64Array, n: number) {
  const k = n - 1;
  const queries = new Float64Array(n * k);
  const keys = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k; j++) {
      const ratio = (target[i * n + j] as number) / (target[i * n + k] as number);
      queries[i * k + j] = Math.log(ratio) * Math.sqrt(k);
      keys[i * k + j] = i === j ? 1 : 0;
    }
  }
  return { queries, keys };
}

/**
 * Two tokens X = [1, 0] of one dimension and a table [[3/4, 1/4], [9/10, 1/10]]. Logits x_i·x_j·w have zeros in
 * their second row, whatever w is, and so does every mixture of them: that row stays (1/2, 1/2). Queries and
 * keys of size 1 that are free give the table.
 */
export function counterExample() {
  const target = Float64Array.of(0.75, 0.25, 0.9, 0.1);
  const x = [1, 0];
  let best = Number.POSITIVE_INFINITY;
  for (let w = -20; w <= 20; w += 1e-3) {
    const queries = Float64Array.from(x, (at) => at * w);
    best = Math.min(
      best,
      divergenceOf(target, attentionTable(queries, Float64Array.from(x), 1), 2),
    );
  }
  const row = 0.9 * Math.log(0.9 / 0.5) + 0.1 * Math.log(0.1 / 0.5);
  const { queries, keys } = exactFactors(target, 2);
  const free = divergenceOf(target, attentionTable(queries, keys, 1), 2);
  return { fixedInput: best, lowerBound: row / 2, freeQueriesAndKeys: free };
}

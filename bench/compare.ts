/** Of two ways to the same, in ms unless said otherwise. */
export interface Comparison {
  ours: number
  theirs: number
  /** Median over the rounds of theirs / ours. */
  ratio: number
}

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** Milliseconds that work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

/**
 * Both in turn, ours and theirs and ours again, so that what else the machine does meets both. Medians over the rounds, of the ratios
 * too: each is of two neighbours in time.
 */
export async function compare(
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
  rounds = 5,
): Promise<Comparison> {
  const measured: [ours: number, theirs: number][] = []
  // The first round warms caches and plans, and does not count.
  for (let round = 0; round <= rounds; round++) measured.push([await ours(), await theirs()])
  const counted = measured.slice(1)
  return {
    ours: median(counted.map(([o]) => o)),
    theirs: median(counted.map(([, t]) => t)),
    ratio: median(counted.map(([o, t]) => t / o)),
  }
}

/** Three digits that count. */
export const figure = (value: number) => Number(value.toPrecision(3)).toString()

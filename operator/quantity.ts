const powers: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** Amount of a Kubernetes quantity (bytes, cores), rounded to what a double can tell apart; undefined when it is none. */
export function quantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const parts = typeof value === 'string' ? /^([+-]?[0-9.]+)([a-zA-Z]{0,2})$/.exec(value) : null
  const power = powers[parts?.[2] ?? '']
  const amount = Number(parts?.[1])
  return parts && power !== undefined && !Number.isNaN(amount) ? Number((amount * power).toPrecision(15)) : undefined
}

/**
 * Where `live` is not what `expected` asks for, in words; undefined when it is.
 * Fields that are not listed are not compared. Each listed array item must be like some item of the live array, in any order.
 * A string between slashes is a regular expression.
 */
export function firstMismatch(expected: unknown, live: unknown, path = ''): string | undefined {
  if (Array.isArray(expected)) return arrayMismatch(expected, live, path)
  if (isRecord(expected)) return recordMismatch(expected, live, path)
  const pattern = typeof expected === 'string' ? /^\/(.*)\/$/s.exec(expected)?.[1] : undefined
  const same =
    pattern === undefined ? expected === live : typeof live === 'string' && new RegExp(pattern, 's').test(live)
  return same ? undefined : `${path}: expected ${text(expected)}, found ${text(live)}`
}

function recordMismatch(expected: Record<string, unknown>, live: unknown, path: string): string | undefined {
  if (!isRecord(live)) return `${path}: expected an object, found ${text(live)}`
  for (const [key, value] of Object.entries(expected)) {
    const mismatch = firstMismatch(value, live[key], path ? `${path}.${key}` : key)
    if (mismatch) return mismatch
  }
  return undefined
}

function arrayMismatch(expected: unknown[], live: unknown, path: string): string | undefined {
  if (!Array.isArray(live)) return `${path}: expected a list, found ${text(live)}`
  const missing = expected.find((item) => live.every((candidate) => firstMismatch(item, candidate) !== undefined))
  return missing === undefined ? undefined : `${path}: no item like ${text(missing)} in ${text(live)}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const text = (value: unknown) => JSON.stringify(value) ?? 'nothing'

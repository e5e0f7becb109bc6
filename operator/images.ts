/**
 * The image of a pod: one that the spec names in full, as it is; else the operator's default, whose registry and path `registry`
 * replaces. Empty when there is neither.
 */
export function imageOf(given: string | undefined, byDefault = '', registry?: string): string {
  if (given) return given
  if (!registry || !byDefault) return byDefault
  return `${registry}/${byDefault.slice(byDefault.lastIndexOf('/') + 1)}`
}

/**
 * The Debian mirror that apt's sources name, as package sources of trixie.
 * @param sources  contents of apt's .list and .sources files
 * @returns        lines for mmdebstrap; none when the sources name no Debian archive (another distribution), which leaves the
 *                 choice to mmdebstrap
 */
export function debianMirrors(sources: string): string[] {
  const addresses = sources
    .split('\n')
    .filter((line) => /^(deb|URIs:)\s/.test(line))
    .flatMap((line) => line.match(/https?:\/\/\S+/g) ?? [])
    .map((address) => address.replace(/\/+$/, ''))
  const archive = addresses.find((address) => address.endsWith('/debian'))
  const security = addresses.find((address) => address.endsWith('/debian-security'))
  if (archive === undefined || security === undefined) return []
  return [`deb ${archive} trixie main`, `deb ${archive} trixie-updates main`, `deb ${security} trixie-security main`]
}

import { before, periodPattern, readPeriod } from '../../crds/retention.ts'

/** Counted back from here a period is at most a day longer than counted back from any other day. */
const firstOfMarch = new Date('2027-03-01T00:00:00Z')

/**
 * A period for engines that know no calendar: a month has 28 days, two have 59, a year has 365. So nothing stays a day longer than the
 * calendar lets it.
 * @param keep  also of several units: `1mo 3d`
 */
export function secondsOf(keep: string): number {
  const start = before(firstOfMarch, readPeriod(keep))
  return (firstOfMarch.getTime() - start.getTime()) / 1000
}

/** Whether `secondsOf` can read it. */
export const isPeriod = (text: string) => text.split(' ').every((part) => new RegExp(periodPattern).test(part))

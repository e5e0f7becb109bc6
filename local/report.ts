const start = performance.now()

function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`
}

/** One line of progress: minutes and seconds since the start, the step, what happens. */
export function say(step: string, message: string): void {
  console.log(`${clock(performance.now() - start)}  ${step.padEnd(10)}  ${message}`)
}

/** Runs one named step, says how long it took, and names it in its error. */
export async function step<T>(name: string, what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now()
  say(name, what)
  try {
    const result = await work()
    const seconds = (performance.now() - begun) / 1000
    if (seconds >= 1) say(name, `done in ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`)
    return result
  } catch (error) {
    throw new Error(`step ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

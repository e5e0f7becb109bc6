/**
 * Notices that mounted files changed. It reads them at an interval: kubelet swaps a symbolic link when it refreshes a Secret,
 * which file system notifications report in ways that differ between kernels and volume types.
 */
export interface Watch {
  /** Reads now, not at the next interval; resolves when a change was handled. */
  check(): Promise<void>
  stop(): void
}

/** Content read from files. Two with the same text are the same. */
export interface Content {
  text: string
}

export interface WatchOptions<T extends Content> {
  initial: T
  read: () => Promise<T>
  changed: (content: T) => void
  /** A read that threw; the last good content stays in use and the next interval tries again. */
  failed: (error: unknown) => void
  everyMs: number
}

/** Calls `changed` after each read that differs from the one before. */
export function watch<T extends Content>({ initial, read, changed, failed, everyMs }: WatchOptions<T>): Watch {
  let current = initial.text
  let running: Promise<void> | undefined
  const once = async () => {
    const content = await read()
    if (content.text === current) return
    current = content.text
    changed(content)
  }
  const check = () => (running ??= once().finally(() => (running = undefined)))
  const timer = setInterval(() => void check().catch(failed), everyMs)
  timer.unref()
  return { check, stop: () => clearInterval(timer) }
}

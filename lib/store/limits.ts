/** Every limit of lib/store: default, unit, reason. */
export const LIMITS = {
  /** Octets of entries that are sealed together. Some sixty records: reading one costs little more, reading all of them much less. */
  frame: 64 * 1024,
  /** Octets of a record. A larger one is not kept: its message is opened each time. */
  record: 1024 * 1024,
  /** Octets read from the disk at once. */
  read: 1024 * 1024,
  /** Octets of all that is kept for a user: some 300,000 messages. What has not been used for longest goes first. */
  size: 256 * 1024 * 1024,
  /** Octets written between two looks at that size. */
  written: 8 * 1024 * 1024,
  /** Octets that wait to be written; more is dropped. The disk is slower than mail arrives, then. */
  waiting: 32 * 1024 * 1024,
  /** Milliseconds before what was put is written: what comes one by one is sealed together. */
  delay: 50,
  /** Milliseconds in which nothing is written after an error: a disk that is full stays so for a while. */
  pause: 60_000,
  /** Frames of a mailbox below which their number does not matter. */
  fewFrames: 64,
  /** Frames that are looked through for one fingerprint. */
  candidates: 64,
  /** Frames that are kept decrypted while messages are looked up by fingerprint. */
  decrypted: 8,
  /** Milliseconds after which an unfinished file is what a crash has left, and not one that is being written. */
  leftover: 3_600_000,
} as const;

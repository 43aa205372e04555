/** Every limit of a session before login (those of its lines: wire/limits.ts): default, unit, reason. */
export const FRONT_LIMITS = {
  /** Octets of one command, its lines and literals together. */
  commandOctets: 32_768,
  /** Literals of one command: LOGIN has two, ID pairs of them. */
  commandLiterals: 60,
  /** Milliseconds until the answer to a failed login: slows guessing on one connection, and bothers nobody who mistyped. */
  failureDelay: 1_000,
} as const;

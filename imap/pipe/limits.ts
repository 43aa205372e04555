/** Every limit and time limit of the IMAP session (those of the grammar: wire/limits.ts): default, unit, reason. */
export const PIPE_LIMITS = {
  /** Commands in a row that we refuse. Then the client is broken, or a person guesses; Dovecot allows 20. */
  refusals: 20,
  /** Commands in progress. More are not read until some are answered; clients pipeline a handful. */
  commandsInProgress: 500,
  /** Octets of SELECT with its literals that are gathered to read the name of the mailbox: a line of 65,536, and more than the name has. */
  selectOctets: 80_000,
  /** Octets of the name of a mailbox that is noted. Dovecot allows 4,096 at most. */
  mailboxOctets: 4_096,
  /** Octets from the provider for the client that wait while a response of ours goes out: notices of changes, which are small. */
  waitingOctets: 1024 * 1024,
  /** Octets of one answer to a FETCH of ours that is held: a message that is opened in memory, and its other items. */
  fetchedOctets: 8 * 1024 * 1024,
  /** Milliseconds without an octet from the client: RFC 9051 §5.4 asks for 30 minutes at least. */
  idle: 30 * 60_000,
  /** Milliseconds for what is in progress when the client has closed its side, and for saying goodbye to the provider. */
  farewell: 10_000,
} as const;

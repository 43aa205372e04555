/** Every limit of imap/provider: default, unit, reason. They hold until the session is handed over; after that those of imap/wire do. */
export const LIMITS = {
  /** Milliseconds from the first packet to the end of the login. Mail programs wait for about a minute. */
  milliseconds: 45_000,
  /** Octets of one line. The longest honest one is a CAPABILITY of some 1,000. */
  lineOctets: 16_384,
  /** Octets of one response with its literals; an ID (RFC 2971 §3.3) may have 30 fields. */
  responseOctets: 65_536,
  /** Responses up to the end of the login, greeting included. Honest servers send about ten. */
  responses: 200,
  /** Octets of all of them together. */
  octets: 512 * 1024,
  /** Characters of a provider's text that is passed on in an error. */
  textLength: 300,
  /** Alerts that are kept for the client. */
  alerts: 5,
  /** Iterations that SCRAM may ask for: RFC 7677 §4 says 4,096 at least, and a million takes half a second of a processor. */
  scramIterations: [4_096, 1_000_000],
  /** Octets of a server's nonce and of its salt. Honest ones have 16 to 64. */
  scramFieldOctets: 1_024,
} as const;

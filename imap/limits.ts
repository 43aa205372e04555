/** Every limit of imap/ itself: default, unit, reason. */
export const LIMITS = {
  /** Octets of one SASL response in base64: a line before login (imap/wire) less what stands around it. */
  saslResponseOctets: 16_000,
  /** Octets of a user name in UTF-8: an address (RFC 5321 §4.5.3.1) and the name of a profile after it. */
  userOctets: 512,
  /** Octets of a password in UTF-8. Longer ones are no passwords, and hashing them costs. */
  passwordOctets: 1_024,
  /** Octets of an access token. Those of Microsoft have 1,500 to 4,000. */
  tokenOctets: 11_000,
} as const;

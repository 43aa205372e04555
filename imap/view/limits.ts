/** Every limit of imap/view: default, unit, reason. */
export const VIEW_LIMITS = {
  /** Octets of a root header that a record holds. Of 1,000 real ones perhaps one is larger: then the message is opened for it. */
  headerOctets: 16 * 1024,
  /** Octets of a literal that are put into the answer; a longer one is streamed. */
  inlineOctets: 64 * 1024,
  /** Octets at the start of a message of which a preview is made. Text stands in front; headers and other parts before it count too. */
  previewOctets: 64 * 1024,
  /**
   * Addresses of one envelope, or addresses, parameters and languages of one body structure. The others are left out: of a comma, which is an address
   * with nothing in it, a response has fifty octets.
   */
  elements: 10_000,
  /** Characters of a preview (RFC 8970 §3.2). */
  previewCharacters: 200,
  /** Octets of a record that has been compressed: headers of 4 MiB (lib/mime) as BODYSTRUCTURE, and what stands beside them. */
  recordOctets: 32 * 1024 * 1024,
  /** Checkpoints of line ends in a record. With more, every second one is dropped. */
  checkpoints: 1024,
  /** Octets of the payload between two checkpoints, at first. */
  checkpointOctets: 64 * 1024,
} as const;

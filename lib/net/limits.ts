/** Every limit of lib/net: default, unit, reason. */
export const LIMITS = {
  /** Milliseconds until a TCP connection stands, all addresses of the name tried. Longer and mail programs have given up on us. */
  connectMilliseconds: 20_000,
  /** Milliseconds of a TLS handshake: two round trips, and a slow device's arithmetic. */
  handshakeMilliseconds: 20_000,
  /**
   * Milliseconds of silence before TCP asks whether the peer is still there. Routers forget a connection after five minutes and more
   * (RFC 5382 §5 asks for two hours, few keep to it).
   */
  keepAliveMilliseconds: 120_000,
  /** Octets of one chunk that inflating gives: what bounds a decompression bomb to the pace of its reader. */
  inflatedChunkOctets: 16 * 1024,
  /** Milliseconds for which the system's list of authorities is kept: who adds one need not start again. */
  authoritiesMilliseconds: 3_600_000,
} as const;

/** One limit of the configuration: what it is when nothing is written, what may be written, in which unit, and why. */
export interface Limit {
  readonly default: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  /** A sentence or two for the sample: what it limits, and the reason for the default. */
  readonly about: string;
}

/** Every limit that the configuration can set. */
export const LIMITS = {
  connections: {
    default: 1000,
    least: 1,
    most: 100_000,
    unit: 'connections',
    about:
      'Clients connected at one time. Each takes two file descriptors, and with TLS on both sides about 100 KB of memory when idle.',
  },
  connections_per_address: {
    default: 50,
    least: 1,
    most: 100_000,
    unit: 'connections',
    about:
      'Those from one address, or from one /64 network of IPv6. A mail program opens up to ten, and a household or an office shares an address.',
  },
  handshake_timeout: {
    default: 30,
    least: 1,
    most: 600,
    unit: 'seconds',
    about: 'For the TLS handshake. On a bad mobile network it takes several round trips of seconds.',
  },
  login_timeout: {
    default: 120,
    least: 10,
    most: 3600,
    unit: 'seconds',
    about: 'From the greeting to the login. A person may be typing the password, so not much shorter than a minute.',
  },
  error_budget: {
    default: 20,
    least: 1,
    most: 1000,
    unit: 'commands',
    about: 'Commands that are refused as malformed or unknown before a client is sent away. Honest programs make few.',
  },
  idle_timeout: {
    default: 2100,
    least: 1800,
    most: 86_400,
    unit: 'seconds',
    about:
      'Without a word from the client. RFC 9051 §5.4 asks for 30 minutes at least, and clients that wake up every 30 minutes are some minutes late.',
  },
  stop_timeout: {
    default: 30,
    least: 0,
    most: 3600,
    unit: 'seconds',
    about:
      'That sessions are given to finish what they are doing when Postern stops. systemd waits 90 before it kills.',
  },
} as const satisfies Readonly<Record<string, Limit>>;

/** Octets of a configuration file, or of a file with certificates or a key that it names: far more than any honest one has. */
export const FILE_SIZE_LIMIT = 1024 * 1024;

/**
 * What happens to each command of a client that has logged in. What is not in the table is refused: a command that we do not know could
 * show or store octets past us.
 */

export interface CommandRow {
  /** `pass`: goes to the provider as it came. Any other: the file in this folder that handles it. */
  readonly treatment:
    'pass' | 'refuse' | 'append' | 'enable' | 'compress' | 'fetch' | 'idle' | 'select' | 'deselect' | 'logout';
  /** Its arguments or results are message numbers, which must mean the same to client and provider. */
  readonly numbers?: true;
  /** No EXPUNGE may reach the client while it runs (RFC 9051 §7.5.1). */
  readonly quiet?: true;
  /** Why it is refused. */
  readonly reason?: string;
}

const PASS: CommandRow = { treatment: 'pass' };
const NUMBERS: CommandRow = { treatment: 'pass', numbers: true };
const QUIET: CommandRow = { treatment: 'pass', numbers: true, quiet: true };
const LOGGED_IN: CommandRow = { treatment: 'refuse', reason: 'You are logged in already' };

const TABLE: Readonly<Record<string, CommandRow>> = {
  // RFC 9051 and RFC 3501
  CAPABILITY: PASS,
  NOOP: PASS,
  LOGOUT: { treatment: 'logout' },
  STARTTLS: LOGGED_IN,
  AUTHENTICATE: LOGGED_IN,
  LOGIN: LOGGED_IN,
  ENABLE: { treatment: 'enable' },
  SELECT: { treatment: 'select' },
  EXAMINE: { treatment: 'select' },
  CREATE: PASS,
  DELETE: PASS,
  RENAME: PASS,
  SUBSCRIBE: PASS,
  UNSUBSCRIBE: PASS,
  LIST: PASS,
  LSUB: PASS,
  NAMESPACE: PASS,
  STATUS: PASS,
  APPEND: { treatment: 'append' },
  IDLE: { treatment: 'idle' },
  CHECK: PASS,
  CLOSE: { treatment: 'deselect' },
  UNSELECT: { treatment: 'deselect' },
  EXPUNGE: PASS,
  SEARCH: QUIET,
  FETCH: { treatment: 'fetch', numbers: true, quiet: true },
  STORE: QUIET,
  COPY: NUMBERS,
  MOVE: NUMBERS,
  'UID SEARCH': NUMBERS,
  'UID FETCH': { treatment: 'fetch' },
  'UID STORE': PASS,
  'UID COPY': PASS,
  'UID MOVE': PASS,
  // RFC 4315
  'UID EXPUNGE': PASS,
  // RFC 5256: like SEARCH, although only that is named where EXPUNGE is forbidden
  SORT: NUMBERS,
  THREAD: NUMBERS,
  'UID SORT': NUMBERS,
  'UID THREAD': NUMBERS,
  // RFC 2971
  ID: PASS,
  // RFC 4978
  COMPRESS: { treatment: 'compress' },
  // RFC 9208
  GETQUOTA: PASS,
  GETQUOTAROOT: PASS,
  SETQUOTA: PASS,
  // RFC 4314
  GETACL: PASS,
  SETACL: PASS,
  DELETEACL: PASS,
  LISTRIGHTS: PASS,
  MYRIGHTS: PASS,
  // RFC 5464
  GETMETADATA: PASS,
  SETMETADATA: PASS,
  // Gmail, before RFC 6154
  XLIST: PASS,
};

const UNKNOWN: CommandRow = {
  treatment: 'refuse',
  reason: 'This command is unknown, or hidden because it would go past the encryption',
};

/** The row of a command, whose name is in upper case, `UID` and the name after it being one name. */
export function commandRow(name: string): CommandRow {
  return Object.hasOwn(TABLE, name) ? (TABLE[name] ?? UNKNOWN) : UNKNOWN;
}

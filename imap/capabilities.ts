import { lowered } from './append/growth.js';

/**
 * Which of the provider's capabilities a client is told of. An allow-list: an extension passes when it can show neither stored octets nor
 * sizes, or where what it shows is handled here. What is not in the table is hidden, and its commands are refused.
 */

/** Name (a trailing `=` or `*` stands for anything after it), where it is specified, why it may pass. */
type Row = readonly [name: string, specification: string, reason: string];

const TABLE: readonly Row[] = [
  ['IMAP4REV1', 'RFC 3501', 'the protocol'],
  ['IMAP4REV2', 'RFC 9051', 'the protocol'],
  ['ACL', 'RFC 4314', 'rights, no content'],
  ['RIGHTS=*', 'RFC 4314', 'rights, no content'],
  ['APPENDLIMIT', 'RFC 7889', 'a limit for each mailbox, asked for with STATUS, lowered by the growth of encryption'],
  ['APPENDLIMIT=*', 'RFC 7889', 'a limit, lowered by the growth of encryption'],
  ['BINARY', 'RFC 3516', 'content by FETCH and APPEND'],
  ['CHILDREN', 'RFC 3348', 'mailbox names'],
  ['CONDSTORE', 'RFC 7162', 'change numbers'],
  ['CREATE-SPECIAL-USE', 'RFC 6154', 'mailbox names'],
  ['ENABLE', 'RFC 5161', 'filtered by this table'],
  ['ESEARCH', 'RFC 4731', 'forms of search results'],
  ['ESORT', 'RFC 5267', 'forms of search results'],
  ['I18NLEVEL=1', 'RFC 5255', 'comparison of text'],
  ['ID', 'RFC 2971', 'names of programs'],
  ['IDLE', 'RFC 2177', 'notices of changes'],
  ['LIST-EXTENDED', 'RFC 5258', 'mailbox names'],
  ['LIST-METADATA', 'RFC 9590', 'annotations of mailboxes'],
  ['LIST-MYRIGHTS', 'RFC 8440', 'rights, no content'],
  ['LIST-STATUS', 'RFC 5819', 'counts'],
  ['LITERAL+', 'RFC 7888', 'framing'],
  ['LITERAL-', 'RFC 7888', 'framing'],
  ['METADATA', 'RFC 5464', 'annotations of mailboxes'],
  ['METADATA-SERVER', 'RFC 5464', 'annotations of the server'],
  ['MOVE', 'RFC 6851', 'stored octets move as they are'],
  ['MULTIAPPEND', 'RFC 3502', 'content by APPEND'],
  ['NAMESPACE', 'RFC 2342', 'mailbox names'],
  ['OBJECTID', 'RFC 8474', 'identifiers'],
  ['PREVIEW', 'RFC 8970', 'content by FETCH'],
  ['QRESYNC', 'RFC 7162', 'UIDs and change numbers'],
  ['QUOTA', 'RFC 9208', 'what is used of the storage'],
  ['QUOTA=*', 'RFC 9208', 'what is used of the storage'],
  ['QUOTASET', 'RFC 9208', 'limits of the storage'],
  ['SAVEDATE', 'RFC 8514', 'dates'],
  ['SEARCHRES', 'RFC 5182', 'results of SEARCH by reference'],
  ['SORT', 'RFC 5256', 'numbers of messages'],
  ['SORT=*', 'RFC 5957', 'numbers of messages'],
  ['SPECIAL-USE', 'RFC 6154', 'mailbox names'],
  ['STATUS=SIZE', 'RFC 8438', 'size of a mailbox: of the stored form, told as such'],
  ['THREAD=*', 'RFC 5256', 'numbers of messages'],
  ['UIDPLUS', 'RFC 4315', 'UIDs'],
  ['UNSELECT', 'RFC 3691', 'no content'],
  ['UTF8=ACCEPT', 'RFC 6855', 'spelling of names and headers'],
  ['WITHIN', 'RFC 5032', 'search by age'],
  ['X-GM-EXT-1', 'Gmail', 'labels and identifiers'],
];

const EXACT = new Set(TABLE.map(([name]) => name).filter((name) => !name.endsWith('*')));
const PREFIXES = TABLE.map(([name]) => name)
  .filter((name) => name.endsWith('*'))
  .map((name) => name.slice(0, -1));

/** What Postern itself provides to a client that has logged in, whatever the provider can. */
const OWN: readonly string[] = ['COMPRESS=DEFLATE'];

/** True where a capability of the provider may be told to clients, and may be enabled. Case does not matter. */
export function isAllowed(capability: string): boolean {
  const name = capability.toUpperCase();
  return EXACT.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
}

/**
 * What a client is told after login: of the provider's capabilities those that may pass, in the provider's order and spelling, and
 * ours, with a limit that what the client saves keeps to before it is encrypted. `compressed`: COMPRESS is in use already (RFC 4978 §3: then it is not announced).
 */
export function capabilitiesForClient(provider: readonly string[], compressed: boolean): readonly string[] {
  const names = provider.filter(isAllowed).map((name) => SPELLING.get(name) ?? withLoweredLimit(name));
  return [...names, ...(compressed ? [] : OWN)];
}

function withLoweredLimit(name: string): string {
  return name.replace(/^(APPENDLIMIT=)([0-9]{1,15})$/i, (_, head: string, limit: string) => {
    return `${head}${lowered(Number(limit))}`;
  });
}

/** The names that clients may compare as the RFCs spell them. */
const SPELLING: ReadonlyMap<string, string> = new Map([
  ['IMAP4REV1', 'IMAP4rev1'],
  ['IMAP4REV2', 'IMAP4rev2'],
]);

/** What a client is told before login. */
export function capabilitiesBeforeLogin(state: {
  /** STARTTLS can be asked for. */
  readonly canUpgrade: boolean;
  /** Logging in is allowed as it stands: with TLS, or without where the host wants that. */
  readonly canLogIn: boolean;
}): readonly string[] {
  const sasl = ['AUTH=PLAIN', 'AUTH=LOGIN', 'AUTH=OAUTHBEARER', 'AUTH=XOAUTH2'];
  return [
    'IMAP4rev1',
    'LITERAL+',
    'SASL-IR',
    'ID',
    ...(state.canUpgrade ? ['STARTTLS'] : []),
    ...(state.canLogIn ? sasl : ['LOGINDISABLED']),
    MARKER,
  ];
}

/** What another Postern knows us by, before login: connected to itself it would encrypt without end. */
export const MARKER = 'X-POSTERN';

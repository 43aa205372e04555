import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startCyrus } from './cyrus.js';
import { type Allowed, compare } from './differential.js';
import { startDovecot } from './dovecot.js';
import type { Interpose, MailServer } from './endpoint.js';
import { type Postern, startPostern } from './postern.js';
import { readDialogues } from './script.js';

/** Everything that can be tried; else what fits into the time of the ordinary tests. */
const ALL = process.env['E2E'] === 'all';

const PACES = ['whole', 'octets', { seed: 7 }, 'pipelined'] as const;

const BEFORE_LOGIN = /^(?:login|starttls)/;

/** What is not compared when all commands are sent at once. */
const NOT_PIPELINED: readonly { readonly test: RegExp; readonly reason: string }[] = [
  { test: /: literals$/, reason: 'what follows a refused literal is its content for us, and commands for a server' },
  {
    test: /: notify-dovecot$/,
    reason:
      'we refuse NOTIFY, so that commands reach Dovecot in pieces; its order then varies, also where a client sends them so',
  },
  {
    test: /^Dovecot: condstore$/,
    reason: 'a malformed FETCH is refused by us, in its turn; Dovecot refuses at once, before what it is at work on',
  },
  { test: /^Cyrus: (?:greeting|starttls)$/, reason: 'Cyrus throws away what has come behind a STARTTLS, LOGOUT here' },
];

/** What is not compared: Cyrus refuses octets of messages that it does not see any more. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['append-cyrus']);

/** All that differs, and why. */
const ALLOWED: readonly Allowed[] = [
  { reason: 'capabilities are an allow-list', provider: /CAPABILITY IMAP4rev1/, through: /CAPABILITY IMAP4rev1/ },
  { reason: 'BAD of ours has words of ours', provider: /^\S+ BAD /, through: /^\S+ BAD / },
  { reason: 'COMPRESS is ours', dialogue: /^compress/, provider: /^a2 NO /, through: /^a2 NO / },
  { reason: 'COMPRESS is ours', dialogue: /^compress/, provider: /^a3 OK /, through: /^a3 OK / },
  { reason: 'what cannot be enabled is not sent', dialogue: /^enable/, provider: /^\S+ OK /, through: /^\S+ OK / },
  { reason: 'CATENATE is hidden', dialogue: /^catenate/, provider: /^a1 OK /, through: /^a1 BAD / },
  {
    reason: 'the request is ours',
    dialogue: /^append/,
    provider: /^\+ (?:OK|go ahead)/,
    through: /^\+ Ready for the /,
  },
  {
    reason: 'the request is ours',
    dialogue: /^compress/,
    provider: /^\+ (?:OK|go ahead)/,
    through: /^\+ Ready for the /,
  },
  { reason: 'what is encrypted is larger', dialogue: /^append/, provider: /^\* QUOTA /, through: /^\* QUOTA / },
  {
    reason: 'what is saved is encrypted, and not decrypted yet when it is read',
    dialogue: /^append/,
    provider: /^\* \d+ FETCH .*RFC822\.SIZE/s,
    through: /^\* \d+ FETCH .*RFC822\.SIZE/s,
  },
  {
    reason: 'nothing was asked of the provider, so that the words are ours',
    dialogue: /^append/,
    provider: /^\S+ OK (?:Fetch completed|Completed)/,
    through: /^\S+ OK Fetch completed\.\r\n$/,
  },
  {
    reason: 'what is wrong with a FETCH is said in our words',
    dialogue: /^(?:binary|fetch|preview)$/,
    provider: /^\S+ BAD /,
    through: /^\S+ BAD /,
  },
  {
    reason: 'a FETCH that is not of the grammar is refused, where a provider may find a meaning',
    dialogue: /^fetch-bad/,
    provider: /./s,
    through: /^\S+ BAD /,
  },
  { reason: 'the same', dialogue: /^fetch-bad/, provider: /./s, through: null },
  {
    reason: 'RFC 9051 §9: the count of a partial is a number of 63 bits, which Dovecot and Cyrus do not take',
    dialogue: /^fetch-bad-sections/,
    provider: /^d[23] BAD/,
    through: /^(?:\* 1 FETCH .*BODY\[\]<0>|d4 OK)/s,
  },
  {
    reason: 'a message that may not be shown as it is stored comes after those that may',
    dialogue: /^(?:append-dovecot|binary|fetch)$/,
    provider: /^\* (?:7|18) FETCH/,
    through: null,
  },
  {
    reason: 'the same',
    dialogue: /^(?:append-dovecot|binary|fetch)$/,
    provider: null,
    through: /^\* (?:7|18) FETCH/,
  },
  { reason: 'the same', dialogue: /^append-dovecot$/, provider: /^\* 7 FETCH/, through: /^a9 OK/ },
  { reason: 'the same', dialogue: /^append-dovecot$/, provider: /^a9 OK/, through: null },
  {
    reason: 'Dovecot takes BINARY of a header and BINARY.SIZE of a piece, which RFC 3516 does not have',
    dialogue: /^binary$/,
    provider: /^(?:\* 1 FETCH \(BINARY(?:\[HEADER\]|\.SIZE)|\S+ OK)/,
    through: /^(?:a[78]|b1) BAD/,
  },
  { reason: 'the same', dialogue: /^binary$/, provider: /^(?:a8 BAD|b1 OK)/, through: null },
  {
    reason: 'Dovecot still takes PREVIEW and SNIPPET as they were before RFC 8970',
    dialogue: /^preview$/,
    provider: /^(?:\* \d+ FETCH \(PREVIEW \(FUZZY|a3 OK)/,
    through: /^a[345] BAD/,
  },
  {
    reason: 'the same',
    dialogue: /^preview$/,
    provider: /^(?:\* \d+ FETCH \((?:PREVIEW|SNIPPET) \(FUZZY|a[35] OK|a[45] BAD)/,
    through: null,
  },
  {
    reason: 'the name of a field is asked for in our words, and sent on as a word',
    dialogue: /^literals$/,
    provider: /^\* 1 FETCH .*\("SUBJECT"\)/,
    through: /^\* 1 FETCH .*\(SUBJECT\)/,
  },
  {
    reason: 'the same',
    dialogue: /^literals$/,
    provider: /^\+ (?:OK|go ahead)/,
    through: /^\+ Ready for the name of a field/,
  },
  { reason: 'NOTIFY is hidden', dialogue: /^notify/, provider: /^\S+ OK NOTIFY /, through: /^\S+ BAD / },
  { reason: 'NOTIFY is hidden', dialogue: /^notify/, provider: /^\S+ OK Updates cancelled/, through: /^\S+ BAD / },
  { reason: 'before login the words are ours', dialogue: BEFORE_LOGIN, provider: /^\S+ OK/, through: /^\S+ OK/ },
  { reason: 'before login the words are ours', dialogue: BEFORE_LOGIN, provider: /^\S+ NO /, through: /^\S+ NO / },
  { reason: 'before login the words are ours', dialogue: BEFORE_LOGIN, provider: /^\+/, through: /^\+/ },
  { reason: 'before login the words are ours', dialogue: BEFORE_LOGIN, provider: /^\* BYE/, through: /^\* BYE/ },
  {
    reason: 'a SASL response of another form is a syntax error here, a wrong password there',
    dialogue: /^login-dovecot/,
    provider: /^a1 NO \[AUTHENTICATIONFAILED\]/,
    through: /^a1 BAD /,
  },
  {
    reason:
      'Dovecot and Cyrus read a literal that they have refused as commands, and answer; nobody has sent such tags',
    dialogue: /^(?:append|literals)/,
    provider: /^(?:\S+ BAD Error in IMAP command|\* BAD Invalid tag)/,
    through: null,
  },
  {
    reason: 'Dovecot reads the rest of a command that it does not know as another one',
    dialogue: /^anystate/,
    provider: /^b4 BAD Error in IMAP command UID UNKNOWN/,
    through: null,
  },
  { reason: 'before login everything is ours', dialogue: /^greeting/, provider: /./s, through: /./s },
  { reason: 'the same', dialogue: /^greeting/, provider: null, through: /./s },
  { reason: 'the same', dialogue: /^greeting/, provider: /./s, through: null },
  {
    reason: 'IDLE has no arguments',
    dialogue: /^idle-bad-dovecot/,
    provider: /^(?:\+ idling|a4 OK)/,
    through: /^(?:a4 BAD IDLE takes no arguments|\(silence\))/,
  },
  {
    reason: 'a malformed literal is refused',
    dialogue: /^literal-empty-dovecot/,
    provider: /^(?:\+ OK|a1 NO|a2 OK)/,
    through: /^(?:a1 BAD The line ends in a malformed literal|\(silence\))/,
  },
  { reason: 'the same', dialogue: /^literal-empty-dovecot/, provider: /^a2 OK/, through: null },
  {
    reason: 'tags have a limit',
    dialogue: /^overlong-dovecot/,
    provider: /^t+ OK/,
    through: /^\* BAD The tag is longer than 255 octets/,
  },
  { reason: 'Cyrus takes + for a tag', dialogue: /^syntax/, provider: /^\+ OK Completed/, through: /^\* BAD / },
  { reason: 'an empty line is no response', dialogue: /^enable/, provider: /^\r\n$/, through: null },
  {
    reason: 'Cyrus crashes here, and the client is told of it',
    dialogue: /^rename-inbox/,
    provider: null,
    through: /^\* BYE The mail provider closed the connection/,
  },
];

/** The dialogue itself asks for STARTTLS. */
function clearUntilStartTLS({ interpose, endpoint }: Postern): Interpose {
  return async (provider) => {
    const { endpoint: clear, close } = await interpose(provider);
    const { port } = endpoint(clear.user, clear.password, 'starttls');
    return { endpoint: { ...clear, port }, close };
  };
}

describe('a session through Postern', () => {
  let servers: readonly MailServer[];
  let postern: Postern;
  before(async () => {
    [postern, ...servers] = await Promise.all([startPostern(), startDovecot(), startCyrus()]);
  });
  after(async () => {
    await Promise.all([postern, ...servers].map((server) => server.stop()));
  });

  describe('differs from one without it in nothing but what is listed', { concurrency: 4 }, () => {
    for (const dialogue of readDialogues()) {
      if (NOT_COMPARED.has(dialogue.name)) continue;
      for (const name of dialogue.servers) {
        for (const pace of ALL ? PACES : (['whole'] as const)) {
          const title = `${name}: ${dialogue.name}`;
          if (pace === 'pipelined' && NOT_PIPELINED.some(({ test }) => test.test(title))) continue;
          it(`${title}, ${typeof pace === 'string' ? pace : 'random cuts'}`, async () => {
            const server = servers.find((one) => one.name === name);
            assert.ok(server);
            const interpose = dialogue.name === 'starttls' ? clearUntilStartTLS(postern) : postern.interpose;
            const found = await compare({ dialogue, server, interpose, pace, allowed: ALLOWED });
            assert.deepEqual(found, []);
          });
        }
      }
    }
  });
});

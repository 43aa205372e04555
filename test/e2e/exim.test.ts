import assert from 'node:assert/strict';
import type { SpawnSyncReturns } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { stuff } from './dialogue.js';
import {
  ALICE,
  CAROL,
  type Mode,
  type Site,
  assertSameBytes,
  decrypt,
  decryptWithGnuPG,
  deleteCertificate,
  filesWith,
  importCertificate,
  messagesIn,
  openSite,
  recipientsOf,
  sampleMessage,
} from './site.js';

describe('Exim with etc/exim', () => {
  let site: Site;
  let configuration: string;

  before(() => {
    site = openSite();
    configuration = configure(site);
  });

  after(() => {
    site.close();
  });

  beforeEach(() => {
    site.setMode('work');
    for (const name of ['mail/example.com', 'spool/input', 'log/mainlog'])
      rmSync(join(site.folder, name), { recursive: true, force: true });
  });

  const exim = (args: readonly string[], input: Buffer | string = ''): SpawnSyncReturns<Buffer> =>
    site.run('exim', ['-C', configuration, ...args], { input });
  /** Submits by SMTP, and waits for the first attempt to deliver (`-odf`). */
  const send = (message: Buffer, to: string): void => {
    const dialogue = ['EHLO client.example.com', 'MAIL FROM:<bob@example.com>', `RCPT TO:<${to}>`, 'DATA', ''];
    const parts = [Buffer.from(dialogue.join('\r\n')), stuff(message), Buffer.from('.\r\nQUIT\r\n')];
    const { stdout } = exim(['-odf', '-bs'], Buffer.concat(parts));
    assert.match(stdout.toString(), /^250 OK id=/m);
  };
  const queued = (): number => Number(exim(['-bpc']).stdout.toString());
  /** What has happened since the test began. */
  const log = (): string => readFileSync(join(site.folder, 'log/mainlog'), 'utf8');
  const runQueue = (): void => {
    exim(['-qf']);
  };
  const inbox = (user: string): Buffer[] =>
    messagesIn(join(site.folder, 'mail/example.com', user.replace('@example.com', '')));

  it('stores what arrives as PGP/MIME that decrypts to the bytes that were handed to the filter', () => {
    const message = sampleMessage('sandpiper', '\r\n');
    send(message, ALICE);
    const [stored, ...more] = inbox(ALICE);
    assert.ok(stored);
    assert.equal(more.length, 0);
    assert.equal(queued(), 0);
    assert.match(stored.toString('latin1'), /^Content-Type: multipart\/encrypted;/m);
    assert.deepEqual(filesWith(site, 'sandpiper'), []);
    const plaintext = decrypt(site, stored);
    assertSameBytes(plaintext, site.handed());
    // Exim's own fields come first; what the sender wrote follows, with the line ends of a Maildir.
    const sent = Buffer.from(message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    assertSameBytes(plaintext.subarray(-sent.length), sent);
    assertSameBytes(decryptWithGnuPG(site, stored), plaintext);
  });

  it('keeps what is encrypted to its user already as it came', () => {
    send(sampleMessage('turnstone', '\r\n'), ALICE);
    const [first] = inbox(ALICE);
    assert.ok(first);
    rmSync(join(site.folder, 'mail/example.com'), { recursive: true });
    send(Buffer.from(first.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'), ALICE);
    const [second] = inbox(ALICE);
    assert.ok(second);
    assertSameBytes(second, site.handed());
  });

  it('encrypts for each recipient of a message with that one’s certificate', () => {
    importCertificate(site, CAROL);
    try {
      send(sampleMessage('godwit', '\r\n'), `${ALICE}>\r\nRCPT TO:<${CAROL}`);
      for (const user of [ALICE, CAROL]) {
        const [stored, ...more] = inbox(user);
        assert.ok(stored);
        assert.equal(more.length, 0);
        assert.match(recipientsOf(site, stored), new RegExp(user));
      }
    } finally {
      deleteCertificate(site, CAROL);
    }
  });

  it('leaves users who are not listed to the next router', () => {
    assert.match(exim(['-bt', 'dave@example.com']).stdout.toString(), /undeliverable/);
    assert.match(exim(['-bt', ALICE]).stdout.toString(), /router = postern_users, transport = postern_maildir/);
  });

  interface Trouble {
    readonly name: string;
    readonly to?: string;
    readonly begin: () => void;
    readonly end: () => void;
    /** What Exim's log says of it. */
    readonly log: RegExp;
  }
  const mode = (name: string, which: Mode, log: RegExp): Trouble => ({
    name,
    begin: () => {
      site.setMode(which);
    },
    end: () => {
      site.setMode('work');
    },
    log,
  });
  const troubles: readonly Trouble[] = [
    mode('is killed while it reads', 'killed-reading', /transport filter process failed \(-9\)/),
    mode('is killed while it writes', 'killed-writing', /transport filter process failed \(-9\)/),
    mode('exits with 75', 'tempfail', /transport filter process failed \(75\)/),
    {
      name: 'takes too long',
      begin: () => {
        site.setMode('hang');
        site.installFilter(1);
      },
      end: () => {
        site.setMode('work');
        site.installFilter();
      },
      log: /transport filter process failed \(124\)/,
    },
    {
      name: 'has no certificate for the recipient',
      to: CAROL,
      begin: () => undefined,
      end: () => {
        importCertificate(site, CAROL);
      },
      log: /transport filter process failed \(67\)/,
    },
    {
      name: 'may not read its keyring',
      begin: () => {
        chmodSync(site.home, 0o000);
      },
      end: () => {
        chmodSync(site.home, 0o755);
      },
      log: /transport filter process failed \(7\d\)/,
    },
    {
      name: 'is not installed',
      begin: () => {
        renameSync(join(site.library, 'postern-encrypt'), join(site.library, 'away'));
      },
      end: () => {
        renameSync(join(site.library, 'away'), join(site.library, 'postern-encrypt'));
      },
      log: /transport filter process failed/,
    },
  ];
  for (const [index, trouble] of troubles.entries()) {
    it(`defers while the filter ${trouble.name}, and delivers once after that`, () => {
      const secret = `phalarope-${index}-`;
      const to = trouble.to ?? ALICE;
      trouble.begin();
      try {
        send(sampleMessage(secret, '\r\n'), to);
        assert.equal(queued(), 1);
        assert.deepEqual(inbox(to), []);
        // Exim's queue holds mail in clear; nothing else may.
        assert.deepEqual(filesWith(site, secret, ['spool']), []);
        runQueue();
        assert.equal(queued(), 1);
        assert.deepEqual(inbox(to), []);
        assert.match(log(), trouble.log);
      } finally {
        trouble.end();
      }
      runQueue();
      assert.equal(queued(), 0);
      assert.equal(inbox(to).length, 1);
      runQueue();
      assert.equal(inbox(to).length, 1);
      assert.deepEqual(filesWith(site, secret), []);
    });
  }
});

/** Writes the configuration around the two samples. */
function configure(site: Site): string {
  const { account, folder } = site;
  for (const name of ['spool', 'log', 'mail']) site.makeFolder(name);
  const users = join(folder, 'postern-users');
  writeFileSync(users, 'alice\ncarol\n');
  const router = site.install('exim/router.conf', { '/etc/exim4/postern-users': users });
  const transport = site.install('exim/transport.conf', {
    '/usr/local/lib/postern': site.library,
    '/var/mail': join(folder, 'mail'),
    'user = mail': `user = ${account.name}`,
    'group = mail': `group = ${account.group}`,
  });
  const configuration = join(folder, 'exim.conf');
  writeFileSync(
    configuration,
    `exim_user = ${account.name}
exim_group = ${account.group}
deliver_drop_privilege
spool_directory = ${join(folder, 'spool')}
log_file_path = ${join(folder, 'log/%slog')}
primary_hostname = mx.example.com
domainlist local_domains = example.com
acl_smtp_rcpt = accept
keep_environment =
begin routers
.include ${router}
begin transports
.include ${transport}
begin retry
* * F,1d,1m
`,
    { mode: 0o644 },
  );
  return configuration;
}

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { deliver } from './dialogue.js';
import { type Dovecot, startDovecot } from './dovecot.js';
import {
  ALICE,
  CAROL,
  type Site,
  assertSameBytes,
  decrypt,
  decryptWithGnuPG,
  filesWith,
  importCertificate,
  messagesIn,
  openSite,
  sampleMessage,
  withCRLF,
} from './site.js';

const DEFERRED = /^451 4\.2\.0 /;

describe('Dovecot with etc/dovecot', () => {
  let site: Site;
  let dovecot: Dovecot;

  before(async () => {
    site = openSite();
    dovecot = await startDovecot(site);
  });

  after(async () => {
    await dovecot.stop();
    site.close();
  });

  beforeEach(() => {
    site.setMode('work');
    rmSync(dovecot.userHome(ALICE), { recursive: true, force: true });
  });

  const send = (message: Buffer, to: string = ALICE): Promise<string> =>
    deliver(dovecot.port, { from: 'bob@example.com', to }, message);
  const inbox = (user: string = ALICE): Buffer[] => messagesIn(join(dovecot.userHome(user), 'Maildir'));
  const folder = (name: string): Buffer[] => messagesIn(join(dovecot.userHome(ALICE), 'Maildir', `.${name}`));
  const script = (text: string): void => {
    const home = dovecot.userHome(ALICE);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, '.dovecot.sieve'), text);
    site.give(home);
  };

  it('stores what arrives as PGP/MIME that decrypts to the bytes that were handed to the filter', async () => {
    const message = sampleMessage('heron', '\r\n');
    assert.match(await send(message), /^250 /);
    const [stored, ...more] = inbox();
    assert.ok(stored);
    assert.equal(more.length, 0);
    assert.match(stored.toString('latin1'), /^Content-Type: multipart\/encrypted;/m);
    assert.deepEqual(filesWith(site, 'heron'), []);
    const plaintext = decrypt(site, stored);
    assertSameBytes(plaintext, site.handed());
    // Dovecot's own fields come first; what the sender wrote follows unchanged.
    assertSameBytes(plaintext.subarray(-message.length), message);
    assertSameBytes(decryptWithGnuPG(site, stored), plaintext);
    assert.equal(dovecot.fetch(ALICE, 'INBOX').length, 1);
  });

  it('keeps what is encrypted to its user already as it came', async () => {
    assert.match(await send(sampleMessage('kestrel', '\r\n')), /^250 /);
    const first = withCRLF(inbox()[0] ?? Buffer.alloc(0));
    rmSync(dovecot.userHome(ALICE), { recursive: true });
    assert.match(await send(first), /^250 /);
    const [second, ...more] = inbox();
    assert.ok(second);
    assert.equal(more.length, 0);
    assertSameBytes(withCRLF(second), site.handed());
    assertSameBytes(withCRLF(second).subarray(-first.length), first);
  });

  interface Trouble {
    readonly name: string;
    readonly to?: string;
    readonly begin: () => void;
    readonly end: () => void;
  }
  const mode = (name: string, which: Parameters<Site['setMode']>[0]): Trouble => ({
    name,
    begin: () => {
      site.setMode(which);
    },
    end: () => {
      site.setMode('work');
    },
  });
  const system = (name: string): string => join(site.folder, 'sieve', name);
  const troubles: readonly Trouble[] = [
    mode('is killed while it reads', 'killed-reading'),
    mode('is killed while it writes', 'killed-writing'),
    mode('exits with 75', 'tempfail'),
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
    },
    {
      name: 'has no certificate for the recipient',
      to: CAROL,
      begin: () => undefined,
      end: () => {
        importCertificate(site, CAROL);
      },
    },
    {
      name: 'may not read its keyring',
      begin: () => {
        chmodSync(site.home, 0o000);
      },
      end: () => {
        chmodSync(site.home, 0o755);
      },
    },
    {
      name: 'is not installed',
      begin: () => {
        renameSync(join(site.library, 'postern-encrypt'), join(site.library, 'away'));
      },
      end: () => {
        renameSync(join(site.library, 'away'), join(site.library, 'postern-encrypt'));
      },
    },
    {
      name: 'is not called, because its script is missing',
      begin: () => {
        for (const suffix of ['sieve', 'svbin']) rmSync(system(`postern-before.${suffix}`));
      },
      end: () => {
        dovecot.compile('postern-before.sieve');
      },
    },
    {
      name: 'is not called, because its script is wrong',
      begin: () => {
        rmSync(system('postern-before.svbin'));
        writeFileSync(system('postern-before.sieve'), 'if filter "postern-encrypt" {');
      },
      end: () => {
        dovecot.compile('postern-before.sieve');
      },
    },
    {
      name: 'exits with 75, though the script of the user files the message elsewhere',
      begin: () => {
        site.setMode('tempfail');
        script('require ["fileinto", "copy"]; fileinto :copy "Lists";');
      },
      end: () => {
        site.setMode('work');
      },
    },
    {
      name: 'did its work, but the script of the user is wrong',
      begin: () => {
        script('require "fileinto"; if true { fileinto "Lists";');
      },
      end: () => {
        script('keep;');
      },
    },
    {
      name: 'did its work, but the script of the user fails',
      begin: () => {
        script('require "ihave"; error "out of order";');
      },
      end: () => {
        script('keep;');
      },
    },
  ];
  for (const [index, trouble] of troubles.entries()) {
    it(`defers while the filter ${trouble.name}, and delivers once after that`, async () => {
      const secret = `bittern-${index}-`;
      const message = sampleMessage(secret, '\r\n');
      trouble.begin();
      try {
        assert.match(await send(message, trouble.to), DEFERRED);
        assert.deepEqual(inbox(trouble.to), []);
        assert.deepEqual(filesWith(site, secret), []);
      } finally {
        trouble.end();
      }
      assert.match(await send(message, trouble.to), /^250 /);
      assert.equal(inbox(trouble.to).length, 1);
      assert.deepEqual(filesWith(site, secret), []);
    });
  }

  it('lets the user’s own script file the encrypted message', async () => {
    script('require "fileinto"; if header :contains "from" "bob@example.com" { fileinto "Lists"; }');
    assert.match(await send(sampleMessage('plover', '\r\n')), /^250 /);
    assert.equal(inbox().length, 0);
    const [stored, ...more] = folder('Lists');
    assert.ok(stored);
    assert.equal(more.length, 0);
    assertSameBytes(decrypt(site, stored), site.handed());
  });

  it('refuses a rule that names the inbox, as the README says', async () => {
    script('require "fileinto"; fileinto "INBOX";');
    assert.match(await send(sampleMessage('wagtail', '\r\n')), DEFERRED);
    assert.deepEqual(inbox(), []);
  });

  it('files blind copies to oneself into Sent, as read', async () => {
    script(site.sample('dovecot/sent.sieve', {}));
    assert.match(await send(sampleMessage('dunlin', '\r\n'), 'alice+sent-3f9a61c07d@example.com'), /^250 /);
    assert.equal(inbox().length, 0);
    assert.equal(folder('Sent').length, 1);
    assert.match(dovecot.fetch(ALICE, 'Sent').join(), /\\Seen/);
    assert.match(await send(sampleMessage('curlew', '\r\n'), 'alice+sent-guess@example.com'), /^250 /);
    assert.equal(inbox().length, 1);
    assert.deepEqual(filesWith(site, 'dunlin'), []);
  });

  it('leaves nothing in its folder for temporary files', () => {
    assert.deepEqual(readdirSync(dovecot.temporary), []);
  });
});

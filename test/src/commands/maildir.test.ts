import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gather, memorySource } from '#lib/bytes/source';
import { sealAtRest } from '#lib/message/seal';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { files, maildir } from '#test/src/maildir/toy';
import { type Program, type Result, addKey, program } from './program.js';

const SUBJECT = 'the secret subject';
const ORIGINALS = {
  'cur/1640995200.M1.host:2,FS': `From: bob@example.com\nSubject: ${SUBJECT}\n\nhello\n`,
  'new/1640995201.M2.host': `From: bob@example.com\r\nSubject: ${SUBJECT}\r\n\r\nhello\r\n`,
  '.Sent/cur/1640995202.M3.host:2,S': `no header at all, and the ${SUBJECT}`,
};

let here: Program;
let sealedByOther: Buffer;
let sealedToOther: Buffer;

before(async () => {
  here = program();
  here.file('passphrase', 'correct horse\n');
  const alice = await addKey(here.home, 'alice@example.com', { passphrase: 'correct horse' });
  const elsewhere = program();
  const stranger = await addKey(elsewhere.home, 'stranger@example.com');
  elsewhere.remove();
  const seal = async (key: typeof alice): Promise<Buffer> => {
    const message = memorySource(Buffer.from('From: bob@example.com\r\nSubject: from Bob\r\n\r\nhello\r\n'));
    const sealed = await sealAtRest(message, { recipients: [await chooseRecipient(key.toPublic())] });
    return gather(sealed.stream());
  };
  sealedByOther = await seal(alice);
  sealedToOther = await seal(stranger);
});

after(() => {
  here.remove();
});

const run = (...args: readonly string[]): Promise<Result> => here.run(['maildir', ...args]);
const passphrase = (): readonly string[] => ['--passphrase-file', join(here.folder, 'passphrase')];

async function encrypted(context: TestContext): Promise<string> {
  const root = maildir(context, ORIGINALS);
  const { code, stderr } = await run('encrypt', root, '--to', 'alice@example.com');
  assert.equal(code, 0, stderr);
  return root;
}

/** Contents by the time in the file's name, which stays. */
const contents = (all: Iterable<readonly [string, string | Buffer]>): string[] =>
  [...all]
    .map(([path, text]) => `${/(?:[^/]*\/)*(\d+)/.exec(path)?.[0] ?? ''}: ${Buffer.from(text).toString('latin1')}`)
    .sort();

describe('postern maildir', { concurrency: 2 }, () => {
  it('encrypts with the certificate alone, leaving no plaintext, and decrypts to the same bytes', async (context) => {
    const root = maildir(context, ORIGINALS);
    const first = await run('encrypt', root, '--to', 'alice@example.com');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout.toString(), /^3 messages encrypted \(\d+ B to [\d.]+ kB\), 0 encrypted already\n$/);
    assert.match(first.stderr, /^postern: .* blocks may survive on the disk; .*\n$/);
    for (const [path, bytes] of files(root)) {
      assert.match(bytes.toString('latin1'), /^Content-Type: multipart\/encrypted/m, path);
      assert.ok(!bytes.includes(SUBJECT), path);
    }
    const sealed = files(root);
    const again = await run('encrypt', root, '--to', 'alice@example.com');
    assert.equal(again.stdout.toString(), '0 messages encrypted (0 B to 0 B), 3 encrypted already\n');
    assert.equal(again.stderr, '');
    assert.deepEqual(files(root), sealed);

    const back = await run('decrypt', root, ...passphrase());
    assert.equal(back.code, 0, back.stderr);
    assert.match(back.stdout.toString(), /^3 messages decrypted/);
    assert.deepEqual(contents(files(root)), contents(Object.entries(ORIGINALS)));
  });

  it('verifies with the private key where that is asked for', async (context) => {
    const root = maildir(context, ORIGINALS);
    const { code, stdout } = await run('encrypt', root, '--to', 'alice@example.com', '--verify', ...passphrase());
    assert.equal(code, 0);
    assert.match(stdout.toString(), /^3 messages encrypted/);
  });

  it('leaves what others have encrypted, unless it is told otherwise', async (context) => {
    const messages = { 'cur/1.a:2,': sealedByOther, 'cur/2.b:2,': sealedToOther };
    const root = maildir(context, messages);
    const left = await run('decrypt', root, ...passphrase());
    assert.match(left.stdout.toString(), /^0 messages decrypted .*, 0 plain already, 2 left encrypted/);
    assert.deepEqual(files(root), new Map(Object.entries(messages)));
    assert.equal((await run('decrypt', root, '--all', '--original')).code, 64);
    const all = await run('decrypt', root, '--original', ...passphrase());
    assert.match(all.stdout.toString(), /^1 message decrypted .*, 0 plain already, 1 left encrypted/);
    const [opened] = [...files(root).values()].filter((bytes) => bytes.includes('Subject: from Bob'));
    assert.equal(opened?.toString(), 'From: bob@example.com\r\nSubject: from Bob\r\n\r\nhello\r\n');
  });

  it('tells the status by folder, as a table or as JSON', async (context) => {
    const root = maildir(context, { ...ORIGINALS, 'cur/1.a:2,': sealedByOther, '.Sent/cur/2.b:2,': sealedToOther });
    const table = (await run('status', root)).stdout.toString();
    assert.match(table, /^folder +to our keys +to others +plain +unreadable\nINBOX +1 \(.*\) +0 \(0 B\) +2 \(/);
    const { total } = JSON.parse((await run('status', root, '--json')).stdout.toString()) as {
      total: Record<string, { messages: number }>;
    };
    assert.deepEqual([total['ours']?.messages, total['others']?.messages, total['plain']?.messages], [1, 1, 3]);
  });

  it('says in a dry run what it would do, and as JSON', async (context) => {
    const root = maildir(context, ORIGINALS);
    const { stdout, stderr } = await run('encrypt', root, '--to', 'alice@example.com', '--dry-run', '--json');
    const result = JSON.parse(stdout.toString()) as { converted: { messages: number }; dryRun: boolean };
    assert.deepEqual([result.converted.messages, result.dryRun, stderr], [3, true, '']);
    assert.deepEqual(contents(files(root)), contents(Object.entries(ORIGINALS)));
  });

  it('names what is damaged, leaves it, goes on, and ends with 65', async (context) => {
    const root = await encrypted(context);
    const damaged = Buffer.from(
      sealedByOther.toString('latin1').replace(/^[A-Za-z0-9+/]{20}/m, 'AAAAAAAAAAAAAAAAAAAA'),
    );
    writeFileSync(join(root, 'cur/9.z:2,'), damaged);
    const { code, stderr, stdout } = await run('decrypt', root, '--original', ...passphrase());
    assert.equal(code, 65, stderr);
    assert.match(stdout.toString(), /^3 messages decrypted/);
    assert.match(stderr, /^postern: .*\/cur\/9\.z:2,: .*\npostern: 1 failed and was left as before; see above\.\n$/);
    assert.deepEqual(files(root).get('cur/9.z:2,'), damaged);
  });

  it('ends at a wrong passphrase with 77 and changes nothing', async (context) => {
    const root = await encrypted(context);
    const sealed = files(root);
    const wrong = here.file('wrong', 'incorrect horse\n');
    const { code, stderr } = await run('decrypt', root, '--passphrase-file', wrong);
    assert.equal(code, 77, stderr);
    assert.doesNotMatch(stderr, /horse/);
    assert.deepEqual(files(root), sealed);
  });

  it('says what is wrong with the command line', async (context) => {
    const root = maildir(context, ORIGINALS);
    assert.equal((await run('encrypt', root)).code, 64);
    assert.equal((await run('encrypt', root, '--to', 'nobody@example.com')).code, 67);
    assert.equal((await run('status', join(root, 'none'))).code, 66);
    assert.equal((await run('encrypt', root, '--to', 'alice@example.com', '--folder', 'Trash')).code, 66);
    assert.deepEqual(contents(files(root)), contents(Object.entries(ORIGINALS)));
  });

  it('stops at SIGTERM with 75, with nothing lost and nothing in tmp', async (context) => {
    const many = Object.fromEntries(
      Array.from({ length: 150 }, (_, i) => [`cur/${1000 + i}.a:2,`, `Subject: ${i}\n\n${'text\n'.repeat(500)}`]),
    );
    const root = maildir(context, many);
    const child = here.start(['maildir', 'encrypt', root, '--to', 'alice@example.com']);
    const ended = once(child, 'exit');
    while (!readdirSync(join(root, 'cur')).some((name) => name.includes('.postern-'))) {
      assert.equal(child.exitCode, null);
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [75, null]);
    assert.equal(readdirSync(join(root, 'cur')).length, 150);
    assert.deepEqual(readdirSync(join(root, 'tmp')), []);
    const rest = await run('encrypt', root, '--to', 'alice@example.com');
    assert.equal(rest.code, 0);
    assert.equal((await run('decrypt', root, ...passphrase())).code, 0);
    assert.deepEqual(contents(files(root)), contents(Object.entries(many)));
  });
});

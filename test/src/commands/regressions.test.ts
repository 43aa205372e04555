/** What an independent test of the commands found, each with the case that showed it. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Program, addKey, program } from './program.js';

const LETTER = 'From: alice@example.com\nTo: bob@example.com\nSubject: s\n\nhi\n';
let here: Program;

before(async () => {
  here = program();
  await addKey(here.home, 'alice@example.com');
  await addKey(here.home, 'bob@example.com');
});
after(() => {
  here.remove();
});

const run = (args: readonly string[], input: string | Buffer = LETTER) => here.run(args, { input });

describe('a passphrase', () => {
  it('is not taken from where the message comes from', async () => {
    for (const option of [
      ['--passphrase-fd', '0'],
      ['--passphrase-file', '/dev/stdin'],
    ]) {
      for (const command of [['decrypt'], ['encrypt', 'bob@example.com', '--sign', 'alice@example.com']]) {
        const { code, stdout, stderr } = await run([...command, ...option], `correct horse\n${LETTER}`);
        assert.equal(code, 64, stderr);
        assert.equal(stdout.length, 0);
        assert.match(stderr, /standard input/);
      }
    }
  });

  it('that opens the second of the keys that a message names is enough', async () => {
    const one = program();
    try {
      await addKey(one.home, 'one@example.com', { passphrase: 'first' });
      await addKey(one.home, 'two@example.com', { passphrase: 'second' });
      const sealed = await one.run(['encrypt', 'one@example.com', 'two@example.com'], { input: LETTER });
      for (const passphrase of ['first', 'second']) {
        const file = one.file(passphrase, `${passphrase}\n`);
        const opened = await one.run(['decrypt', '--passphrase-file', file], { input: sealed.stdout });
        assert.equal(opened.stdout.toString(), LETTER, opened.stderr);
      }
      const wrong = await one.run(['decrypt', '--passphrase-file', one.file('no', 'no\n')], { input: sealed.stdout });
      assert.equal(wrong.code, 77);
    } finally {
      one.remove();
    }
  });
});

describe('maildir decrypt --all', () => {
  it('judges signatures as decrypt does', async () => {
    const root = join(here.folder, 'mail');
    for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
    const args = ['encrypt', '--for-others', '--sign', 'alice@example.com', 'bob@example.com'];
    const { stdout, stderr } = await run(args);
    assert.notEqual(stdout.length, 0, stderr);
    writeFileSync(join(root, 'cur', '1.x:2,'), stdout);
    const done = await run(['maildir', 'decrypt', root, '--all']);
    assert.equal(done.code, 0, done.stderr);
    const [file = ''] = readdirSync(join(root, 'cur'));
    assert.match(readFileSync(join(root, 'cur', file), 'latin1'), /^Postern-Status: encrypted; signature=valid;/);
  });
});

describe('an origin key', () => {
  it('that is there and cannot be read stops encrypt, where a missing state folder does not', async () => {
    const certificate = here.file('alice.asc', (await run(['key', 'export', 'alice@example.com'])).stdout);
    const elsewhere = program();
    try {
      mkdirSync(join(elsewhere.home, 'origin.key'), { recursive: true });
      const broken = await elsewhere.run(['encrypt', certificate], { input: LETTER });
      assert.notEqual(broken.code, 0);
      assert.equal(broken.stdout.length, 0);
      rmSync(elsewhere.home, { recursive: true });
      writeFileSync(elsewhere.home, 'a file');
      const unmarked = await elsewhere.run(['encrypt', certificate], { input: LETTER });
      assert.equal(unmarked.code, 0, unmarked.stderr);
      assert.doesNotMatch(unmarked.stdout.toString(), /Postern-Origin/);
    } finally {
      elsewhere.remove();
    }
  });
});

describe('encrypt --for-others', () => {
  const outside = async (field: string): Promise<string> => {
    const args = ['encrypt', '--for-others', '--sign', 'alice@example.com', 'bob@example.com'];
    const { stdout, stderr } = await run(args, `${field}\n${LETTER}`);
    assert.notEqual(stdout.length, 0, stderr);
    return stdout.toString();
  };

  it('leaves no copy of the subject and no blind recipient outside', async () => {
    for (const field of ['Thread-Topic: secret', 'X-Bcc: secret@example.net', 'Apparently-To: secret@example.net']) {
      assert.doesNotMatch(await outside(field), /secret/, field);
    }
  });

  it('records no Autocrypt field that is not outside', async () => {
    const sealed = await outside('Autocrypt: addr=evil@example.com; keydata=AAAA');
    const opened = await run(['decrypt', '--original'], Buffer.from(sealed));
    assert.doesNotMatch(opened.stdout.toString(), /evil@example/);
  });
});

describe('decrypt', () => {
  it('does not open a message with text before the armor, which the view would lose', async () => {
    const sealed = (await run(['encrypt', 'alice@example.com'])).stdout.toString('latin1');
    const changed = sealed.replace('-----BEGIN PGP', 'some text\r\n-----BEGIN PGP');
    const { code, stdout } = await run(['decrypt'], changed);
    assert.equal(code, 0);
    assert.match(stdout.toString('latin1'), /some text\r\n-----BEGIN PGP/);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gather, memorySource } from '#lib/bytes/source';
import { sealAtRest } from '#lib/message/seal';
import type { PrivateKey } from '#lib/openpgp/library';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { type Program, type Result, addCertificate, addKey, program } from './program.js';

const SECRET = 'the secret subject';
const MESSAGE = Buffer.from(
  `From: bob@example.com\r\nTo: alice@example.com\r\nSubject: ${SECRET}\r\n\r\n${SECRET}\r\n`,
);

let alice: PrivateKey;
let carol: PrivateKey;
let stranger: PrivateKey;
let here: Program;
let elsewhere: Program;

before(async () => {
  here = program();
  elsewhere = program();
  alice = await addKey(here.home, 'alice@example.com');
  carol = await addKey(here.home, 'carol@example.com', { passphrase: 'correct horse' });
  stranger = await addKey(elsewhere.home, 'stranger@example.com');
  await addKey(here.home, 'old@example.com', { expires: 60, date: new Date(Date.now() - 86_400_000) });
});

after(() => {
  here.remove();
  elsewhere.remove();
});

async function ok(result: Promise<Result>): Promise<Buffer> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Fails with this exit code, says why in a sentence, and writes nothing. */
async function fails(result: Promise<Result>, code: number, message: RegExp): Promise<void> {
  const { code: actual, stdout, stderr } = await result;
  assert.equal(actual, code, stderr);
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /internal error|\n {4}at |secret|correct horse/);
  assert.equal(stdout.length, 0);
}

const encrypt = (args: readonly string[], input: Buffer | string = MESSAGE): Promise<Result> =>
  here.run(['encrypt', ...args], { input });
const decrypt = (args: readonly string[], input: Buffer | string): Promise<Result> =>
  here.run(['decrypt', ...args], { input });

/** An armored message of a stranger for alice, as stored. */
async function sealedFor(key: PrivateKey, message = MESSAGE, originKey?: Buffer): Promise<Buffer> {
  const recipients = [await chooseRecipient(key.toPublic())];
  const sealed = await sealAtRest(memorySource(message), {
    recipients,
    ...(originKey === undefined ? {} : { originKey }),
  });
  return gather(sealed.stream());
}

describe('postern encrypt | postern decrypt', { concurrency: 2 }, () => {
  it('gives back the same bytes, and its own mark is recognised', async () => {
    for (const message of [MESSAGE, Buffer.alloc(0)]) {
      const stored = await ok(encrypt(['alice@example.com'], message));
      assert.doesNotMatch(stored.toString('latin1'), new RegExp(SECRET));
      assert.deepEqual(await ok(decrypt([], stored)), message);
    }
    assert.equal(statSync(join(here.home, 'origin.key')).mode & 0o777, 0o600);
  });

  it('follows --headers', async () => {
    const stored = await ok(encrypt(['--headers', 'strict', 'alice@example.com']));
    assert.ok(stored.includes('From: hidden'));
    assert.deepEqual(await ok(decrypt([], stored)), MESSAGE);
  });

  it('reads a regular file where it lies, from where it is', async () => {
    const message = Buffer.concat([Buffer.from('skipped\n'), MESSAGE, randomBytes(300_000)]);
    const fd = openSync(here.file('message.eml', message), 'r');
    try {
      readSync(fd, Buffer.alloc(8), 0, 8, null);
      const stored = await ok(here.run(['encrypt', 'alice@example.com'], { stdin: fd }));
      assert.deepEqual(await ok(decrypt([], stored)), message.subarray(8));
    } finally {
      closeSync(fd);
    }
  });

  it('puts a large message from a pipe aside sealed, and leaves nothing behind', async () => {
    const message = Buffer.concat([MESSAGE, randomBytes(3_000_000)]);
    const directory = join(here.folder, 'spool');
    mkdirSync(directory);
    const env = { TMPDIR: directory };
    const stored = await ok(here.run(['encrypt', '--compatible', 'alice@example.com'], { input: message, env }));
    assert.deepEqual(await ok(here.run(['decrypt'], { input: stored, env })), message);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('waits for pipes in non-blocking mode', async () => {
    const message = Buffer.concat([MESSAGE, randomBytes(500_000)]);
    const wrapper = ['/usr/bin/python3', '-c', SLOW_PIPES];
    const stored = await ok(here.run(['encrypt', 'alice@example.com'], { input: message, wrapper }));
    assert.deepEqual(await ok(here.run(['decrypt'], { input: stored, wrapper })), message);
  });

  it('takes fingerprints and files as recipients, audits besides', async () => {
    const file = elsewhere.file('stranger.asc', stranger.toPublic().armor());
    const stored = await ok(encrypt([alice.getFingerprint(), '--audit', file]));
    assert.deepEqual(await ok(decrypt([], stored)), MESSAGE);
    const shown = await ok(elsewhere.run(['decrypt'], { input: stored }));
    assert.match(shown.toString(), /^Postern-Status: encrypted; signature=none\r\n/);
    const original = await ok(elsewhere.run(['decrypt', '--original'], { input: stored }));
    assert.deepEqual(original, MESSAGE);
  });

  it('keeps what is encrypted to the recipient, unless --double', async () => {
    const stored = await sealedFor(alice);
    assert.deepEqual(await ok(encrypt(['alice@example.com'], stored)), stored);
    const twice = await ok(encrypt(['--double', 'alice@example.com'], stored));
    assert.deepEqual(await ok(decrypt([], twice)), stored);
    const forStranger = await sealedFor(stranger);
    assert.notDeepEqual(await ok(encrypt(['alice@example.com'], forStranger)), forStranger);
  });

  it('signs and sends for others', async () => {
    await addCertificate(elsewhere.home, alice);
    const letter = Buffer.from(
      `From: alice@example.com\r\nTo: stranger@example.com\r\nBcc: x@example.com\r\nSubject: ${SECRET}\r\n\r\nhi\r\n`,
    );
    const file = elsewhere.file('stranger-2.asc', stranger.toPublic().armor());
    const sent = await ok(encrypt(['--for-others', '--sign', 'alice@example.com', file], letter));
    assert.match(sent.toString(), /^Subject: \[\.\.\.\]\r\nAutocrypt: /m);
    const read = (await ok(elsewhere.run(['decrypt'], { input: sent }))).toString();
    assert.match(
      read,
      new RegExp(
        `^Postern-Status: encrypted; signature=valid; signer=alice@example.com; key=${alice.getFingerprint().toUpperCase()}\r\n`,
      ),
    );
    assert.match(read, new RegExp(`\r\nSubject: ${SECRET}\r\n`));
    // The sender can read it as well.
    assert.match((await ok(decrypt([], sent))).toString(), new RegExp(SECRET));
  });

  it('signs with a locked key, and fails with a wrong passphrase', async () => {
    const args = ['--sign', 'carol@example.com', 'alice@example.com', '--passphrase-file'];
    const sent = await ok(encrypt(['--for-others', ...args, here.file('carol', 'correct horse\n')]));
    assert.match(
      (await ok(decrypt([], sent))).toString(),
      /^Postern-Status: encrypted; signature=signer-mismatch; signer=carol@example.com;/,
    );
    await fails(encrypt([...args, here.file('not-carol', 'wrong\n')]), 77, /passphrase does not open/);
  });

  it('says with --verbose what it found', async () => {
    const marked = await here.run(['decrypt', '--verbose'], { input: await ok(encrypt(['alice@example.com'])) });
    assert.equal(marked.stderr, 'postern: encrypted; by ourselves at rest\n');
    const other = await here.run(['decrypt', '--verbose'], { input: await sealedFor(alice) });
    assert.equal(other.stderr, 'postern: encrypted; signature=none\n');
    assert.equal((await here.run(['decrypt', '--verbose'], { input: 'X: y\n\nz' })).stderr, 'postern: not encrypted\n');
  });
});

/** Runs a command between pipes in non-blocking mode, whose other ends are slow. */
const SLOW_PIPES = `
import fcntl, os, subprocess, sys, threading, time
def pipe(end):
    ends = os.pipe()
    fcntl.fcntl(ends[end], fcntl.F_SETFL, fcntl.fcntl(ends[end], fcntl.F_GETFL) | os.O_NONBLOCK)
    return ends
message = sys.stdin.buffer.read()
(in_read, in_write), (out_read, out_write) = pipe(0), pipe(1)
child = subprocess.Popen(sys.argv[1:], stdin=in_read, stdout=out_write)
os.close(in_read), os.close(out_write)
def feed():
    for at in range(0, len(message), 60000):
        time.sleep(0.02)
        os.write(in_write, message[at:at + 60000])
    os.close(in_write)
threading.Thread(target=feed).start()
while True:
    time.sleep(0.01)
    block = os.read(out_read, 50000)
    if not block: break
    sys.stdout.buffer.write(block)
sys.exit(child.wait())
`;

describe('the origin key', { concurrency: 2 }, () => {
  const key = randomBytes(32);
  it('can be given to a filter that has no state folder', async () => {
    const file = elsewhere.file('origin', `${key.toString('base64')}\n`);
    const certificate = elsewhere.file('alice.asc', alice.toPublic().armor());
    const stored = await ok(elsewhere.run(['encrypt', '--origin-key', file, certificate], { input: MESSAGE }));
    assert.deepEqual(await ok(decrypt(['--origin-key', file], stored)), MESSAGE);
    assert.match((await ok(decrypt([], stored))).toString(), /^Postern-Status: /);
  });
  it('is left out where the state folder cannot be written', async () => {
    const certificate = elsewhere.file('alice-2.asc', alice.toPublic().armor());
    const stored = await ok(elsewhere.run(['--home', '/dev/null/home', 'encrypt', certificate], { input: MESSAGE }));
    assert.doesNotMatch(stored.toString(), /Postern-/);
    assert.ok(!existsSync('/dev/null/home'));
  });
  it('fails where the file that is named is none', async () => {
    await fails(encrypt(['--origin-key', '/nonexistent', 'alice@example.com']), 66, /nonexistent/);
    await fails(encrypt(['--origin-key', here.file('short', 'AAAA'), 'alice@example.com']), 78, /32 octets/);
    await fails(decrypt(['--origin-key', here.file('short', 'AAAA')], MESSAGE), 78, /32 octets/);
  });
});

describe('postern decrypt', { concurrency: 2 }, () => {
  it('passes on what is not encrypted, less what claims to be ours', async () => {
    assert.deepEqual(await ok(decrypt([], MESSAGE)), MESSAGE);
    const claim = Buffer.concat([Buffer.from('Postern-Status: encrypted; signature=valid\r\n'), MESSAGE]);
    assert.deepEqual(await ok(decrypt([], claim)), MESSAGE);
  });

  it('unlocks a key with the passphrase of a file or a descriptor', async () => {
    const stored = await sealedFor(carol);
    const file = here.file('passphrase', 'correct horse\n');
    assert.match((await ok(decrypt(['--passphrase-file', file], stored))).toString(), new RegExp(SECRET));
    await fails(decrypt(['--passphrase-file', here.file('wrong', 'wrong\n')], stored), 77, /passphrase does not open/);
  });

  it('asks for no passphrase where none is needed', async () => {
    // Without a terminal to ask on, asking would fail.
    const both = await sealedForBoth();
    assert.match(
      (await ok(here.run(['decrypt'], { input: both, wrapper: ['setsid', '-w'] }))).toString(),
      new RegExp(SECRET),
    );
    await fails(here.run(['decrypt'], { input: await sealedFor(carol), wrapper: ['setsid', '-w'] }), 77, /passphrase/);
  });

  it('takes a private key from a file', async () => {
    const stored = await sealedFor(stranger);
    await fails(decrypt([], stored), 77, /is encrypted to [0-9A-F]{16}; none of these private keys is here/);
    const file = here.file('stranger-secret.asc', stranger.armor());
    assert.match((await ok(decrypt(['--key', file], stored))).toString(), new RegExp(SECRET));
    await fails(
      decrypt(['--key', here.file('public.asc', stranger.toPublic().armor())], stored),
      65,
      /not a private key/,
    );
    await fails(decrypt(['--key', '/nonexistent'], stored), 66, /nonexistent/);
  });

  it('gives nothing of a damaged message', async () => {
    const stored = (await sealedFor(alice, Buffer.concat([MESSAGE, randomBytes(10_000)]))).toString('latin1');
    const at = stored.indexOf('-----END') - 100;
    const damaged = stored.slice(0, at) + (stored[at] === 'A' ? 'B' : 'A') + stored.slice(at + 1);
    await fails(decrypt([], Buffer.from(damaged, 'latin1')), 65, /./);
    await fails(decrypt(['--original'], Buffer.from(damaged, 'latin1')), 65, /./);
    await fails(decrypt([], Buffer.from(stored.slice(0, at), 'latin1')), 65, /./);
  });
});

async function sealedForBoth(): Promise<Buffer> {
  const recipients = [await chooseRecipient(carol.toPublic()), await chooseRecipient(alice.toPublic())];
  return gather((await sealAtRest(memorySource(MESSAGE), { recipients })).stream());
}

describe('failures of postern encrypt leave standard output empty', { concurrency: 2 }, () => {
  for (const [what, args, code, message] of [
    ['an unknown recipient', ['nobody@example.com'], 67, /nobody@example\.com/],
    ['an expired certificate', ['old@example.com'], 67, /expired/],
    ['one of two recipients', ['alice@example.com', 'nobody@example.com'], 67, /nobody/],
    ['an unknown audit certificate', ['--audit', 'nobody@example.com', 'alice@example.com'], 67, /nobody/],
    ['a certificate file that is not there', ['./nonexistent.asc'], 67, /nonexistent/],
    ['a file that is no certificate', [join(process.cwd(), 'package.json')], 65, /not a certificate/],
    ['no signing key', ['--sign', 'nobody@example.com', 'alice@example.com'], 67, /nobody/],
    ['a wrong policy', ['--headers', 'all', 'alice@example.com'], 64, /--headers/],
    ['no recipient', [], 64, /recipient/],
    [
      'options that do not go together',
      ['--for-others', '--headers', 'strict', 'alice@example.com'],
      64,
      /--for-others/,
    ],
  ] as const) {
    it(what, () => fails(encrypt(args), code, message));
  }

  it('no message for others', () => fails(encrypt(['--for-others', 'alice@example.com'], '\r\nx'), 65, /no message/));

  it('a spool that cannot be written', async () => {
    const input = Buffer.concat([MESSAGE, Buffer.alloc(2_000_000)]);
    const env = { TMPDIR: '/nonexistent' };
    await fails(here.run(['encrypt', 'alice@example.com'], { input, env }), 75, /TMPDIR/);
    const stored = await sealedFor(alice, input);
    const file = openSync(here.file('large.eml', stored), 'r');
    await fails(here.run(['decrypt'], { stdin: file, env }), 75, /TMPDIR/);
    closeSync(file);
  });

  it('a full disk', async () => {
    const input = Buffer.concat([MESSAGE, Buffer.alloc(3_000_000)]);
    // A limit on the size of files makes writes fail as a full disk does.
    const wrapper = ['sh', '-c', 'trap "" XFSZ; ulimit -f 1000; exec "$@"', 'sh'];
    const { code, stdout } = await here.run(['encrypt', 'alice@example.com'], { input, wrapper });
    assert.equal(stdout.length, 0);
    assert.equal(code, 75);
  });

  it('a directory at standard input', async () => {
    const directory = openSync(here.folder, 'r');
    await fails(here.run(['encrypt', 'alice@example.com'], { stdin: directory }), 66, /directory/);
    closeSync(directory);
  });

  it('a state folder that is damaged', async () => {
    const other = program();
    await addKey(other.home, 'alice@example.com');
    writeFileSync(join(other.home, 'origin.key'), 'damaged');
    await fails(other.run(['encrypt', 'alice@example.com'], { input: MESSAGE }), 78, /origin\.key/);
    other.remove();
  });
});

describe('when output fails', { concurrency: 2 }, () => {
  it('a closed pipe ends in an I/O error', async () => {
    const child = here.start(['encrypt', 'alice@example.com']);
    const errors: Buffer[] = [];
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    child.stdin?.on('error', () => undefined);
    child.stdout?.once('data', () => child.stdout?.destroy());
    child.stdin?.end(Buffer.concat([MESSAGE, randomBytes(8_000_000)]));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 74, Buffer.concat(errors).toString());
  });

  it('a device that is full ends in "try again later"', async () => {
    const { code, stderr } = await here.run(['encrypt', 'alice@example.com'], {
      input: MESSAGE,
      wrapper: ['sh', '-c', 'exec "$@" > /dev/full', 'sh'],
    });
    assert.equal(code, 75, stderr);
  });

  it('a SEIPDv2 message of our own that is damaged late ends with a failure, and what came out is no more than its beginning', async () => {
    const originKey = Buffer.from(readFileSync(join(here.home, 'origin.key'), 'latin1').trim(), 'base64');
    const message = Buffer.concat([MESSAGE, randomBytes(2_000_000)]);
    const recipients = [await chooseRecipient(alice.toPublic())];
    const sealed = await sealAtRest(memorySource(message), { recipients, originKey, compatible: false });
    const stored = (await gather(sealed.stream())).toString('latin1');
    const at = stored.indexOf('-----END') - 1000;
    const damaged = stored.slice(0, at) + (stored[at] === 'A' ? 'B' : 'A') + stored.slice(at + 1);
    const { code, stdout } = await decrypt([], Buffer.from(damaged, 'latin1'));
    assert.equal(code, 65);
    assert.ok(stdout.length < message.length);
    assert.deepEqual(stdout, message.subarray(0, stdout.length));
  });
});

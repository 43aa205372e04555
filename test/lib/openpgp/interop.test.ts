import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gather, slices } from '#lib/bytes/source';
import { type PrivateKey, readPrivateKey } from '#lib/openpgp/library';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { type Sealer, createSealer } from '#lib/openpgp/seal';
import { openpgp } from '#test/openpgpjs';
import { GnuPG, expectPeer, runPeer, temporaryFolder } from '#test/peers';
import { type KeyName, loadKey, readKeyFile } from '#test/vectors/catalogue';
import { openAll } from '#test/vectors/opening';
import { payloadOf } from '#test/vectors/payload';

/** A program that opens what we seal and seals what we open. Both ways with a signature by the same key. */
interface Peer {
  /** Rejects unless the message opens and its signature is valid. */
  open(message: Buffer, key: PeerKey): Promise<Buffer>;
  seal(payload: Buffer, key: PeerKey): Promise<Buffer>;
}

/** A private key, as lib/openpgp and as the others take it. */
interface PeerKey {
  readonly key: PrivateKey;
  readonly secret: string;
  readonly public: string;
}

const folder = temporaryFolder();
const gpg = new GnuPG();

after(() => {
  gpg.close();
  rmSync(folder, { recursive: true });
});

let files = 0;

function file(content: string | Buffer): string {
  const path = join(folder, String(files++));
  writeFileSync(path, content);
  return path;
}

async function peerKey(secret: string): Promise<PeerKey> {
  const key = await readPrivateKey({ armoredKey: secret });
  return { key, secret, public: key.toPublic().armor() };
}

const SIZES = [0, 1, 100_000, 3_000_000];

const GNUPG: Peer = {
  async open(message, { key }) {
    const { code, stdout, stderr } = await gpg.tryRun(['--decrypt'], message);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^\[GNUPG:\] DECRYPTION_OKAY/m);
    assert.match(stderr, new RegExp(`^\\[GNUPG:\\] VALIDSIG .*${key.getFingerprint().toUpperCase()}`, 'm'));
    return stdout;
  },
  seal: (payload, { key }) => {
    const id = key.getFingerprint();
    return gpg.run(['--armor', '--sign', '-u', id, '--encrypt', '-r', id, '--output', '-'], payload);
  },
};

const RNP: Peer = {
  async open(message, { secret }) {
    const home = ['--homedir', join(folder, 'rnp'), '--notty', '--password', '', '-f', file(secret)];
    const { code, stdout, stderr } = await runPeer('rnp', [...home, '--decrypt', '--output', '-', file(message)]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Good signature made/m);
    return stdout;
  },
  seal: (payload, { secret, key }) => {
    const id = key.getFingerprint();
    const home = ['--homedir', join(folder, 'rnp'), '--notty', '--password', '', '-f', file(secret)];
    return expectPeer('rnp', [...home, '--sign', '-u', id, '--encrypt', '-r', id, '--output', '-', file(payload)]);
  },
};

/** A program with the Stateless OpenPGP command line. */
function sop(program: 'sqop' | 'gosop'): Peer {
  const verdicts = program === 'sqop' ? '--verifications-out' : '--verify-out';
  return {
    async open(message, { secret, public: certificate }) {
      const found = join(folder, String(files++));
      const options = [`${verdicts}=${found}`, `--verify-with=${file(certificate)}`, file(secret)];
      const payload = await expectPeer(program, ['decrypt', ...options], message);
      assert.notEqual(readFileSync(found, 'utf8').trim(), '', 'No signature was verified.');
      return payload;
    },
    seal: (payload, { secret, public: certificate }) =>
      expectPeer(program, ['encrypt', `--sign-with=${file(secret)}`, file(certificate)], payload),
  };
}

const OPENPGPJS: Peer = {
  async open(message, { key }) {
    const opened = (await openpgp.decrypt({
      message: await openpgp.readMessage({ armoredMessage: message.toString('latin1') }),
      decryptionKeys: key,
      verificationKeys: key,
      expectSigned: true,
      format: 'binary',
      // Its constant-time way is its slow way.
      config: { constantTimePKCS1Decryption: false },
    })) as { readonly data: Uint8Array };
    return Buffer.from(opened.data);
  },
  async seal(payload, { key }) {
    const message = await openpgp.createMessage({ binary: payload });
    const options = { message, encryptionKeys: key, signingKeys: key, format: 'armored' } as const;
    return Buffer.from((await openpgp.encrypt(options)) as string, 'latin1');
  },
};

/** Seals with a signature, its size announced or not, and checks the announcement. */
async function seal(
  payload: Buffer,
  { key }: PeerKey,
  compatible?: boolean,
  announced = true,
): Promise<[Sealer, Buffer]> {
  const recipients = [await chooseRecipient(key.toPublic())];
  const sealer = await createSealer({ recipients, signers: [key], compatible }, announced ? payload.length : undefined);
  const message = await gather(sealer.seal(slices(payload)));
  assert.equal(sealer.size, announced ? message.length : undefined);
  return [sealer, message];
}

interface Differences {
  readonly compatible?: boolean;
  /** gosop makes LF of each CRLF that it writes. */
  readonly changesLineEnds?: boolean;
}

async function checkTheyOpen(peer: Peer, key: PeerKey, payload: Buffer, more: Differences = {}, announced = true) {
  const [, message] = await seal(payload, key, more.compatible, announced);
  const opened = await peer.open(message, key);
  if (more.changesLineEnds === true) assert.deepEqual(unix(opened), unix(payload));
  else assert.deepEqual(opened, payload);
}

const unix = (text: Buffer): string => text.toString('latin1').replaceAll('\r\n', '\n');

async function checkWeOpen(peer: Peer, key: PeerKey, payload: Buffer) {
  const message = await peer.seal(payload, key);
  const opened = await openAll(slices(message), { keys: [key.key], verifiers: () => [key.key.toPublic()] });
  if (opened.error !== undefined) throw opened.error;
  assert.deepEqual(opened.payload, payload);
  assert.deepEqual(
    opened.signatures?.map(({ status, fingerprint }) => [status, fingerprint?.toLowerCase()]),
    [['valid', key.key.getFingerprint()]],
  );
}

function checkPeer(name: string, peer: Peer, keys: readonly KeyName[], more: Differences = {}): void {
  describe(name, () => {
    for (const keyName of keys) {
      it(`${keyName}: opens ours, and we open its own`, async () => {
        const key = await peerKey(readKeyFile(keyName));
        const payload = payloadOf('mail', 5000);
        await checkTheyOpen(peer, key, payload, more);
        await checkWeOpen(peer, key, payload);
      });
    }
    const [first] = keys;
    for (const size of SIZES) {
      it(`${size} octets: opens ours, and we open its own`, async () => {
        assert.ok(first);
        const key = await peerKey(readKeyFile(first));
        const payload = payloadOf('mail', size);
        await checkTheyOpen(peer, key, payload, more);
        await checkTheyOpen(peer, key, payload, more, false);
        await checkWeOpen(peer, key, payload);
      });
    }
  });
}

const ALL: readonly KeyName[] = [
  'gpg-curve25519',
  'gpg-p256',
  'gpg-p384',
  'gpg-p521',
  'gpg-brainpool256',
  'gpg-brainpool384',
  'gpg-brainpool512',
  'gpg-rsa2048',
  'gpg-rsa3072',
  'gpg-rsa4096',
];

describe('interop', () => {
  before(async () => {
    for (const name of ALL) await gpg.import(readKeyFile(name));
  });

  checkPeer('GnuPG', GNUPG, ALL);
  checkPeer('RNP', RNP, ALL);
  // Sequoia, as Debian has it, does not do the Brainpool curves.
  checkPeer(
    'Sequoia (sqop)',
    sop('sqop'),
    ALL.filter((name) => !name.includes('brainpool')),
  );
  checkPeer('GopenPGP (gosop)', sop('gosop'), ALL, { changesLineEnds: true });
  checkPeer('OpenPGP.js, SEIPDv1', OPENPGPJS, [...ALL, 'openpgpjs-x25519-v4'], { compatible: true });
  checkPeer('OpenPGP.js, SEIPDv2', OPENPGPJS, ['openpgpjs-x25519-v4', 'openpgpjs-x25519-v6', 'openpgpjs-x448-v6']);

  // GnuPG 2.2 needs padding or a checksum to see where the base64 data end.
  it('GnuPG opens armor of every length modulo three', async () => {
    const key = await peerKey(readKeyFile('gpg-curve25519'));
    for (const size of [1000, 1001, 1002, 70_000, 70_001, 70_002]) {
      await checkTheyOpen(GNUPG, key, payloadOf('mail', size));
      await checkTheyOpen(GNUPG, key, payloadOf('mail', size), {}, false);
    }
  });

  describe('keys that others generate', () => {
    for (const program of ['sqop', 'gosop'] as const) {
      it(program, async () => {
        const secret = await expectPeer(program, ['generate-key', '<alice@example.com>']);
        const key = await peerKey(secret.toString('latin1'));
        const payload = payloadOf('mail', 5000);
        await checkTheyOpen(sop(program), key, payload, { changesLineEnds: program === 'gosop' });
        await checkWeOpen(sop(program), key, payload);
      });
    }

    it('rnp', async () => {
      mkdirSync(join(folder, 'rnp-keys'));
      const home = ['--homedir', join(folder, 'rnp-keys'), '--notty', '--password', ''];
      await expectPeer('rnpkeys', [...home, '--generate-key', '--userid', 'alice@example.com', '--numbits', '2048']);
      const secret = await expectPeer('rnpkeys', [...home, '--export-key', '--secret', 'alice@example.com']);
      const key = await peerKey(secret.toString('latin1'));
      await checkTheyOpen(RNP, key, payloadOf('mail', 5000));
      await checkWeOpen(RNP, key, payloadOf('mail', 5000));
    });
  });

  it('every recipient of several opens the message with the program of their choice', async () => {
    const names: KeyName[] = ['gpg-curve25519', 'gpg-p256', 'gpg-rsa2048', 'openpgpjs-x25519-v4'];
    const keys = await Promise.all(names.map((name) => peerKey(readKeyFile(name))));
    const [first, second, third, fourth] = keys as [PeerKey, PeerKey, PeerKey, PeerKey];
    const recipients = await Promise.all(keys.map(({ key }) => chooseRecipient(key.toPublic())));
    const payload = payloadOf('mail', 5000);
    const sealer = await createSealer({ recipients, signers: [await loadKey('gpg-curve25519')] }, payload.length);
    // One of them does not announce SEIPDv2.
    assert.equal(sealer.seipdVersion, 1);
    const message = await gather(sealer.seal(slices(payload)));
    assert.equal(message.length, sealer.size);
    assert.deepEqual(await GNUPG.open(message, first), payload);
    assert.deepEqual(await sop('sqop').open(message, { ...second, public: first.public }), payload);
    assert.equal(unix(await sop('gosop').open(message, { ...third, public: first.public })), unix(payload));
    const opened = await openAll(slices(message), { keys: [fourth.key], verifiers: () => [first.key.toPublic()] });
    assert.deepEqual(opened.payload, payload);
    assert.equal(opened.signatures?.[0]?.status, 'valid');
  });
});

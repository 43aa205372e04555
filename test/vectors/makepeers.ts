/** Messages written by other programs. Each run gives other octets, since every program chooses its own session keys. */
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PartialConfig, openpgp } from '#test/openpgpjs';
import { GnuPG, expectPeer, peerVersion, temporaryFolder } from '#test/peers';
import { type KeyName, type Vector, loadKey, readKeyFile } from './catalogue.js';
import { type PayloadKind, payloadOf, sha256 } from './payload.js';

/** A vector together with its message. */
export interface Made {
  readonly vector: Vector;
  readonly message: Buffer;
}

/** What differs from the usual vector: a signed or unsigned mail of 2000 octets. */
interface Shape {
  readonly size?: number;
  readonly kind?: PayloadKind;
  readonly seipd?: 1 | 2;
  readonly signers?: readonly KeyName[];
}

const SIZE = 2000;

/** A vector that opens. */
export function good(name: string, from: string, keys: readonly KeyName[], message: Buffer, shape: Shape = {}): Made {
  const { size = SIZE, kind = 'mail', seipd = 1, signers = [] } = shape;
  const isArmored = message.subarray(0, 5).toString('latin1') === '-----';
  return {
    message,
    vector: {
      name,
      file: `${name}.${isArmored ? 'asc' : 'pgp'}`,
      from,
      keys,
      payload: { kind, size },
      outcome: {
        size,
        sha256: sha256(payloadOf(kind, size)),
        seipd,
        signatures: signers.map((key) => ({ status: 'valid', key })),
      },
    },
  };
}

export async function makePeerMessages(): Promise<Made[]> {
  const folder = temporaryFolder();
  try {
    return [
      ...(await makeGnuPG(folder)),
      ...(await makeRNP(folder)),
      ...(await makeSOP('sqop', folder, SQOP_KEYS)),
      ...(await makeSOP('gosop', folder, GOSOP_KEYS)),
      ...(await makeOpenPGPjs()),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

const GNUPG_KEYS: readonly KeyName[] = [
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
const SQOP_KEYS: readonly KeyName[] = ['gpg-curve25519', 'gpg-p256', 'gpg-p384', 'gpg-p521', 'gpg-rsa3072'];
const GOSOP_KEYS: readonly KeyName[] = [
  'gpg-curve25519',
  'gpg-p256',
  'gpg-p521',
  'gpg-brainpool256',
  'gpg-brainpool512',
  'gpg-rsa3072',
];

const address = (key: KeyName): string => `${key}@example.com`;

async function makeGnuPG(folder: string): Promise<Made[]> {
  const from = peerVersion('gpg');
  const made: Made[] = [];
  const gpg = new GnuPG();
  const own: KeyName = 'gpg-curve25519';
  const add = async (name: string, options: readonly string[], keys: readonly KeyName[], shape: Shape = {}) => {
    const payload = payloadOf(shape.kind ?? 'mail', shape.size ?? SIZE);
    const signers = (shape.signers ?? []).flatMap((key) => ['--sign', '-u', address(key)]);
    const message = await gpg.run([...options, ...signers, '--encrypt', '--output', '-'], payload);
    made.push(good(`gpg-${name}`, from, keys, message, shape));
  };
  const to = (...keys: KeyName[]): string[] => keys.flatMap((key) => ['-r', address(key)]);
  const none = ['--compress-algo', 'none'];
  try {
    for (const key of GNUPG_KEYS) await gpg.import(readKeyFile(key));
    for (const key of GNUPG_KEYS) await add(`to-${key.slice(4)}`, [...none, ...to(key)], [key], { signers: [key] });
    await add('default', to(own), [own]);
    await add('armor', ['--armor', ...to(own)], [own], { signers: [own] });
    await add('partial', [...none, ...to(own)], [own], { size: 40_000 });
    await add('empty', [...none, ...to(own)], [own], { size: 0, signers: [own] });
    await add('one-octet', [...none, ...to(own)], [own], { size: 1 });
    for (const algorithm of ['zip', 'zlib', 'bzip2']) {
      await add(algorithm, ['--compress-algo', algorithm, ...to(own)], [own], { size: 20_000, signers: [own] });
    }
    await add('text', [...none, '--textmode', ...to(own)], [own], { signers: [own] });
    await add('two-signers', [...none, ...to(own)], [own], { signers: ['gpg-rsa3072', own] });
    const three: KeyName[] = ['gpg-rsa2048', own, 'gpg-p384'];
    await add('three-recipients', [...none, ...to(...three)], ['gpg-p384']);
    await add('hidden', [...none, '--throw-keyids', ...to(...three)], ['gpg-p256', own]);
    await add('half-hidden', [...none, ...to('gpg-p256'), '-R', address('gpg-rsa2048')], ['gpg-rsa2048']);
    for (const cipher of CIPHERS) {
      const name = cipher.toLowerCase();
      await add(`cipher-${name}`, [...none, '--cipher-algo', cipher, ...to(own)], [own], { signers: [own] });
    }
    // From a file gpg knows the size and writes definite lengths.
    writeFileSync(join(folder, 'mail'), payloadOf('mail', 20_000));
    const definite = await gpg.run([...none, ...to(own), '--output', '-', '--encrypt', join(folder, 'mail')]);
    made.push(good('gpg-definite', from, [own], definite, { size: 20_000 }));
  } finally {
    gpg.close();
  }
  return made;
}

const CIPHERS = [
  'AES',
  'AES192',
  'AES256',
  'CAMELLIA128',
  'CAMELLIA192',
  'CAMELLIA256',
  '3DES',
  'CAST5',
  'BLOWFISH',
  'TWOFISH',
  'IDEA',
];

async function makeRNP(folder: string): Promise<Made[]> {
  const from = peerVersion('rnp');
  const made: Made[] = [];
  const home = ['--homedir', join(folder, 'rnp'), '--notty', '--password', ''];
  const input = join(folder, 'rnp-in');
  const add = async (name: string, key: KeyName, options: readonly string[], shape: Shape = {}) => {
    const keyFile = join(folder, 'rnp-key');
    writeFileSync(keyFile, readKeyFile(key));
    writeFileSync(input, payloadOf(shape.kind ?? 'mail', shape.size ?? SIZE));
    const sign = shape.signers === undefined ? [] : ['--sign', '-u', address(key)];
    const args = [...home, '-f', keyFile, '--encrypt', ...sign, '-r', address(key), ...options, '--output', '-', input];
    made.push(good(`rnp-${name}`, from, [key], await expectPeer('rnp', args), shape));
  };
  for (const key of GNUPG_KEYS) await add(`to-${key.slice(4)}`, key, ['-z', '0'], { signers: [key] });
  const own: KeyName = 'gpg-curve25519';
  await add('default', own, []);
  await add('armor', own, ['--armor'], { size: 20_000, signers: [own] });
  await add('empty', own, ['-z', '0'], { size: 0 });
  for (const algorithm of ['zip', 'zlib', 'bzip']) {
    await add(algorithm, own, [`--${algorithm}`, '-z', '6'], { size: 20_000 });
  }
  for (const cipher of ['TRIPLEDES', 'TWOFISH', 'CAMELLIA256', 'AES128']) {
    await add(`cipher-${cipher.toLowerCase()}`, own, ['--cipher', cipher]);
  }
  return made;
}

/** The SOP programs: sqop and gosop. */
async function makeSOP(program: 'sqop' | 'gosop', folder: string, keys: readonly KeyName[]): Promise<Made[]> {
  const from = peerVersion(program);
  const made: Made[] = [];
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, `${program}-${name}`);
    writeFileSync(path, content);
    return path;
  };
  const certificate = async (key: KeyName): Promise<string> =>
    file(`${key}.pub`, await expectPeer(program, ['extract-cert'], Buffer.from(readKeyFile(key))));
  const add = async (name: string, to: readonly KeyName[], options: readonly string[], shape: Shape = {}) => {
    const signers = (shape.signers ?? []).map((key) => `--sign-with=${file(key, readKeyFile(key))}`);
    const args = ['encrypt', ...options, ...signers, ...(await Promise.all(to.map(certificate)))];
    const message = await expectPeer(program, args, payloadOf('mail', shape.size ?? SIZE));
    made.push(good(`${program}-${name}`, from, to.slice(-1), message, shape));
  };
  for (const key of keys) await add(`to-${key.slice(4)}`, [key], [], { signers: [key] });
  await add('binary', ['gpg-curve25519'], ['--no-armor'], { size: 40_000 });
  await add('empty', ['gpg-curve25519'], ['--no-armor'], { size: 0, signers: ['gpg-curve25519'] });
  await add('three-recipients', ['gpg-rsa2048', 'gpg-p256', 'gpg-curve25519'], [], { signers: ['gpg-rsa3072'] });
  return made;
}

/** What openpgp.js is told for one message. */
interface OwnOptions extends Shape {
  readonly to: readonly KeyName[];
  readonly config?: PartialConfig;
  readonly wildcard?: boolean;
  readonly format?: 'armored' | 'binary';
}

/** A message by openpgp.js. */
export async function openPGPjsMessage(options: OwnOptions): Promise<Buffer> {
  const common = {
    message: await openpgp.createMessage({
      binary: payloadOf(options.kind ?? 'mail', options.size ?? SIZE),
      date: new Date(0),
    }),
    encryptionKeys: await Promise.all(options.to.map(loadKey)),
    signingKeys: await Promise.all((options.signers ?? []).map(loadKey)),
    wildcard: options.wildcard ?? false,
    config: options.config ?? {},
  };
  return options.format === 'armored'
    ? Buffer.from((await openpgp.encrypt({ ...common, format: 'armored' })) as string, 'latin1')
    : Buffer.from((await openpgp.encrypt({ ...common, format: 'binary' })) as Uint8Array);
}

async function makeOpenPGPjs(): Promise<Made[]> {
  const from = 'OpenPGP.js 6.3.2';
  const made: Made[] = [];
  const add = async (name: string, options: OwnOptions) => {
    const message = await openPGPjsMessage(options);
    made.push(good(`openpgpjs-${name}`, from, options.to.slice(-1), message, options));
  };
  const { aead, compression } = openpgp.enums;
  const x25519: KeyName = 'openpgpjs-x25519-v4';
  const x25519v6: KeyName = 'openpgpjs-x25519-v6';
  const x448: KeyName = 'openpgpjs-x448-v6';
  for (const key of [x25519, x25519v6, x448]) {
    const signed = { to: [key], signers: [key] };
    await add(`${key.slice(10)}-gcm`, { ...signed, seipd: 2, config: { preferredAEADAlgorithm: aead.gcm } });
    await add(`${key.slice(10)}-ocb`, { ...signed, seipd: 2, format: 'armored' });
  }
  // Keys that do not announce SEIPDv2 get version 1.
  for (const key of ['gpg-curve25519', 'gpg-p256', 'gpg-brainpool384', 'gpg-rsa2048'] as const) {
    await add(`v1-${key.slice(4)}`, { to: [key], signers: [key, x25519], format: 'armored' });
  }
  await add('v1-zip', { to: ['gpg-curve25519'], config: { preferredCompressionAlgorithm: compression.zip } });
  await add('v1-zlib', { to: ['gpg-curve25519'], config: { preferredCompressionAlgorithm: compression.zlib } });
  await add('v1-mixed-recipients', { to: [x25519v6, x25519, 'gpg-curve25519'] });
  await add('v1-to-x25519', { to: ['gpg-p256', x25519] });
  await add('v2-mixed-recipients', { to: [x448, x25519, x25519v6], seipd: 2 });
  await add('v2-hidden', { to: [x448, x25519v6, x25519], seipd: 2, wildcard: true });
  await add('v2-zip', { to: [x25519], seipd: 2, config: { preferredCompressionAlgorithm: compression.zip } });
  for (const mode of ['eax', 'ocb', 'gcm'] as const) {
    for (const octet of [0, 6, 12, 16]) {
      const size = octet === 0 ? 1000 : 9000;
      const config = { preferredAEADAlgorithm: aead[mode], aeadChunkSizeByte: octet };
      const message = await sealWithSuite(x25519, size, config, mode);
      made.push(good(`openpgpjs-${mode}-${octet}`, from, [x25519], message, { size, seipd: 2 }));
    }
  }
  return made;
}

/** With a session key of our own openpgp.js takes the AEAD mode that it is told, whatever the recipient prefers. */
async function sealWithSuite(
  to: KeyName,
  size: number,
  config: PartialConfig,
  aeadAlgorithm: 'eax' | 'ocb' | 'gcm',
): Promise<Buffer> {
  const key = await loadKey(to);
  const sessionKey = await openpgp.generateSessionKey({ encryptionKeys: key, config });
  return Buffer.from(
    (await openpgp.encrypt({
      message: await openpgp.createMessage({ binary: payloadOf('mail', size), date: new Date(0) }),
      encryptionKeys: key,
      sessionKey: { ...sessionKey, aeadAlgorithm },
      format: 'binary',
      config,
    })) as Uint8Array,
  );
}

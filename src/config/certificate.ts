/** The PEM files that a configuration names: read, and looked at, so that what is wrong is told before a client finds it. */
import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Secret } from '#lib/keys/secret';
import { explain } from '../explain.js';
import { FILE_SIZE_LIMIT } from './limits.js';

/** What a listener proves itself with. */
export interface ServerCertificate {
  /** PEM: the certificate first, and its chain. */
  readonly certificate: string;
  /** PEM: its private key, without a passphrase. */
  readonly key: Secret;
}

/** A file's content, or a sentence that says what is wrong with it. */
export type Read<Content> =
  { readonly ok: true; readonly content: Content } | { readonly ok: false; readonly problem: string };

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The text of a file. A larger one than any honest one is refused, and so is what is no file. */
export async function readText(path: string): Promise<Read<string>> {
  try {
    const file = await open(path);
    try {
      if (!(await file.stat()).isFile()) return { ok: false, problem: `${path} is no file. Name a file.` };
      const buffer = Buffer.alloc(FILE_SIZE_LIMIT + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      if (length <= FILE_SIZE_LIMIT) return { ok: true, content: buffer.toString('utf8', 0, length) };
      return { ok: false, problem: `${path} has more than ${FILE_SIZE_LIMIT} octets. Name another file.` };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { ok: false, problem: explain(error).message };
  }
}

/** A file with a certificate that is valid at `now`, and its chain. */
export async function readCertificate(path: string, now: Date): Promise<Read<string>> {
  const read = await readCertificates(path);
  if (!read.ok) return read;
  const own = read.content[0];
  if (own === undefined) return { ok: false, problem: noCertificate(path) };
  if (new Date(own.validTo) < now) {
    return { ok: false, problem: `The certificate in ${path} has expired (${own.validTo}). Renew it.` };
  }
  if (new Date(own.validFrom) > now) {
    const problem = `The certificate in ${path} is not valid before ${own.validFrom}. Check the clock, or wait.`;
    return { ok: false, problem };
  }
  return { ok: true, content: read.content.map(String).join('') };
}

/** A file with certificates of authorities. */
export async function readAuthorities(path: string): Promise<Read<string>> {
  const read = await readCertificates(path);
  return read.ok ? { ok: true, content: read.content.map(String).join('') } : read;
}

/** A file with a private key that needs no passphrase. */
export async function readKey(path: string): Promise<Read<Secret>> {
  const read = await readText(path);
  if (!read.ok) return read;
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(read.content)) {
    const remedy = `Write it without one: openssl pkey -in ${path} -out FILE`;
    return { ok: false, problem: `The private key in ${path} is locked with a passphrase. ${remedy}` };
  }
  if (privateKey(read.content) !== undefined) return { ok: true, content: new Secret(read.content) };
  return { ok: false, problem: `There is no private key in PEM in ${path}. Name the file that has it.` };
}

/** Whether the key is that of the first certificate. */
export function matches(certificate: string, key: Secret): boolean {
  const own = privateKey(key.reveal());
  return own !== undefined && new X509Certificate(certificate).checkPrivateKey(own);
}

async function readCertificates(path: string): Promise<Read<readonly X509Certificate[]>> {
  const read = await readText(path);
  if (!read.ok) return read;
  try {
    const certificates = (read.content.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    return certificates.length > 0 ? { ok: true, content: certificates } : { ok: false, problem: noCertificate(path) };
  } catch {
    return { ok: false, problem: `A certificate in ${path} is damaged. Write the file anew.` };
  }
}

function noCertificate(path: string): string {
  return `There is no certificate in PEM in ${path}. Name the file that has it.`;
}

function privateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Why is no matter, and the reason could quote the key.
    return undefined;
  }
}

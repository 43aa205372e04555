import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openpgp } from '#test/openpgpjs';
import { loadKey, readIndex, readMessage } from './catalogue.js';
import { sha256 } from './payload.js';

/** What the package openpgp does not read, although RFC 9580 has it. */
const NOT_READ = new Map([
  [/^(gpg|rnp)-cipher-(camellia|idea)/, 'ciphers that it does not know'],
  [/^(gpg|rnp)-cipher-(blowfish|twofish)|session-key-aes192/, 'ciphers that the key does not prefer'],
  [/^seipd1-zip-twice$/, 'compression within compression'],
  [/^session-key-mixed-versions$/, 'it does not discard the PKESK packet whose version does not fit'],
]);

for (const vector of readIndex()) {
  const { outcome } = vector;
  if ('error' in outcome || [...NOT_READ.keys()].some((names) => names.test(vector.name))) continue;
  it(`the package openpgp opens ${vector.name}`, async () => {
    const bytes = readMessage(vector);
    const message = vector.file.endsWith('.asc')
      ? await openpgp.readMessage({ armoredMessage: bytes.toString('latin1') })
      : await openpgp.readMessage({ binaryMessage: bytes });
    const { sessionKey } = vector;
    const opened = await openpgp.decrypt({
      message,
      format: 'binary',
      // Its constant-time way is its slow way.
      config: { constantTimePKCS1Decryption: false },
      ...(sessionKey
        ? { sessionKeys: { algorithm: 'aes128', data: Buffer.from(sessionKey.key, 'hex') } }
        : { decryptionKeys: await Promise.all(vector.keys.map(loadKey)) }),
    });
    assert.equal(sha256(Buffer.from(opened.data as Uint8Array)), outcome.sha256);
    assert.equal(opened.signatures.length, outcome.signatures.length);
  });
}

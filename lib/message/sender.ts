import { addressOfUserID } from '#lib/keys/address';
import { type Header, type HeaderField, unfold } from '#lib/mime/header';
import type { PublicKey } from '#lib/openpgp/library';
import type { SignatureVerdict } from '#lib/openpgp/verification';
import { singleAddress } from './address.js';
import type { Status } from './status.js';

/** Who a message is shown to be from. */
export interface Sender {
  readonly from: readonly HeaderField[];
  readonly sender: readonly HeaderField[];
  readonly status: Status;
}

/**
 * Settles From (RFC 9788 §4.4). Anybody can encrypt to a public key, so an inner From says nothing by itself: one that differs
 * from the outer one counts only if a valid signature by a certificate for that inner address covers it; else the outer one
 * is shown. A signature counts only for its signer's address in the From that is shown, and not at all on a mismatch.
 * What has no single, plainly written address (several From fields, several mailboxes, none) has no signer.
 */
export async function judgeSender(
  outer: Header,
  inner: Header | undefined,
  verdicts: readonly SignatureVerdict[],
): Promise<Sender> {
  const outerFrom = outer.all('from');
  const innerFrom = inner?.all('from') ?? [];
  let from = innerFrom.length > 0 ? innerFrom : outerFrom;
  let fromMismatch = false;
  if (innerFrom.length > 0 && !sameAuthors(outerFrom, innerFrom)) {
    const address = addressOf(innerFrom);
    if (address === undefined || (await signedBy(address, verdicts)) === undefined) {
      from = outerFrom;
      fromMismatch = true;
    }
  }
  const signature = await judgeSignature(fromMismatch ? undefined : addressOf(from), verdicts);
  const innerSender = inner?.all('sender') ?? [];
  const trusted = signature.signature === 'valid' || sameAuthors(outer.all('sender'), innerSender);
  return {
    from,
    sender: innerSender.length > 0 && trusted ? innerSender : outer.all('sender'),
    status: { ...signature, fromMismatch },
  };
}

/** The one address that the fields show, if they do. */
function addressOf(fields: readonly HeaderField[]): string | undefined {
  const [field, ...more] = fields;
  return field === undefined || more.length > 0 ? undefined : singleAddress(unfold(field.body));
}

/** The same single address, or, where there is none or there are several, the same text. */
function sameAuthors(one: readonly HeaderField[], other: readonly HeaderField[]): boolean {
  const address = addressOf(one);
  if (address !== undefined) return address === addressOf(other);
  return one.length === other.length && one.every((field, i) => sameText(field, other[i]));
}

function sameText(one: HeaderField, other: HeaderField | undefined): boolean {
  return other !== undefined && unfold(one.body) === unfold(other.body);
}

async function judgeSignature(
  address: string | undefined,
  verdicts: readonly SignatureVerdict[],
): Promise<Omit<Status, 'fromMismatch'>> {
  if (verdicts.length === 0) return { signature: 'none' };
  const signed = address === undefined ? undefined : await signedBy(address, verdicts);
  if (signed !== undefined && address !== undefined) {
    return { signature: 'valid', signer: address, ...keyOf(signed) };
  }
  const other = verdicts.find(({ status }) => status === 'valid');
  if (other !== undefined) {
    const [signer] = other.certificate === undefined ? [] : await addressesOf(other.certificate);
    return { signature: 'signer-mismatch', ...(signer === undefined ? {} : { signer }), ...keyOf(other) };
  }
  const invalid = verdicts.find(({ status }) => status === 'invalid');
  if (invalid !== undefined) return { signature: 'invalid', ...keyOf(invalid) };
  const [unknown] = verdicts;
  return { signature: 'unknown-key', ...(unknown === undefined ? {} : keyOf(unknown)) };
}

function keyOf(verdict: SignatureVerdict): { readonly key: string } {
  return { key: (verdict.fingerprint ?? verdict.keyID).toUpperCase() };
}

/** A valid signature by a certificate for this address. */
async function signedBy(address: string, verdicts: readonly SignatureVerdict[]): Promise<SignatureVerdict | undefined> {
  for (const verdict of verdicts) {
    if (verdict.status !== 'valid' || verdict.certificate === undefined) continue;
    if ((await addressesOf(verdict.certificate)).includes(address)) return verdict;
  }
  return undefined;
}

/** The addresses of the user IDs that the certificate's owner vouches for now, folded. */
export async function addressesOf(certificate: PublicKey): Promise<readonly string[]> {
  const addresses: string[] = [];
  for (const user of certificate.users) {
    const address = addressOfUserID(user.userID?.userID ?? '')?.folded;
    if (address === undefined || addresses.includes(address)) continue;
    try {
      await user.verify();
      addresses.push(address);
    } catch {
      // Revoked, expired or not the owner's: openpgp tells it by throwing, and it is no address of theirs.
      continue;
    }
  }
  return addresses;
}

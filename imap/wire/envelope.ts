import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** RFC 9051 §7.5.2. Strings are octets as they stand in the header: encoded words are not decoded. Undefined is NIL. */
export interface Envelope {
  readonly date: Buffer | undefined;
  readonly subject: Buffer | undefined;
  readonly from: AddressList;
  readonly sender: AddressList;
  readonly replyTo: AddressList;
  readonly to: AddressList;
  readonly cc: AddressList;
  readonly bcc: AddressList;
  readonly inReplyTo: Buffer | undefined;
  readonly messageId: Buffer | undefined;
}

export type AddressList = readonly EnvelopeAddress[] | undefined;

/** Begins a group where `host` is NIL and `mailbox` is not, and ends it where both are. */
export interface EnvelopeAddress {
  readonly name: Buffer | undefined;
  /** The source route (`adl`), which is obsolete. */
  readonly route: Buffer | undefined;
  readonly mailbox: Buffer | undefined;
  readonly host: Buffer | undefined;
}

/** Throws WireError. */
export function readEnvelope(reader: Reader): Envelope {
  const nstring = (): Buffer | undefined => {
    const value = reader.nstring();
    reader.space();
    return value;
  };
  const addresses = (): AddressList => {
    const list = readAddresses(reader);
    reader.space();
    return list;
  };
  reader.open();
  const envelope = {
    date: nstring(),
    subject: nstring(),
    from: addresses(),
    sender: addresses(),
    replyTo: addresses(),
    to: addresses(),
    cc: addresses(),
    bcc: addresses(),
    inReplyTo: nstring(),
    messageId: reader.nstring(),
  };
  reader.close();
  return envelope;
}

function readAddresses(reader: Reader): AddressList {
  if (reader.nil()) return undefined;
  reader.open();
  const addresses: EnvelopeAddress[] = [];
  while (!reader.take(')')) {
    addresses.push(reader.element(() => readAddress(reader)));
  }
  reader.unnest();
  return addresses;
}

function readAddress(reader: Reader): EnvelopeAddress {
  reader.open();
  const name = reader.nstring('the name of an address');
  reader.space();
  const route = reader.nstring('the route of an address');
  reader.space();
  const mailbox = reader.nstring('the mailbox of an address');
  reader.space();
  const host = reader.nstring('the host of an address');
  reader.close();
  return { name, route, mailbox, host };
}

/** Strings that cannot be quoted become literals. Throws WireError (`unwritable`) for a string with NUL. */
export function writeEnvelope(writer: Writer, envelope: Envelope): void {
  const { from, sender, replyTo, to, cc, bcc } = envelope;
  writer.syntax('(').nstring(envelope.date).space().nstring(envelope.subject).space();
  for (const list of [from, sender, replyTo, to, cc, bcc]) {
    writeAddresses(writer, list);
    writer.space();
  }
  writer.nstring(envelope.inReplyTo).space().nstring(envelope.messageId).syntax(')');
}

function writeAddresses(writer: Writer, list: AddressList): void {
  // An empty list is none: RFC 9051 §9 wants one address at least.
  if (list === undefined || list.length === 0) {
    writer.syntax('NIL');
    return;
  }
  writer.syntax('(');
  for (const { name, route, mailbox, host } of list) {
    writer.syntax('(').nstring(name).space().nstring(route).space();
    writer.nstring(mailbox).space().nstring(host).syntax(')');
  }
  writer.syntax(')');
}

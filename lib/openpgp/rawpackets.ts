import type { PartialConfig } from './library.js';

/** Packet types that may stand inside encryption and compression: signatures, compressed and literal data. */
const TYPES = [2, 4, 8, 11] as const;

/** What openpgp hands to a packet: octets, or its own list of them that is still being written. */
type Body = Uint8Array | { readToEnd(join: (chunks: Uint8Array[]) => Uint8Array): Promise<Uint8Array> };

function octets(body: Body): Uint8Array | Promise<Uint8Array> {
  return body instanceof Uint8Array ? body : body.readToEnd((chunks) => Buffer.concat(chunks));
}

function rawPacketClass(tag: number): unknown {
  return class {
    static readonly tag = tag;
    #body: Uint8Array = new Uint8Array();
    async read(body: Body): Promise<void> {
      this.#body = await octets(body);
    }
    write(): Uint8Array {
      return this.#body;
    }
  };
}

/**
 * A configuration with which openpgp leaves the packets inside a decrypted or expanded packet as they are, so that content.ts reads
 * them, under its own rules, like all others.
 */
export const RAW_PACKETS: PartialConfig = {
  enforceGrammar: false,
  additionalAllowedPackets: TYPES.map(rawPacketClass) as NonNullable<PartialConfig['additionalAllowedPackets']>,
};

/** openpgp's list of packets, which stops reading at the first one that holds data and keeps the rest in `stream`. */
export interface LazyPackets {
  readonly stream: { readToEnd(join: (packets: unknown[]) => unknown[]): Promise<unknown[]> } | null;
  push(...packets: unknown[]): number;
  write(): Uint8Array;
}

/** The octets of all packets of a list. */
export async function packetOctets(packets: LazyPackets): Promise<Uint8Array> {
  if (packets.stream !== null) packets.push(...(await packets.stream.readToEnd((rest) => rest)));
  return packets.write();
}

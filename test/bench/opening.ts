/** Opening an armored message of 100 MB from a file: ours warm in this process, others as processes less their start-up. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { openMessage } from '#lib/openpgp/open';
import { openpgp } from '#test/openpgpjs';
import { type Launcher, startLauncher } from './launcher.js';
import { type Material, type Mode, consume, fileStream, keyFor } from './material.js';
import { MB, type Result, type Times, faster, interleaved, less, timed, told } from './measure.js';

const SIZE = 100 * MB;
const ROUNDS = 5;

export async function opening(material: Material): Promise<Result[]> {
  const launcher = startLauncher();
  try {
    return await compare(material, launcher);
  } finally {
    launcher.close();
  }
}

async function compare(material: Material, launcher: Launcher): Promise<Result[]> {
  const path = async (mode: Mode, size: number): Promise<string> => (await material.sealedFile(mode, size)).path;
  const [v1, ocb, gcm, tiny] = [
    await path('v1', SIZE),
    await path('ocb', SIZE),
    await path('gcm', SIZE),
    await path('v1', 100),
  ];
  const gpg = (file: string) => () =>
    launcher.run('gpg', ['--homedir', material.gpg.home, '--quiet', '--output', '-', '--decrypt', file]);
  const rnp = (file: string) => () => launcher.run('rnp', [...material.rnp, '--decrypt', '--output', '-', file]);
  const ours = (mode: Mode, file: string) => async () => {
    const opened = await openMessage(fileStream(file, true), { lent: true, keys: [await keyFor(mode)] });
    await expectSize(consume(opened.payload));
    return undefined;
  };
  // Once more than the optimiser wants; and the agent must run.
  for (let i = 0; i < 6; i++) {
    await ours('v1', v1)();
    await ours('ocb', ocb)();
    await ours('gcm', gcm)();
  }
  await gpg(tiny)();
  const time = await interleaved(ROUNDS, {
    v1: ours('v1', v1),
    gpg: gpg(v1),
    ocb: ours('ocb', ocb),
    rnp: rnp(v1),
    gcm: ours('gcm', gcm),
    gpgStart: gpg(tiny),
    rnpStart: rnp(tiny),
  });
  const gpgTime = less(time.gpg, time.gpgStart);
  const rnpTime = less(time.rnp, time.rnpStart);
  const speed = (what: string, { wall }: Times): Result => told(`opening 100 MB, ${what}`, SIZE / 1000 / wall, ' MB/s');
  return [
    speed('gpg, SEIPDv1', gpgTime),
    speed('rnp, SEIPDv1', rnpTime),
    speed('ours, SEIPDv1', time.v1),
    speed('ours, SEIPDv2 OCB', time.ocb),
    speed('ours, SEIPDv2 GCM', time.gcm),
    ...(await openingByPackage(v1, gcm, await path('ocb', 10 * MB))),
    ...faster('opening SEIPDv1 against gpg', gpgTime, time.v1, 2.5),
    ...faster('opening SEIPDv1 against rnp', rnpTime, time.v1, 1.7),
    ...faster('opening SEIPDv2 OCB against gpg', gpgTime, time.ocb, 3.5),
    ...faster('opening SEIPDv2 OCB against rnp', rnpTime, time.ocb, 2.3),
    ...faster('opening SEIPDv2 GCM against gpg', gpgTime, time.gcm, 3.5),
    ...faster('opening SEIPDv2 GCM against rnp', rnpTime, time.gcm, 2.3),
  ];
}

async function expectSize(consumed: Promise<number>): Promise<void> {
  const size = await consumed;
  if (size !== SIZE) throw new Error(`${size} octets came out.`);
}

/** The package openpgp as a stream. It gives out SEIPDv1 unverified; OCB, being slow, is measured on a tenth. */
async function openingByPackage(v1: string, gcm: string, ocbTenth: string): Promise<Result[]> {
  const run = (mode: Mode, file: string) => async () => {
    const text = Readable.toWeb(Readable.from(latin1(file))) as ReadableStream<string>;
    const opened = (await openpgp.decrypt({
      message: await openpgp.readMessage({ armoredMessage: text }),
      decryptionKeys: await keyFor(mode),
      format: 'binary',
      config: { allowUnauthenticatedStream: true },
    })) as { readonly data: unknown };
    await consume(opened.data as AsyncIterable<Buffer>);
  };
  const speed = (what: string, octets: number, ms: number): Result =>
    told(`opening 100 MB, package openpgp, ${what}`, octets / 1000 / ms, ' MB/s');
  return [
    speed('SEIPDv1, unverified', SIZE, await timed(run('v1', v1))),
    speed('SEIPDv2 OCB, from 10 MB', 10 * MB, await timed(run('ocb', ocbTenth))),
    speed('SEIPDv2 GCM', SIZE, await timed(run('gcm', gcm))),
  ];
}

async function* latin1(file: string): AsyncGenerator<string, void> {
  for await (const chunk of createReadStream(file)) yield (chunk as Buffer).toString('latin1');
}

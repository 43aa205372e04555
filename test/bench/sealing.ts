/** Sealing 300 MB as a whole process, start-up and all. */
import type { Material } from './material.js';
import { MB, type Result, type Times, faster, interleaved, runProgram, script, told } from './measure.js';

const SIZE = 300 * MB;
const ROUNDS = 3;

export async function sealing(material: Material): Promise<Result[]> {
  const payload = await material.payloadFile(SIZE);
  const gpg = ['--homedir', material.gpg.home, '--armor', '--compress-algo', 'none', '--output', '-'];
  const ours = (what: string, mode: 'v1' | 'ocb' | 'gcm') => async () =>
    runProgram(process.execPath, [script('process.js'), what, mode, await material.keyFile(mode), payload]);
  const time = await interleaved(ROUNDS, {
    gpg: () => runProgram('gpg', [...gpg, '--recipient', 'gpg-curve25519@example.com', '--encrypt', payload]),
    v1: ours('seal', 'v1'),
    ocb: ours('seal', 'ocb'),
    gcm: ours('seal', 'gcm'),
  });
  const packageTime = await interleaved(1, { v1: ours('seal-package', 'v1') });
  const speed = (what: string, { wall }: Times): Result => told(`sealing 300 MB, ${what}`, SIZE / 1000 / wall, ' MB/s');
  return [
    speed('gpg, SEIPDv1', time.gpg),
    speed('ours, SEIPDv1', time.v1),
    speed('ours, SEIPDv2 OCB', time.ocb),
    speed('ours, SEIPDv2 GCM', time.gcm),
    speed('package openpgp, SEIPDv1', packageTime.v1),
    ...faster('sealing SEIPDv1 against gpg', time.gpg, time.v1, 1.5),
    ...faster('sealing SEIPDv2 OCB against gpg', time.gpg, time.ocb, 2.2),
    ...faster('sealing SEIPDv2 GCM against gpg', time.gpg, time.gcm, 2.2),
  ];
}
